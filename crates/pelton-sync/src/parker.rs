//! A one-token parking place.

use std::time::Duration;

use crate::atomic::{AtomicUsize, Ordering};
use crate::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

const EMPTY: usize = 0;
const PARKED: usize = 1;
const NOTIFIED: usize = 2;

#[derive(Debug)]
struct Place {
    /// `EMPTY`, `PARKED` or `NOTIFIED`; only the parker leaves `PARKED` by itself.
    state: AtomicUsize,
    lock: Mutex<()>,
    wake: Condvar,
}

/// The place where one thread waits; [`Unparker`]s wake it.
///
/// Works like std's `park`, with the token in an object instead of the thread: an `unpark` that
/// comes before `park` makes it return at once, several count as one, and there are no spurious
/// wake-ups.
///
/// States and transitions:
///
/// ```text
/// EMPTY    --park-->   PARKED     (under the lock, then waits)
/// EMPTY    --unpark--> NOTIFIED
/// PARKED   --unpark--> NOTIFIED   (takes the lock once, then signals)
/// NOTIFIED --park-->   EMPTY      (returns)
/// ```
#[derive(Debug)]
pub struct Parker {
    place: Arc<Place>,
}

/// Wakes the thread that waits in the [`Parker`] it came from.
#[derive(Debug, Clone)]
pub struct Unparker {
    place: Arc<Place>,
}

impl Default for Parker {
    fn default() -> Self {
        Self::new()
    }
}

impl Parker {
    /// Makes a parking place without a token.
    #[must_use]
    pub fn new() -> Self {
        let place = Place {
            state: AtomicUsize::new(EMPTY),
            lock: Mutex::new(()),
            wake: Condvar::new(),
        };
        Self {
            place: Arc::new(place),
        }
    }

    /// Makes one more handle that wakes this parker.
    #[must_use]
    pub fn unparker(&self) -> Unparker {
        Unparker {
            place: self.place.clone(),
        }
    }

    /// Waits for a token and takes it. What happened before the `unpark` is visible afterwards.
    ///
    /// # Panics
    ///
    /// If another thread waits here: there is one token, and nobody to say whose it is.
    pub fn park(&self) {
        if self.take_token() {
            return;
        }
        let place = &*self.place;
        let Some(mut guard) = place.announce() else {
            return;
        };
        loop {
            guard = place
                .wake
                .wait(guard)
                .unwrap_or_else(PoisonError::into_inner);
            if self.take_token() {
                return;
            }
        }
    }

    /// Waits for a token at most `timeout`; true when it got one.
    ///
    /// # Panics
    ///
    /// As [`park`](Self::park).
    pub fn park_timeout(&self, timeout: Duration) -> bool {
        if self.take_token() {
            return true;
        }
        let place = &*self.place;
        let Some(guard) = place.announce() else {
            return true;
        };
        if timeout.is_zero() {
            // Only a look. Models come this way: loom has no clock, and its waits never time out.
            drop(guard);
        } else {
            // One wait is enough: a spurious return is an early time-out.
            drop(
                place
                    .wake
                    .wait_timeout(guard, timeout)
                    .unwrap_or_else(PoisonError::into_inner),
            );
        }
        // ORDERING: Acquire; pairs with the Release swap in `unpark`.
        place.state.swap(EMPTY, Ordering::Acquire) == NOTIFIED
    }

    fn take_token(&self) -> bool {
        // ORDERING: Acquire on success; pairs with the Release swap in `unpark`.
        self.place
            .state
            .compare_exchange(NOTIFIED, EMPTY, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }
}

impl Place {
    /// Moves from `EMPTY` to `PARKED` and gives the lock to wait with; takes the token instead, and
    /// gives none, if one came meanwhile.
    fn announce(&self) -> Option<MutexGuard<'_, ()>> {
        let guard = self.lock();
        // ORDERING: Acquire on failure; pairs with the Release swap in `unpark`.
        let parked =
            self.state
                .compare_exchange(EMPTY, PARKED, Ordering::Relaxed, Ordering::Acquire);
        match parked {
            Ok(_) => return Some(guard),
            Err(PARKED) => {
                drop(guard);
                panic!("another thread waits in this parker");
            }
            // ORDERING: Acquire; a second `unpark` may have come since the failed exchange.
            Err(_) => self.state.swap(EMPTY, Ordering::Acquire),
        };
        None
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unparker {
    /// Leaves a token and wakes the parker if it waits. Costs one swap when it does not.
    pub fn unpark(&self) {
        // ORDERING: Release; pairs with the Acquire exchanges in `park`.
        if self.place.state.swap(NOTIFIED, Ordering::Release) == PARKED {
            // The parker holds the lock from PARKED until it waits: taking it once means that the
            // signal cannot fall between the two.
            drop(self.place.lock());
            self.place.wake.notify_one();
        }
    }
}
