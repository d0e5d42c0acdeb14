//! What the workers of one pool share.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::event_count::EventCount;
use crate::injector::{Gate, Injector};
use crate::panic::{self, PanicHook, TaskPanic};
use crate::seats::Seats;
use crate::shutdown::{Phase, Shutdown};
use crate::stats::{Cells, Stats};
use crate::sync::{AtomicUsize, CachePadded, Mutex, Ordering, thread};
use crate::task::Task;
use crate::worker::{Queues, Remotes};

/// The state of one pool.
pub(crate) struct Shared {
    injector: Injector,
    sleep: EventCount,
    remotes: Box<[Remotes]>,
    cells: Box<[CachePadded<Cells>]>,
    seats: Seats<Queues>,
    /// The threads that ever sat in a place, by place; the last of each.
    pub(crate) threads: Mutex<Vec<Option<thread::JoinHandle<()>>>>,
    shutdown: Shutdown,
    /// Futures accepted, and futures that ended, however they did.
    futures_begun: AtomicUsize,
    futures_ended: AtomicUsize,
    /// Tasks dropped by an abort outside the workers.
    discarded: AtomicUsize,
    hook: Option<PanicHook>,
    start: Instant,
}

impl Shared {
    pub(crate) fn new(capacity: usize, target: usize, hook: Option<PanicHook>) -> Self {
        let queues: Vec<Queues> = (0..capacity).map(|_| Queues::new()).collect();
        Self {
            injector: Injector::new(),
            sleep: EventCount::new(capacity),
            remotes: queues.iter().map(Queues::remotes).collect(),
            cells: (0..capacity).map(|_| CachePadded::default()).collect(),
            seats: Seats::new(queues.into_iter(), target),
            threads: Mutex::new((0..capacity).map(|_| None).collect()),
            shutdown: Shutdown::new(),
            futures_begun: AtomicUsize::new(0),
            futures_ended: AtomicUsize::new(0),
            discarded: AtomicUsize::new(0),
            hook,
            start: Instant::now(),
        }
    }

    pub(crate) fn injector(&self) -> &Injector {
        &self.injector
    }

    pub(crate) fn sleep(&self) -> &EventCount {
        &self.sleep
    }

    pub(crate) fn remotes(&self, worker: usize) -> &Remotes {
        &self.remotes[worker]
    }

    pub(crate) fn cells(&self, worker: usize) -> &Cells {
        &self.cells[worker]
    }

    pub(crate) fn seats(&self) -> &Seats<Queues> {
        &self.seats
    }

    pub(crate) fn start(&self) -> Instant {
        self.start
    }

    /// True while a task lies in any queue.
    pub(crate) fn has_work(&self) -> bool {
        !self.injector.is_empty() || self.remotes.iter().any(|remotes| !remotes.is_empty())
    }

    // ---- the end ----

    pub(crate) fn is_closed(&self) -> bool {
        self.shutdown.is_at_least(Phase::Draining)
    }

    pub(crate) fn is_aborted(&self) -> bool {
        self.shutdown.is_at_least(Phase::Aborted)
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.shutdown.is_at_least(Phase::Ended)
    }

    /// Refuses new tasks; those accepted go on.
    pub(crate) fn close(&self) {
        // The gate first: whoever sees the phase and counts must count every task that got in.
        self.injector.close(Gate::KnownOnly);
        self.shutdown.advance(Phase::Draining);
        self.end_if_quiescent();
    }

    /// Refuses everything and drops what nobody has begun; answers how many tasks that were in
    /// the shared queue. The workers drop what lies in theirs when they come to it.
    pub(crate) fn abort(&self) -> usize {
        // The gate first, as in `close`.
        self.injector.close(Gate::Shut);
        self.shutdown.advance(Phase::Aborted);
        let dropped = self.injector.take_detached();
        let count = dropped.len();
        dropped.into_iter().for_each(|task| self.discard(task));
        // ORDERING: Release; pairs with the Acquire load in `ended_tasks`.
        self.discarded.fetch_add(count, Ordering::Release);
        self.end_if_quiescent();
        self.sleep.notify_all();
        count
    }

