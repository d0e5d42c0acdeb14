//! The phases of a pool and the moment it ends: "Shutdown" in `PROTOCOLS.md`.

use std::time::{Duration, Instant};

use crate::sync::{AtomicUsize, Condvar, Mutex, Ordering, PoisonError, fence, lock};

/// The life of a pool; moves down only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub(crate) enum Phase {
    /// Everything is accepted.
    Open,
    /// What was accepted is finished, nothing new is.
    Draining,
    /// What was not begun is dropped.
    Aborted,
    /// Nothing is left; the workers leave.
    Ended,
}

/// The phase, and a place to wait for the last one.
#[derive(Debug)]
pub(crate) struct Shutdown {
    /// A [`Phase`].
    phase: AtomicUsize,
    /// True once the phase is `Ended`.
    ended: Mutex<bool>,
    end: Condvar,
}

impl Shutdown {
    pub(crate) fn new() -> Self {
        Self {
            phase: AtomicUsize::new(Phase::Open as usize),
            ended: Mutex::new(false),
            end: Condvar::new(),
        }
    }

    /// True in `phase` and below.
    pub(crate) fn is_at_least(&self, phase: Phase) -> bool {
        // ORDERING: Acquire; pairs with the AcqRel update in `advance`.
        self.phase.load(Ordering::Acquire) >= phase as usize
    }

    /// Moves down to `phase`, if it is not lower already.
    pub(crate) fn advance(&self, phase: Phase) {
        // ORDERING: AcqRel; pairs with the Acquire load in `is_at_least`.
        self.phase.fetch_max(phase as usize, Ordering::AcqRel);
    }

    /// Ends the pool if it is closed and `outstanding` counts nothing; true when this call did
    /// it. To be called by whoever may have finished the last task, after it counted it, and by
    /// whoever closed the pool.
    #[inline]
    pub(crate) fn end_if_quiescent(&self, outstanding: impl FnOnce() -> usize) -> bool {
        // ORDERING: SeqCst; pairs with itself: of two who finish the last two tasks at once, at
        // least one sees both counted; of one who finishes the last task and one who closes, at
        // least one sees what the other did.
        fence(Ordering::SeqCst);
        if !self.is_at_least(Phase::Draining) || self.is_at_least(Phase::Ended) {
            return false;
        }
        if outstanding() > 0 {
            return false;
        }
        self.advance(Phase::Ended);
        *lock(&self.ended) = true;
        self.end.notify_all();
        true
    }

    /// Waits for the end, at most for `timeout`; true when it came.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> bool {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut ended = lock(&self.ended);
        while !*ended {
            ended = match deadline {
                None => self.end.wait(ended).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    let waited = self.end.wait_timeout(ended, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }
}
