//! Every atomic, cell, lock and thread of this crate comes through here, so that a model can
//! see it.

pub(crate) use pelton_sync::{
    Arc, CachePadded, Condvar, Mutex, MutexGuard, Parker, PoisonError, Unparker, UnsafeCell,
    atomic::{AtomicBool, AtomicUsize, Ordering, fence},
    available_parallelism, hint, scaled, thread, thread_local,
};

/// Locks `mutex`; a holder that panicked left nothing half done, because no user code runs under
/// the locks of this crate.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
