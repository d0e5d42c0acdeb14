//! The engine while it runs.

use std::fmt;
use std::sync::Arc;

use pelton_pool::{Budget, BufferPool, Reservation};
use pelton_queue::wait::Waiting;
use pelton_sync::atomic::{AtomicUsize, Ordering};
use pelton_sync::thread::{self, JoinHandle};
use pelton_sync::{Mutex, PoisonError};

use super::clock::Clock;
use super::control::{Control, Mode};
use super::inline::Inline;
use super::lanes::LaneReceiver;
use super::order::Order;
use super::outbox::Outlet;
use super::record::Failure;
use super::stage::Stage;
use super::stats::{Latency, Metrics, Report, StageStats, Stats};
use super::worker::{OnRejected, Worker};
use crate::Error;

/// What all workers share.
pub(super) struct Shared {
    pub control: Arc<Control>,
    pub order: Option<Arc<Order>>,
    pub stages: Vec<Stage>,
    pub on_rejected: OnRejected,
    pub return_filtered: bool,
    pub metrics: Metrics,
    pub clock: Clock,
    pub pool: BufferPool,
    pub budget: Budget,
    /// Pays for the rings.
    pub _rings: Reservation,
    /// Records that a worker takes up together, at most.
    pub batch: usize,
    /// The stage of those whom no stage rejected.
    pub no_stage: Arc<str>,
    /// Closes the way in.
    pub gate: Waiting<LaneReceiver>,
    /// Workers that have not left.
    pub at_work: AtomicUsize,
    pub stopped_by: Mutex<Option<Failure>>,
}

impl Shared {
    /// The way out is closed behind the last worker.
    pub(super) fn leave(&self, outlet: &Outlet) {
        // ORDERING: AcqRel; the last one to leave sees what the others put out.
        if self.at_work.fetch_sub(1, Ordering::AcqRel) == 1 {
            outlet.close();
        }
    }

    /// Lets nothing more in, and wakes everybody at the way in.
    pub(super) fn close(&self) {
        self.gate.close_with(LaneReceiver::close);
    }

    /// Lets nothing more in, and has everybody at the way in see the mode.
    fn stop(&self, mode: Mode) {
        self.control.stop(mode);
        self.close();
    }

    /// Stops because of `failure`, if it is the first.
    #[cold]
    pub(super) fn stop_by(&self, failure: &Failure) {
        let mut stopped_by = self
            .stopped_by
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        stopped_by.get_or_insert_with(|| failure.clone());
        drop(stopped_by);
        self.close();
    }
}

/// An engine that runs inside the program; see the [module](super).
///
/// Dropping it aborts it.
pub struct Embedded {
    shared: Arc<Shared>,
    outlet: Outlet,
    workers: Vec<JoinHandle<()>>,
    /// The worker, where none has a thread.
    inline: Option<Arc<Inline>>,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded")
            .field("workers", &self.workers.len())
            .field("mode", &self.shared.control.mode())
            .finish_non_exhaustive()
    }
}

impl Embedded {
    /// Lets `workers` threads loose, or makes the worker that has none.
    pub(super) fn start(shared: Shared, outlet: Outlet, workers: usize) -> Result<Self, Error> {
        let mut engine = Self {
            shared: Arc::new(shared),
            outlet,
            workers: Vec::with_capacity(workers),
            inline: None,
        };
        if workers == 0 {
            let inline = Inline::new(engine.shared.clone(), engine.worker());
            engine.inline = Some(Arc::new(inline));
        }
        for index in 0..workers {
            let worker = engine.worker();
            let spawned = thread::Builder::new()
                .name(format!("pelton-embedded-{index}"))
                .spawn(move || worker.run())
                .map_err(|error| Error::internal(&format!("no thread for a worker: {error}")))?;
            engine.workers.push(spawned);
        }
        Ok(engine)
    }

    fn worker(&self) -> Worker {
        let shared = self.shared.clone();
        Worker::new(shared, self.shared.gate.clone(), self.outlet.clone())
    }

    /// The worker, where none has a thread.
    pub(super) const fn inline(&self) -> Option<&Arc<Inline>> {
        self.inline.as_ref()
    }

