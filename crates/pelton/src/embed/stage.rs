//! The stages, as workers call them.

use std::sync::Arc;

use pelton_metrics::{Counter, LocalCounter};
use pelton_pool::BufferPool;

use super::records::Records;

/// Works on one batch.
pub(super) type Work = Box<dyn FnMut(&mut Records) + Send>;

/// A stage of which each worker has its own instance.
pub(super) struct Stage {
    pub name: Arc<str>,
    /// Makes the instance of one worker.
    pub make: Box<dyn Fn(&BufferPool) -> Work + Send + Sync>,
    pub counters: StageCounters,
}

/// What became of records at one stage.
#[derive(Clone, Debug, Default)]
pub(super) struct StageCounters {
    pub entered: Counter,
    pub filtered: Counter,
    pub rejected: Counter,
}

impl Stage {
    /// A stage that all workers share.
    pub(super) fn shared(
        name: String,
        work: impl Fn(&mut Records) + Send + Sync + 'static,
    ) -> Self {
        let work = Arc::new(work);
        let make = move |_: &BufferPool| -> Work {
            let work = work.clone();
            Box::new(move |records| work(records))
        };
        Self::each_its_own(name, make)
    }

    /// A stage that each worker has for itself.
    pub(super) fn each_its_own(
        name: String,
        make: impl Fn(&BufferPool) -> Work + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            make: Box::new(make),
            counters: StageCounters::default(),
        }
    }

    /// The instance of one worker.
    pub(super) fn instance(&self, pool: &BufferPool) -> Instance {
        Instance {
            name: self.name.clone(),
            work: (self.make)(pool),
            entered: self.counters.entered.local(),
            filtered: self.counters.filtered.local(),
            rejected: self.counters.rejected.local(),
        }
    }
}

/// One worker's instance of a stage.
pub(super) struct Instance {
    name: Arc<str>,
    work: Work,
    entered: LocalCounter,
    filtered: LocalCounter,
    rejected: LocalCounter,
}

impl Instance {
    /// Works on `records` and counts what it did.
    pub(super) fn work(&mut self, records: &mut Records) {
        let (filtered, rejected) = records.taken_out();
        let entered = records.remaining();
        if entered == 0 {
            return;
        }
        records.enter(&self.name);
        (self.work)(records);
        let (filtered_now, rejected_now) = records.taken_out();
        // What came in last, so that no reading has more taken out than came in.
        self.entered.add(entered as u64);
        self.filtered.add((filtered_now - filtered) as u64);
        self.rejected.add((rejected_now - rejected) as u64);
    }
}
