//! Scopes: tasks that borrow, and a thread that waits for them.
//!
//! How a scope knows that its tasks have ended stands in `PROTOCOLS.md`, "Scope".

mod countdown;

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::Priority;

use crate::injector::Gate;
use crate::panic;
use crate::shared::Shared;
use crate::sync::{Arc, Mutex, lock};
use crate::task::{Blank, Task};
use crate::worker::{self, Worker};
use countdown::Countdown;

/// Units that a worker counts ahead: one atomic operation for so many tasks.
const CREDIT: usize = 64;

/// What the tasks of a scope see of it, whatever its lifetimes.
pub(crate) struct ScopeCore {
    countdown: Countdown,
    shared: Arc<Shared>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl ScopeCore {
    fn new(owner: &Worker) -> Self {
        Self {
            countdown: Countdown::new(owner.index()),
            shared: owner.shared().clone(),
            panic: Mutex::new(None),
        }
    }

    /// Gives units back to the countdown.
    ///
    /// # Safety
    ///
    /// As [`Countdown::give_back`].
    pub(crate) unsafe fn give_back(this: *const Self, units: usize, worker: &Worker) {
        // SAFETY: the caller keeps the promise; the countdown is a part of the core.
        unsafe {
            Countdown::give_back(&raw const (*this).countdown, units, worker.shared().sleep())
        }
    }

    fn keep_panic(&self, worker: &Worker, payload: Box<dyn Any + Send>) {
        self.shared.announce_panic(Some(worker.index()), &*payload);
        let mut first = lock(&self.panic);
        if first.is_none() {
            *first = Some(payload);
        } else {
            drop(first);
            panic::forget(payload);
        }
    }
}

/// Where tasks that borrow from outside `'scope` are spawned; made by
/// [`Scheduler::scope`](crate::Scheduler::scope).
///
/// What lives inside the scope's body is gone before its tasks are, and is not borrowed:
///
/// ```compile_fail,E0373
/// let pool = pelton_sched::Scheduler::builder().build().unwrap();
/// pool.scope(|scope| {
///     let inside = 7;
///     scope.spawn(|| println!("{inside}"));
/// });
/// ```
pub struct Scope<'scope, 'env: 'scope> {
    core: ScopeCore,
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

impl<'scope> Scope<'scope, '_> {
    /// Spawns a task with the priority of the task that spawns it.
    ///
    /// The scope ends after it, and resumes its panic. Tasks spawn more by capturing the scope.
    pub fn spawn(&'scope self, body: impl FnOnce() + Send + 'scope) {
        worker::with_current(|worker| match Worker::of(worker, &self.core.shared) {
            Some(worker) => self.spawn_on(worker, worker.priority(), body),
            None => self.spawn_outside(body),
        });
    }

    /// Spawns a task with a priority of its own.
    pub fn spawn_with(&'scope self, priority: Priority, body: impl FnOnce() + Send + 'scope) {
        worker::with_current(|worker| match Worker::of(worker, &self.core.shared) {
            Some(worker) => self.spawn_on(worker, priority, body),
            None => self.spawn_outside(body),
        });
    }

    fn spawn_on(
        &'scope self,
        worker: &Worker,
        priority: Priority,
        body: impl FnOnce() + Send + 'scope,
    ) {
        let core = &raw const self.core;
        if !worker.take_credit(core) {
            self.core.countdown.add(CREDIT);
            worker.keep_credit(core, CREDIT - 1);
        }
        worker.fork(priority, self.task(worker.blank(), body));
    }

    /// For a thread that is no worker of the pool, but was lent the scope.
    #[cold]
    fn spawn_outside(&'scope self, body: impl FnOnce() + Send + 'scope) {
        self.core.countdown.add(1);
        let shared = &self.core.shared;
        let door = shared.injector().open(Priority::Normal, Gate::Shut);
        let mut door = door.expect("a scope finds every gate open");
        let blank = door.blank();
        door.push(self.task(blank, body));
        shared.sleep().notify_one();
    }

    fn task(&'scope self, blank: Blank, body: impl FnOnce() + Send + 'scope) -> Task {
        let core = CorePointer(&raw const self.core);
        let run = move |worker: &Worker| {
            let core = core;
            if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
                // SAFETY: the unit of this task is given back below, so the scope is alive.
                unsafe { (*core.0).keep_panic(worker, payload) };
            }
            worker.keep_credit(core.0, 1);
        };
        // SAFETY: the scope does not end before the task gave its unit back, and what the body
        // borrows lives longer than the scope.
        unsafe { Task::owned(blank, core.0.cast(), run) }
    }
}

/// Runs `body` on `worker` with a scope, and waits for its tasks.
pub(crate) fn run<'env, R>(
    worker: &Worker,
    body: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> R,
) -> R {
    let scope = Scope {
        core: ScopeCore::new(worker),
        scope: PhantomData,
        env: PhantomData,
    };
    let result = catch_unwind(AssertUnwindSafe(|| body(&scope)));
    worker.keep_credit(&raw const scope.core, 1);
    worker.return_credit();
    worker.work_until(&|| scope.core.countdown.is_over());
    let first = lock(&scope.core.panic).take();
    match (first, result) {
        (Some(payload), rest) => panic::resume(payload, rest),
        (None, Err(payload)) => resume_unwind(payload),
        (None, Ok(value)) => value,
    }
}

#[derive(Clone, Copy)]
struct CorePointer(*const ScopeCore);

// SAFETY: the core is Sync, and only shared access goes through the pointer.
unsafe impl Send for CorePointer {}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}
