//! Life: std's own, and std's cell in loom's shape.

pub use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, atomic},
    thread,
    thread::available_parallelism,
    thread_local,
};

/// Hints to the processor.
pub mod hint {
    pub use std::hint::spin_loop;
}

/// Runs `body` once. Under `cfg(loom)` the twin of this function runs it once for every
/// interleaving, so that one scenario serves as stress test and as model.
pub fn model(body: impl Fn() + Sync + Send + 'static) {
    body();
}

/// As [`model`]; the twin explores at most so many preemptions.
pub fn model_within(_preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    body();
}

/// [`std::cell::UnsafeCell`] with loom's closures in place of raw access, so that loom can see
/// each read and write.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct UnsafeCell<T: ?Sized>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    /// Wraps `value`.
    #[inline(always)]
    pub const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Takes the value out.
    #[inline(always)]
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> UnsafeCell<T> {
    /// Gives a pointer for reading to `body`. Dereferencing it is up to the caller: nobody may
    /// write the value meanwhile.
    #[inline(always)]
    pub fn with<R>(&self, body: impl FnOnce(*const T) -> R) -> R {
        body(self.0.get())
    }

    /// Gives a pointer for writing to `body`. Dereferencing it is up to the caller: nobody else
    /// may read or write the value meanwhile.
    #[inline(always)]
    pub fn with_mut<R>(&self, body: impl FnOnce(*mut T) -> R) -> R {
        body(self.0.get())
    }
}
