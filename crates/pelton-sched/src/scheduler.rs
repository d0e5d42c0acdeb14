//! The scheduler: the handle by which a pool of workers is used.

use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::error::{Error, ErrorKind, JoinError, Rejected};
use crate::handle::{self, JoinHandle};
use crate::injector::Gate;
use crate::job::{self, Job, WorkerLatch};
use crate::panic::{self, PanicHook};
use crate::pool;
use crate::scope::{self, Scope};
use crate::shared::{DrainReport, Shared};
use crate::stats::Stats;
use crate::sync::{Arc, Mutex, lock};
use crate::task::{Blank, Task};
use crate::worker::{self, Worker};
use crate::{Builder, Priority, future, parallel};

/// A pool of workers that steal tasks from each other.
///
/// Made by [`builder`](Self::builder). Dropping it drains it; see [`drain`](Self::drain).
pub struct Scheduler {
    shared: Arc<Shared>,
    settings: pool::Settings,
    /// Held while workers are added or sent away.
    resizing: Mutex<()>,
    drop_deadline: Duration,
}

impl Scheduler {
    /// Begins to describe a scheduler.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn start(
        workers: usize,
        capacity: usize,
        settings: pool::Settings,
        hook: Option<PanicHook>,
        drop_deadline: Duration,
    ) -> Result<Self, Error> {
        let scheduler = Self {
            shared: Arc::new(Shared::new(capacity, workers, hook)),
            settings,
            resizing: Mutex::new(()),
            drop_deadline,
        };
        pool::fill_seats(&scheduler.shared, &scheduler.settings)?;
        Ok(scheduler)
    }

    // ---- submission ----

    /// Submits a task that nobody waits for.
    ///
    /// From any thread. Tasks of one priority that come from outside start in the order of
    /// submission. Allocates nothing in steady state for a task of at most
    /// [`INLINE_BYTES`](crate::INLINE_BYTES). A panic goes to the panic hook, and no further.
    ///
    /// # Errors
    ///
    /// Gives the task back once the scheduler was drained or aborted; the tasks of a scheduler
    /// that drains may still spawn others, which are finished too.
    pub fn spawn<F>(&self, priority: Priority, body: F) -> Result<(), Rejected<F>>
    where
        F: FnOnce() + Send + 'static,
    {
        self.submit(priority, body, |blank, body| {
            Task::detached(blank, move |_: &Worker| body())
        })
    }

    /// Submits a task and gives a handle that waits for its result. Costs one allocation.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    pub fn spawn_with_handle<F, T>(
        &self,
        priority: Priority,
        body: F,
    ) -> Result<JoinHandle<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (promise, handle) = handle::pair();
        self.submit(priority, body, |blank, body| {
            Task::detached(blank, move |worker: &Worker| {
                let result = catch_unwind(AssertUnwindSafe(body));
                promise.keep(result.map_err(|payload| {
                    worker
                        .shared()
                        .announce_panic(Some(worker.index()), &*payload);
                    JoinError::Panicked(payload)
                }));
            })
        })?;
        Ok(handle)
    }

    /// Submits a future, which is polled by a worker now and after each wake-up, and holds none
    /// while it waits. Costs three allocations; a wake-up costs none.
    ///
    /// A drain waits for it. A future that nothing can wake any more is dropped and counts as
    /// ended.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    pub fn spawn_future<F>(
        &self,
        priority: Priority,
        future: F,
    ) -> Result<JoinHandle<F::Output>, Rejected<F>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (promise, handle) = handle::pair();
        self.submit(priority, future, |blank, future| {
            future::task(&self.shared, blank, priority, future, promise)
        })?;
        Ok(handle)
    }

    fn submit<F>(
        &self,
        priority: Priority,
        body: F,
        make: impl FnOnce(Blank, F) -> Task,
    ) -> Result<(), Rejected<F>> {
        worker::with_current(|worker| match Worker::of(worker, &self.shared) {
            Some(worker) => {
                worker.spawn(priority, make(worker.blank(), body));
                Ok(())
            }
            None => self.submit_outside(priority, body, make),
        })
    }

    fn submit_outside<F>(
        &self,
        priority: Priority,
        body: F,
        make: impl FnOnce(Blank, F) -> Task,
    ) -> Result<(), Rejected<F>> {
        let Some(mut door) = self.shared.injector().open(priority, Gate::Open) else {
            return Err(Rejected(body));
        };
        let blank = door.blank();
        door.push(make(blank, body));
        self.shared.sleep().notify_one();
        Ok(())
    }

    // ---- fork and join ----

    /// Runs `body` on a worker with a [`Scope`] in which tasks may borrow what outlives this
    /// call, and waits for all of them.
    ///
    /// A worker that calls this runs `body` itself, and other tasks while it waits: also such
    /// that have nothing to do with the scope, so do not hold a lock across it that tasks take.
    ///
    /// # Panics
    ///
    /// Resumes the first panic of a task, or else that of `body`, after all have ended. Panics
    /// when the scheduler is shut down and the caller is not one of its workers.
    pub fn scope<'env, F, R>(&self, body: F) -> R
    where
        F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> R + Send,
        R: Send,
    {
        self.on_worker(|worker| scope::run(worker, body))
    }

    /// Runs both closures, at the same time if a worker is free, and gives both results.
    ///
    /// # Panics
    ///
    /// As [`scope`](Self::scope); when both panic, that of `a` is resumed.
    pub fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        self.on_worker(|worker| join_on(worker, a, b))
    }

    /// Calls `body` once with each index of `range`, on as many workers as are free.
    ///
    /// Splits only while somebody has nothing to do, so that a cheap body costs little more than
    /// a loop, and an uneven one is evened out.
    ///
    /// # Panics
    ///
    /// As [`scope`](Self::scope); then some indices may have been left out.
    pub fn parallel_for(&self, range: Range<usize>, body: impl Fn(usize) + Sync) {
        self.on_worker(|worker| parallel::for_each(worker, range, &body));
    }

    fn on_worker<R: Send>(&self, body: impl FnOnce(&Worker) -> R + Send) -> R {
        worker::with_current(|worker| match Worker::of(worker, &self.shared) {
            Some(worker) => body(worker),
            None => job::enter(&self.shared, body),
        })
    }

    // ---- size and figures ----

    /// How many workers there are, or will be once those sent away have finished their task.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.shared.seats().target()
    }

    /// Adds workers, or sends away those with the highest indices. Does not wait: a worker that
    /// has a task in hand leaves after it, and its queued tasks go to the others.
    ///
    /// # Errors
    ///
    /// When `workers` is zero or above the largest number built for, when the scheduler is
    /// closed, and when the operating system refuses a thread; then those that could be started
    /// stay.
    pub fn resize(&self, workers: usize) -> Result<(), Error> {
        let available = self.shared.seats().len();
        let _resizing = lock(&self.resizing);
        let refusal = match workers {
            _ if self.shared.is_closed() => ErrorKind::Closed,
            0 => ErrorKind::NoWorkers,
            requested if available < requested => ErrorKind::TooManyWorkers {
                requested,
                available,
            },
            _ => {
                self.shared.seats().set_target(workers);
                self.shared.sleep().notify_all();
                return pool::fill_seats(&self.shared, &self.settings);
            }
        };
        Err(Error::new(refusal))
    }

    /// What the workers did so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    // ---- the end ----

    /// Refuses new tasks from outside, waits until those accepted are finished, and ends the
    /// workers; without a deadline as long as that takes.
    ///
    /// When the deadline passes first, the report says what is not finished, and the workers go
    /// on with it: drain again to wait longer, or [`abort`](Self::abort). Called by a task of
    /// this scheduler it does not wait, because it would wait for itself.
    pub fn drain(&self, deadline: Option<Duration>) -> DrainReport {
        self.shared.close();
        let is_own = self.is_own_worker();
        let timeout = if is_own {
            Some(Duration::ZERO)
        } else {
            deadline
        };
        if self.shared.wait_for_end(timeout) && !is_own {
            pool::join_threads(&self.shared);
        }
        self.shared.report()
    }

    /// Refuses new tasks and drops those that were not begun; their handles say so. Those in
    /// hand, and the scopes they wait for, are finished. Does not wait; to wait, drain.
    ///
    /// Answers how many tasks it dropped from the shared queue; what lies in the queues of the
    /// workers they drop on their own.
    pub fn abort(&self) -> usize {
        self.shared.abort()
    }

    fn is_own_worker(&self) -> bool {
        worker::with_current(|worker| Worker::of(worker, &self.shared).is_some())
    }
}

impl Drop for Scheduler {
    /// Drains with the deadline of [`Builder::drop_deadline`]; what is not begun then is dropped,
    /// and what runs is left alone.
    fn drop(&mut self) {
        let report = self.drain(Some(self.drop_deadline));
        if !report.is_complete && !self.is_own_worker() {
            self.abort();
        }
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler")
            .field("workers", &self.workers())
            .field("is_closed", &self.shared.is_closed())
            .finish_non_exhaustive()
    }
}

fn join_on<A, B, RA, RB>(worker: &Worker, a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA,
    B: FnOnce() -> RB + Send,
    RB: Send,
{
    let job = Job::new(WorkerLatch::new(worker), |_: &Worker| b());
    // SAFETY: called once, and this frame stays until the latch is open.
    worker.fork(worker.priority(), unsafe { job.task(worker.blank()) });
    let first = catch_unwind(AssertUnwindSafe(a));
    worker.work_until(&|| job.latch.is_open());
    match (first, job.into_result()) {
        (Ok(first), Ok(second)) => (first, second),
        (Ok(rest), Err(payload)) => panic::resume(payload, rest),
        (Err(payload), rest) => panic::resume(payload, rest),
    }
}
