//! Every atomic, lock and shared pointer of this crate comes through here, so that a model can
//! see it.

pub(crate) use pelton_sync::{
    Arc, CachePadded, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering, fence},
};

/// Locks `mutex`. A panic elsewhere leaves what our locks guard whole, so poison is no reason to
/// stop counting.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
