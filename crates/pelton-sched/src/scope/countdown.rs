//! The counter by which a scope knows that its tasks have ended: "Scope" in `PROTOCOLS.md`.

use crate::event_count::EventCount;
use crate::sync::{AtomicUsize, Ordering};

/// Units that are not given back yet, and the worker that waits for the last.
#[derive(Debug)]
pub(crate) struct Countdown {
    /// One for the body, one for each task that has not ended, and the units that workers hold.
    units: AtomicUsize,
    owner: usize,
}

impl Countdown {
    /// With one unit, for the body that `owner` runs.
    pub(crate) fn new(owner: usize) -> Self {
        Self {
            units: AtomicUsize::new(1),
            owner,
        }
    }

    /// Counts more; the caller holds a unit, or borrows from one who does.
    #[inline]
    pub(crate) fn add(&self, units: usize) {
        // Relaxed: the caller's unit keeps the counter above zero meanwhile.
        self.units.fetch_add(units, Ordering::Relaxed);
    }

    /// Gives units back, and wakes the owner with the last.
    ///
    /// # Safety
    ///
    /// The caller must hold these units; `this` may be gone when this returns.
    pub(crate) unsafe fn give_back(this: *const Self, units: usize, sleep: &EventCount) {
        // SAFETY: the owner stays until all units are back.
        let owner = unsafe { (*this).owner };
        // SAFETY: as above, and this is the last access.
        // ORDERING: Release; pairs with the Acquire load in `is_over`.
        if unsafe { (*this).units.fetch_sub(units, Ordering::Release) } == units {
            sleep.notify(owner);
        }
    }

    /// True once all units are back; then what their holders did is visible.
    pub(crate) fn is_over(&self) -> bool {
        // ORDERING: Acquire; pairs with the Release subtractions in `give_back`.
        self.units.load(Ordering::Acquire) == 0
    }
}
