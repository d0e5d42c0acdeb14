//! Jobs on a waiting thread's stack: the other half of a `join`, and the way into the pool.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::Priority;
use crate::injector::Gate;
use crate::shared::Shared;
use crate::sync::{AtomicBool, Condvar, Mutex, Ordering, PoisonError, UnsafeCell, lock};
use crate::task::{Blank, Task};
use crate::worker::Worker;

/// Tells the one who waits for a job that it is done.
pub(crate) trait Latch {
    /// Opens the latch; `this` may be gone as soon as it is open.
    ///
    /// # Safety
    ///
    /// `this` must be alive until then.
    unsafe fn open(this: *const Self, worker: &Worker);
}

/// A closure and the place for its result, on the stack of who waits for it.
pub(crate) struct Job<L, F, R> {
    pub(crate) latch: L,
    body: UnsafeCell<Option<F>>,
    result: UnsafeCell<Option<Result<R, Box<dyn Any + Send>>>>,
}

impl<L: Latch, F: FnOnce(&Worker) -> R + Send, R: Send> Job<L, F, R> {
    pub(crate) fn new(latch: L, body: F) -> Self {
        Self {
            latch,
            body: UnsafeCell::new(Some(body)),
            result: UnsafeCell::new(None),
        }
    }

    /// The task that runs the job.
    ///
    /// # Safety
    ///
    /// To be called once; the job must stay where it is until its latch is open.
    pub(crate) unsafe fn task(&self, blank: Blank) -> Task {
        let this = JobPointer(&raw const *self);
        // SAFETY: the caller keeps the job alive until it was run.
        unsafe {
            Task::owned(blank, this.0.cast(), move |worker| {
                let this = this;
                // SAFETY: as above; the latch is still shut.
                Self::run(this.0, worker);
            })
        }
    }

    /// # Safety
    ///
    /// The job must be alive, and nobody else runs it.
    unsafe fn run(this: *const Self, worker: &Worker) {
        // SAFETY: the caller keeps the job alive until the latch is open.
        let job = unsafe { &*this };
        // SAFETY: only the one who runs the job takes the body.
        let body = job.body.with_mut(|body| unsafe { (*body).take() });
        if let Some(body) = body {
            let result = catch_unwind(AssertUnwindSafe(|| body(worker)));
            // SAFETY: the result is not read before the latch is open.
            job.result
                .with_mut(|place| unsafe { *place = Some(result) });
        }
        // SAFETY: the latch is a part of the job.
        unsafe { L::open(&raw const (*this).latch, worker) };
    }

    /// The result of the job, or its panic; to be called after the latch was seen open.
    pub(crate) fn into_result(self) -> Result<R, Box<dyn Any + Send>> {
        let result = self.result.into_inner();
        result.expect("the latch opens after the result was stored")
    }
}

struct JobPointer<L, F, R>(*const Job<L, F, R>);

// SAFETY: body and result are Send, and the protocol lets one thread at a time reach them.
unsafe impl<L, F, R> Send for JobPointer<L, F, R> {}

/// The latch of a worker, which works on while it waits.
pub(crate) struct WorkerLatch {
    is_open: AtomicBool,
    owner: usize,
}

impl WorkerLatch {
    pub(crate) fn new(owner: &Worker) -> Self {
        Self {
            is_open: AtomicBool::new(false),
            owner: owner.index(),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        // ORDERING: Acquire; pairs with the Release store in `open`.
        self.is_open.load(Ordering::Acquire)
    }
}

impl Latch for WorkerLatch {
    unsafe fn open(this: *const Self, worker: &Worker) {
        // SAFETY: the latch is alive until it is open.
        let owner = unsafe { (*this).owner };
        // ORDERING: Release; pairs with the Acquire load in `is_open`.
        // SAFETY: as above, and this is the last access.
        unsafe { (*this).is_open.store(true, Ordering::Release) };
        worker.shared().sleep().notify(owner);
    }
}

/// The latch of a thread outside the pool, which blocks.
pub(crate) struct ThreadLatch {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl ThreadLatch {
    pub(crate) fn new() -> Self {
        Self {
            is_open: Mutex::new(false),
            opened: Condvar::new(),
        }
    }

    fn wait(&self) {
        let mut is_open = lock(&self.is_open);
        while !*is_open {
            is_open = self
                .opened
                .wait(is_open)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Latch for ThreadLatch {
    unsafe fn open(this: *const Self, _: &Worker) {
        // SAFETY: the latch is alive while the lock is held: the one who waits needs the lock to
        // see that it is open.
        let latch = unsafe { &*this };
        let mut is_open = lock(&latch.is_open);
        *is_open = true;
        latch.opened.notify_one();
    }
}

/// Runs `body` on a worker of `shared` and waits for it, on a thread outside that pool.
///
/// # Panics
///
/// Resumes the panic of `body`; panics itself when the pool is closed.
pub(crate) fn enter<R: Send>(shared: &Shared, body: impl FnOnce(&Worker) -> R + Send) -> R {
    let job = Job::new(ThreadLatch::new(), body);
    let Some(mut door) = shared.injector().open(Priority::Normal, Gate::Open) else {
        panic!("the scheduler is shut down");
    };
    let blank = door.blank();
    // SAFETY: called once, and this thread stays here until the latch is open.
    door.push(unsafe { job.task(blank) });
    shared.sleep().notify_one();
    job.latch.wait();
    job.into_result()
        .unwrap_or_else(|payload| resume_unwind(payload))
}
