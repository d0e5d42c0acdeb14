//! The model: loom's own of each name that [`real`](super) exports.

pub use loom::{
    cell::UnsafeCell,
    sync::{Arc, Condvar, Mutex, MutexGuard, atomic},
    thread, thread_local,
};
pub use std::{sync::PoisonError, thread::available_parallelism};

/// Hints to the processor; loom reads a spin as a yield.
pub mod hint {
    pub use loom::hint::spin_loop;
}

/// Explores every interleaving of `body` within loom's bounds (`LOOM_MAX_PREEMPTIONS`).
///
/// # Panics
///
/// When built without debug assertions, because a model that cannot fail proves nothing.
pub fn model(body: impl Fn() + Sync + Send + 'static) {
    assert!(
        cfg!(debug_assertions),
        "models need debug assertions: use --profile loom"
    );
    loom::model(body);
}
