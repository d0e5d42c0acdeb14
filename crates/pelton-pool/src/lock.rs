//! A lock that is tried, not slept for: one atomic exchange in, one plain store out.

use std::ptr::NonNull;

use crate::sync::{AtomicBool, Backoff, Ordering, UnsafeCell};

/// A value that one thread at a time may touch, for sections of a few instructions.
pub(crate) struct TryLock<T> {
    /// True while somebody is inside.
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: `value` is only reached by the thread that turned `taken` from false to true, until it
// stores false again; so sharing the lock hands `T` from thread to thread, which `T: Send` allows.
unsafe impl<T: Send> Sync for TryLock<T> {}

impl<T> TryLock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            taken: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// Goes inside, unless another thread is there. Whoever is inside must not try again.
    #[inline]
    pub(crate) fn try_enter(&self) -> Option<Inside<'_, T>> {
        // ORDERING: Acquire; pairs with the Release stores in `Inside::drop` and `Parting::leave`.
        let entered =
            self.taken
                .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        entered.ok().map(|_| Inside { lock: self })
    }

    /// Goes inside as soon as nobody else is there.
    pub(crate) fn enter(&self) -> Inside<'_, T> {
        let mut backoff = Backoff::new();
        loop {
            if let Some(inside) = self.try_enter() {
                return inside;
            }
            backoff.snooze();
        }
    }
}

/// Being inside; dropping it leaves.
pub(crate) struct Inside<'a, T> {
    lock: &'a TryLock<T>,
}

impl<T> Inside<'_, T> {
    /// Runs `body` on the value.
    #[inline]
    pub(crate) fn with<R>(&mut self, body: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: this is the only `Inside` of its lock, and it is borrowed for writing.
        self.lock
            .value
            .with_mut(|value| body(unsafe { &mut *value }))
    }

    /// Stays inside, but no longer borrows the lock.
    #[inline]
    pub(crate) fn part(self) -> Parting<T> {
        let lock = NonNull::from(self.lock);
        std::mem::forget(self);
        Parting { lock }
    }
}

impl<T> Drop for Inside<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // ORDERING: Release; pairs with the Acquire exchange in `try_enter`.
        self.lock.taken.store(false, Ordering::Release);
    }
}

/// Being inside a lock that may cease to exist as soon as one has left.
///
/// Whoever lays down the last thing that keeps a structure alive, under a lock that is part of
/// that structure, must not touch it after unlocking, not even by holding a reference.
#[must_use = "the lock stays taken until somebody leaves"]
pub(crate) struct Parting<T> {
    lock: NonNull<TryLock<T>>,
}

impl<T> Parting<T> {
    /// Runs `last` on the value and leaves. `last` must not panic: the lock would stay taken.
    ///
    /// # Safety
    ///
    /// The lock must exist until `last` has returned.
    #[inline]
    pub(crate) unsafe fn leave(self, last: impl FnOnce(&mut T)) {
        let lock = self.lock.as_ptr();
        // SAFETY: the caller keeps the lock until `last` returns, and whoever is inside is alone.
        unsafe { (*lock).value.with_mut(|value| last(&mut *value)) };
        // SAFETY: nobody else can have got inside, so nobody can have taken out what `last` put
        // there: the lock still exists. The store is the last touch of it.
        // ORDERING: Release; pairs with the Acquire exchange in `try_enter`.
        unsafe { (*lock).taken.store(false, Ordering::Release) };
    }
}