    /// Takes no more records up until [`resume`](Self::resume). Those taken up already are worked
    /// off, and submitting goes on until the way in is full. Does nothing when the engine stops.
    pub fn pause(&self) {
        self.shared.control.pause(true);
    }

    /// Goes on after a [`pause`](Self::pause).
    pub fn resume(&self) {
        self.shared.control.pause(false);
        self.shared.gate.close_with(|_| ());
    }

    /// True between [`pause`](Self::pause) and [`resume`](Self::resume).
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.shared.control.mode() == Mode::Pause
    }

    /// Lets nothing more in, works off what was accepted, and reports.
    ///
    /// Does not wait for receivers: what they have not received yet stays theirs to receive after
    /// this returns, up to the last record.
    ///
    /// # Panics
    ///
    /// When a worker panicked, which stages cannot make it do.
    #[must_use = "the report tells what became of the records"]
    pub fn stop(mut self) -> Report {
        self.finish(Mode::Drain)
    }

    /// Lets nothing more in, and rejects what is not yet worked on as
    /// [aborted](super::FailureKind::Aborted): nothing is lost, it comes out like other rejected
    /// records. A stage that is at work on a batch finishes it.
    ///
    /// # Panics
    ///
    /// As for [`stop`](Self::stop).
    pub fn abort(mut self) -> Report {
        self.finish(Mode::Abort)
    }

    /// Waits until all submitters are dropped and what they submitted is worked off and put out,
    /// and reports. Other than [`stop`](Self::stop) it waits for receivers.
    ///
    /// # Panics
    ///
    /// As for [`stop`](Self::stop).
    #[must_use = "the report tells what became of the records"]
    pub fn join(mut self) -> Report {
        self.wait();
        self.report()
    }

    /// What became of records so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.stats(&self.outlet)
    }

    /// The pool that payloads come from.
    #[must_use]
    pub fn pool(&self) -> &BufferPool {
        &self.shared.pool
    }

    fn finish(&mut self, mode: Mode) -> Report {
        self.shared.stop(mode);
        self.outlet.wake();
        self.wait();
        self.report()
    }

    /// Waits for the workers to leave, and goes on with the panic of one that did.
    fn wait(&mut self) {
        if let Err(panic) = self.try_wait() {
            std::panic::resume_unwind(panic);
        }
    }

    /// Waits for the workers to leave; where they have no threads, works until nothing can come.
    /// Answers the first panic.
    fn try_wait(&mut self) -> thread::Result<()> {
        if let Some(inline) = &self.inline {
            inline.run(self.shared.gate.clone());
        }
        let left = self.workers.drain(..).map(JoinHandle::join);
        left.fold(Ok(()), Result::and)
    }

    fn report(&self) -> Report {
        let stopped_by = self.shared.stopped_by.lock();
        let stopped_by = stopped_by.unwrap_or_else(PoisonError::into_inner);
        Report {
            stats: self.stats(),
            seconds: self.shared.clock.seconds(),
            stopped_by: stopped_by.as_ref().map(ToString::to_string),
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.shared.stop(Mode::Abort);
        self.outlet.wake();
        // A panic was told on the worker's thread; a drop has nobody to tell.
        let _ = self.try_wait();
    }
}

impl Shared {
    fn stats(&self, outlet: &Outlet) -> Stats {
        let metrics = &self.metrics;
        // What became of records first, and what came in last: so none is told to have left that
        // was not told to have come.
        let (delivered, filtered) = (metrics.delivered.value(), metrics.filtered.value());
        let rejected = metrics.rejected.value();
        let stages = self.stages.iter().map(StageStats::of).collect();
        let taken = metrics.taken.value();
        let waiting = self.gate.end().len() as u64;
        let ready = outlet.len() as u64;
        metrics.waiting.set(waiting as i64);
        metrics.ready.set(ready as i64);
        let gone = delivered + filtered + rejected;
        let pending = (taken + waiting).saturating_sub(gone);
        let latency = metrics.latency.as_ref().map(|latency| latency.snapshot());
        Stats {
            accepted: gone + pending,
            delivered,
            filtered,
            rejected,
            pending,
            unclaimed: metrics.unclaimed.value(),
            ready,
            memory_bytes: self.budget.used(),
            stages,
            latency: latency.as_ref().and_then(Latency::of),
        }
    }
}
