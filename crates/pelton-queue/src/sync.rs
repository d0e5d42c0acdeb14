//! Every atomic, cell and lock of this crate comes through here, so that a model can see it.

pub(crate) use pelton_sync::{
    Arc, Backoff, CachePadded, UnsafeCell,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
