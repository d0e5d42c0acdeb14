//! What becomes of the panic of a task.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Told of each panic of a task.
pub(crate) type PanicHook = Box<dyn Fn(&TaskPanic<'_>) + Send + Sync>;

/// The panic of a task, as the hook sees it.
pub struct TaskPanic<'a> {
    /// The worker on which it happened; none for the destructor of a task that was never run.
    pub worker: Option<usize>,
    /// What the task panicked with.
    pub payload: &'a (dyn Any + Send),
}

impl TaskPanic<'_> {
    /// The message, if the payload is one.
    #[must_use]
    pub fn message(&self) -> &str {
        message(self.payload)
    }
}

impl fmt::Debug for TaskPanic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskPanic")
            .field("worker", &self.worker)
            .field("message", &self.message())
            .finish()
    }
}

/// The message in the payload of a panic; `panic!` makes one, `panic_any` need not.
pub(crate) fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&'static str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a payload that is no text")
}

/// How many destructors that panic with a payload of their own are put up with.
const DESTRUCTORS_MAX: usize = 8;

/// Drops a payload, whose destructor may panic in turn, and with what has such a destructor again.
pub(crate) fn forget(mut payload: Box<dyn Any + Send>) {
    for _ in 0..DESTRUCTORS_MAX {
        match catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            Ok(()) => return,
            Err(next) => payload = next,
        }
    }
    std::mem::forget(payload);
}

/// Resumes the panic of `payload`. `rest`, which would go on the way, goes first: a destructor that
/// panics during another panic ends the process.
pub(crate) fn resume<T>(payload: Box<dyn Any + Send>, rest: T) -> ! {
    if let Err(other) = catch_unwind(AssertUnwindSafe(|| drop(rest))) {
        forget(other);
    }
    resume_unwind(payload)
}