    /// Drops a task that will not run; a panic of its destructor goes to the hook.
    pub(crate) fn discard(&self, task: Task) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(task))) {
            self.report_panic(None, payload);
        }
    }

    /// Ends the pool if it is closed and nothing is left; see [`Shutdown::end_if_quiescent`].
    pub(crate) fn end_if_quiescent(&self) {
        if self.shutdown.end_if_quiescent(|| self.outstanding()) {
            self.sleep.notify_all();
        }
    }

    /// Tasks and futures accepted and not finished.
    ///
    /// What ended is read before what began. All these counters only grow and a task begins
    /// before it ends, so equality means that there was a moment with nothing outstanding, and
    /// in a closed pool nothing comes after such a moment.
    fn outstanding(&self) -> usize {
        let ended = self.ended_tasks();
        let suspended = self.suspended();
        (self.begun_tasks() - ended) + suspended
    }

    fn ended_tasks(&self) -> usize {
        let run: usize = self.cells.iter().map(|cells| cells.run.get()).sum();
        // ORDERING: Acquire; pairs with the Release add in `abort`.
        run + self.discarded.load(Ordering::Acquire)
    }

    fn begun_tasks(&self) -> usize {
        let spawned: usize = self.cells.iter().map(|cells| cells.spawned.get()).sum();
        spawned + self.injector.accepted()
    }

    /// Futures accepted that did not end; none are waited for after an abort.
    fn suspended(&self) -> usize {
        if self.is_aborted() {
            return 0;
        }
        // ORDERING: Acquire; pairs with the Release add in `end_future`.
        let ended = self.futures_ended.load(Ordering::Acquire);
        self.futures_begun.load(Ordering::Acquire) - ended
    }

    pub(crate) fn begin_future(&self) {
        // ORDERING: Release; pairs with the Acquire load in `suspended`.
        self.futures_begun.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn end_future(&self) {
        // ORDERING: Release; pairs with the Acquire load in `suspended`.
        self.futures_ended.fetch_add(1, Ordering::Release);
        self.end_if_quiescent();
    }

    /// Waits until the pool has ended, at most for `timeout`; true when it has.
    pub(crate) fn wait_for_end(&self, timeout: Option<Duration>) -> bool {
        self.shutdown.wait(timeout)
    }

    // ---- reports ----

    /// What is not finished now.
    pub(crate) fn report(&self) -> DrainReport {
        let taken: usize = self.cells.iter().map(|cells| cells.begun.get()).sum();
        // ORDERING: Acquire; pairs with the Release add in `abort`.
        let begun = taken + self.discarded.load(Ordering::Acquire);
        let running = self.busy_workers();
        DrainReport {
            is_complete: self.is_ended(),
            queued: self.begun_tasks().saturating_sub(begun),
            running,
            suspended: self.suspended(),
        }
    }

    fn busy_workers(&self) -> Vec<usize> {
        (0..self.seats.len())
            .filter(|&worker| {
                let cells = self.cells(worker);
                let run = cells.run.get();
                cells.begun.get() > run
            })
            .collect()
    }

    pub(crate) fn stats(&self) -> Stats {
        let workers = self.cells.iter().enumerate().map_while(|(index, cells)| {
            let seat = self.seats.seat(index);
            seat.was_used.then(|| cells.snapshot(self.start, seat.core))
        });
        Stats {
            workers: workers.collect(),
            submitted: self.injector.accepted(),
            queued: self.injector.len(),
        }
    }

    /// Gives the payload of a panic to the hook.
    pub(crate) fn report_panic(&self, worker: Option<usize>, payload: Box<dyn Any + Send>) {
        self.announce_panic(worker, &*payload);
        panic::forget(payload);
    }

    /// Shows the payload of a panic to the hook.
    pub(crate) fn announce_panic(&self, worker: Option<usize>, payload: &(dyn Any + Send)) {
        if let Some(hook) = &self.hook {
            let shown = catch_unwind(AssertUnwindSafe(|| hook(&TaskPanic { worker, payload })));
            shown.unwrap_or_else(panic::forget);
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// What a drain left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainReport {
    /// True when every accepted task was finished; then the other fields are empty.
    pub is_complete: bool,
    /// Tasks in queues, not begun.
    pub queued: usize,
    /// The workers that have a task in hand.
    pub running: Vec<usize>,
    /// Futures that did not end, whether they wait to be woken or are queued.
    pub suspended: usize,
}
