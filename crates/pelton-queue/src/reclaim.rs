//! A value that is read by many and replaced by few: crossbeam's epochs, behind a small door.
//!
//! Who reads holds a [`Guard`]; a value that has been replaced is freed when every guard that could
//! have seen it is gone. Under `cfg(loom)` a stand-in keeps what was replaced until the place goes,
//! because the epochs are invisible to a model: there the models show that what is read is whole
//! and in order, and that nothing is freed in time is what crossbeam-epoch promises.

#[cfg(loom)]
pub(crate) use stand_in::{Guard, Replaceable, pin};

#[cfg(not(loom))]
pub(crate) use real::{Guard, Replaceable, pin};

#[cfg(not(loom))]
mod real {
    use crossbeam_epoch::{self as epoch, Atomic, Owned};

    use crate::sync::Ordering;

    /// While it lives, nothing is freed that could be seen.
    #[derive(Debug)]
    pub(crate) struct Guard(epoch::Guard);

    /// Begins to read; costs a fence.
    #[inline]
    pub(crate) fn pin() -> Guard {
        Guard(epoch::pin())
    }

    /// The place; it always holds a value.
    pub(crate) struct Replaceable<T>(Atomic<T>);

    impl<T: Send + Sync> Replaceable<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(Atomic::new(value))
        }

        /// The value now.
        #[inline]
        pub(crate) fn load<'a>(&'a self, guard: &'a Guard) -> &'a T {
            // ORDERING: Acquire; pairs with the Release half in `replace`.
            let shared = self.0.load(Ordering::Acquire, &guard.0);
            // SAFETY: never null, and not freed while the guard lives, nor while the place does.
            unsafe { shared.deref() }
        }

        /// Puts `value` in its place, and frees the old one when nobody can be looking at it.
        pub(crate) fn replace(&self, value: T, guard: &Guard) {
            // ORDERING: AcqRel; the Release half pairs with the Acquire in `load`, the Acquire half
            // with the Release of whoever put the old value here.
            let old = self.0.swap(Owned::new(value), Ordering::AcqRel, &guard.0);
            // SAFETY: the swap took it out of reach of all who begin to read from now on, and made
            // this thread the only one to free it; it is `Send`, so any thread may do it.
            unsafe { guard.0.defer_destroy(old) };
            // Values here stand for much memory: rather now than when the bag of garbage is full.
            guard.0.flush();
        }
    }

    impl<T> Drop for Replaceable<T> {
        fn drop(&mut self) {
            // SAFETY: the place goes, so nobody reads it, and what it holds was not retired.
            drop(unsafe { std::mem::replace(&mut self.0, Atomic::null()).into_owned() });
        }
    }
}

#[cfg(loom)]
mod stand_in {
    use crate::sync::{AtomicPtr, Mutex, Ordering, PoisonError};

    #[derive(Debug)]
    pub(crate) struct Guard;

    pub(crate) fn pin() -> Guard {
        Guard
    }

    pub(crate) struct Replaceable<T> {
        place: AtomicPtr<T>,
        retired: Mutex<Vec<*mut T>>,
    }

    // SAFETY: owns its values, and gives out shared references only.
    unsafe impl<T: Send + Sync> Send for Replaceable<T> {}
    // SAFETY: as above.
    unsafe impl<T: Send + Sync> Sync for Replaceable<T> {}

    impl<T: Send + Sync> Replaceable<T> {
        pub(crate) fn new(value: T) -> Self {
            Self {
                place: AtomicPtr::new(Box::into_raw(Box::new(value))),
                retired: Mutex::new(Vec::new()),
            }
        }

        pub(crate) fn load<'a>(&'a self, _: &'a Guard) -> &'a T {
            // ORDERING: Acquire; pairs with the Release half in `replace`.
            let value = self.place.load(Ordering::Acquire);
            // SAFETY: never null, and freed only with the place.
            unsafe { &*value }
        }

        pub(crate) fn replace(&self, value: T, _: &Guard) {
            let value = Box::into_raw(Box::new(value));
            // ORDERING: AcqRel; the Release half pairs with the Acquire in `load`.
            let old = self.place.swap(value, Ordering::AcqRel);
            let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
            retired.push(old);
        }
    }

    impl<T> Drop for Replaceable<T> {
        fn drop(&mut self) {
            let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
            retired.push(self.place.load(Ordering::Relaxed));
            for value in retired.drain(..) {
                // SAFETY: from `Box::into_raw`, and each is here once.
                drop(unsafe { Box::from_raw(value) });
            }
        }
    }
}
