//! Who may poll a future, and when it is queued: "Wake" in `PROTOCOLS.md`.

use crate::sync::{AtomicUsize, Ordering};

/// Waits for a waker.
const IDLE: usize = 0;
/// Lies in a queue, once.
const QUEUED: usize = 1;
/// Is polled.
const POLLED: usize = 2;
/// Is polled, and was woken since the poll began.
const WOKEN: usize = 3;
/// Ended; nothing leads out.
const ENDED: usize = 4;

/// The state of a future: in a queue at most once, polled by at most one worker, and polled again
/// after each wake-up.
#[derive(Debug)]
pub(crate) struct WakeState(AtomicUsize);

impl WakeState {
    /// For a future that is queued now.
    pub(crate) fn queued() -> Self {
        Self(AtomicUsize::new(QUEUED))
    }

    /// queued -> polled, by the worker that took it out.
    pub(crate) fn begin(&self) {
        // ORDERING: Acquire; pairs with the AcqRel updates in `wake`: the poll sees what
        // happened before each wake-up that it answers.
        let before = self.0.swap(POLLED, Ordering::Acquire);
        debug_assert_eq!(before, QUEUED);
    }

    /// polled -> idle, or woken -> queued: then true, and the caller must queue it.
    #[must_use]
    pub(crate) fn suspend(&self) -> bool {
        // ORDERING: Release; pairs with the Acquire side of `wake`: the next poll, which that
        // wake-up leads to, sees what this one wrote.
        let idle = self
            .0
            .compare_exchange(POLLED, IDLE, Ordering::Release, Ordering::Relaxed);
        if idle.is_err() {
            // ORDERING: AcqRel; as above, and as in `begin`.
            self.0.swap(QUEUED, Ordering::AcqRel);
        }
        idle.is_err()
    }

    /// polled or woken -> ended.
    pub(crate) fn end(&self) {
        // Relaxed: nothing is handed on; the future is dropped here.
        self.0.store(ENDED, Ordering::Relaxed);
    }

    /// idle -> queued: then true, and the caller must queue it; polled -> woken.
    #[must_use]
    pub(crate) fn wake(&self) -> bool {
        let mut state = self.0.load(Ordering::Relaxed);
        loop {
            let next = match state {
                IDLE => QUEUED,
                POLLED => WOKEN,
                // Also when it is queued the update happens, so that the poll sees this waker's
                // writes.
                other => other,
            };
            // ORDERING: AcqRel; pairs with `begin` and `suspend`.
            let changed =
                self.0
                    .compare_exchange_weak(state, next, Ordering::AcqRel, Ordering::Relaxed);
            match changed {
                Ok(_) => return state == IDLE,
                Err(now) => state = now,
            }
        }
    }
}
