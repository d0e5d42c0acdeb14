//! Every atomic, cell and lock of this crate comes through here, so that a model can see it.

pub(crate) use pelton_sync::{
    Arc, Backoff, CachePadded, Mutex, MutexGuard, Parker, PoisonError, Unparker, UnsafeCell,
    atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence},
    hint::spin_loop,
    scaled,
    thread::yield_now,
};
