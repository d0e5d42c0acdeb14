//! What each worker did: written by plain stores of its owner, read by anyone.

use std::time::{Duration, Instant};

use crate::sync::{AtomicUsize, Ordering};

/// The counters of one worker, on lines of their own; only its owner writes them.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    /// Tasks that were put into a queue by this worker.
    pub(crate) spawned: Counter,
    /// Tasks taken in hand.
    pub(crate) begun: Counter,
    /// Tasks run to their end.
    pub(crate) run: Counter,
    pub(crate) stolen: Counter,
    pub(crate) injected: Counter,
    pub(crate) parked: Counter,
    pub(crate) panicked: Counter,
    /// Nanoseconds of finished busy stretches.
    busy_ns: Counter,
    /// Nanoseconds since the pool's start at which the present busy stretch began, plus one;
    /// zero while idle.
    busy_since_ns: Counter,
}

/// A number with a single writer.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicUsize);

impl Counter {
    #[inline]
    pub(crate) fn add(&self, amount: usize) {
        self.set(self.0.load(Ordering::Relaxed).wrapping_add(amount));
    }

    #[inline]
    fn set(&self, value: usize) {
        // ORDERING: Release; pairs with the Acquire load in `get`: whoever sees a task as run
        // sees the tasks as spawned that it spawned.
        self.0.store(value, Ordering::Release);
    }

    pub(crate) fn get(&self) -> usize {
        // ORDERING: Acquire; pairs with the Release store in `set`.
        self.0.load(Ordering::Acquire)
    }
}

impl Cells {
    /// idle -> busy.
    pub(crate) fn begin_busy(&self, start: Instant) {
        self.busy_since_ns.set(nanos(start) + 1);
    }

    /// busy -> idle.
    pub(crate) fn end_busy(&self, start: Instant) {
        let since = self.busy_since_ns.get();
        if since > 0 {
            self.busy_ns.add((nanos(start) + 1).saturating_sub(since));
            self.busy_since_ns.set(0);
        }
    }

    pub(crate) fn snapshot(&self, start: Instant, core: Option<usize>) -> WorkerStats {
        let since = self.busy_since_ns.get();
        let ongoing = match since {
            0 => 0,
            since => (nanos(start) + 1).saturating_sub(since),
        };
        WorkerStats {
            run: self.run.get(),
            spawned: self.spawned.get(),
            stolen: self.stolen.get(),
            injected: self.injected.get(),
            parked: self.parked.get(),
            panicked: self.panicked.get(),
            busy: Duration::from_nanos((self.busy_ns.get() + ongoing) as u64),
            core,
        }
    }
}

fn nanos(start: Instant) -> usize {
    start.elapsed().as_nanos() as usize
}

/// What one worker did since the pool was built. Read while it works, so the numbers of one
/// snapshot may be a task apart from each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct WorkerStats {
    /// Tasks run to their end; a future counts once for each time it was polled.
    pub run: usize,
    /// Tasks that the tasks of this worker spawned into its own queues.
    pub spawned: usize,
    /// Tasks taken from the queues of other workers.
    pub stolen: usize,
    /// Tasks taken from the shared queue, where submissions from outside arrive.
    pub injected: usize,
    /// Times that it went to sleep.
    pub parked: usize,
    /// Detached tasks that panicked.
    pub panicked: usize,
    /// Time between waking with work and finding none; the clock is read only then.
    pub busy: Duration,
    /// The core that it is pinned to.
    pub core: Option<usize>,
}

/// What a scheduler did since it was built.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// One entry for each worker that ever ran, by index.
    pub workers: Vec<WorkerStats>,
    /// Tasks accepted from threads outside the pool.
    pub submitted: usize,
    /// Tasks waiting in the shared queue now.
    pub queued: usize,
}

impl Stats {
    /// Tasks run by all workers.
    #[must_use]
    pub fn run(&self) -> usize {
        self.workers.iter().map(|worker| worker.run).sum()
    }
}
