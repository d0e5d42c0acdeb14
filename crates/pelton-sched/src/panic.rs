//! What becomes of the panic of a task.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

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

/// Drops a payload, whose destructor may panic in turn.
pub(crate) fn forget(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}
