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
    model_within(usize::MAX, body);
}

/// As [`model`], with at most `preemptions` of them even where the environment asks for more: for
/// a scenario that has too many interleavings otherwise.
///
/// # Panics
///
/// As [`model`].
pub fn model_within(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    assert!(
        cfg!(debug_assertions),
        "models need debug assertions: use --profile loom"
    );
    let mut builder = loom::model::Builder::new();
    let asked = builder.preemption_bound.unwrap_or(usize::MAX);
    builder.preemption_bound = Some(asked.min(preemptions)).filter(|&bound| bound < usize::MAX);
    builder.check(body);
}
