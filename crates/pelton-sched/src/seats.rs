//! The places of the workers, and how one is filled and left: "Resize" in `PROTOCOLS.md`.

use crate::sync::{AtomicUsize, Mutex, MutexGuard, Ordering, lock};

/// The places, each with the `Q` (the queues) that whoever sits there works with.
#[derive(Debug)]
pub(crate) struct Seats<Q> {
    /// Workers with an index from here on leave when they have nothing in hand.
    target: AtomicUsize,
    seats: Box<[Mutex<Seat<Q>>]>,
}

/// One place.
#[derive(Debug)]
pub(crate) struct Seat<Q> {
    /// Here while nobody has them.
    free: Option<Q>,
    /// The core that the last worker here was pinned to.
    pub(crate) core: Option<usize>,
    /// True once a worker sat here.
    pub(crate) was_used: bool,
}

impl<Q> Seats<Q> {
    /// Free places, one for each of `queues`.
    pub(crate) fn new(queues: impl Iterator<Item = Q>, target: usize) -> Self {
        Self {
            target: AtomicUsize::new(target),
            seats: queues.map(|free| Mutex::new(Seat::new(free))).collect(),
        }
    }

    /// The most workers there can be.
    pub(crate) fn len(&self) -> usize {
        self.seats.len()
    }

    pub(crate) fn target(&self) -> usize {
        // ORDERING: Acquire; pairs with the Release store in `set_target`.
        self.target.load(Ordering::Acquire)
    }

    /// To be followed by [`take`](Self::take) for each place below the target.
    pub(crate) fn set_target(&self, workers: usize) {
        // ORDERING: Release; pairs with the Acquire load in `target`.
        self.target.store(workers, Ordering::Release);
    }

    /// True when the worker in place `index` is to leave.
    #[inline]
    pub(crate) fn is_surplus(&self, index: usize) -> bool {
        self.target() <= index
    }

    /// free -> taken. None when somebody sits there: that one stays, because it looks at the
    /// target once more before it leaves.
    pub(crate) fn take(&self, index: usize) -> Option<Q> {
        let mut seat = lock(&self.seats[index]);
        let queues = seat.free.take()?;
        seat.was_used = true;
        Some(queues)
    }

    /// taken -> free, before any worker began.
    pub(crate) fn put_back(&self, index: usize, queues: Q) {
        lock(&self.seats[index]).free = Some(queues);
    }

    /// taken -> free, by the worker, if it is still surplus or `is_over`; else it gets its queues
    /// back and stays.
    pub(crate) fn leave(&self, index: usize, queues: Q, is_over: bool) -> Result<(), Q> {
        let mut seat = lock(&self.seats[index]);
        // Under the lock: whoever raised the target comes by with `take` after that.
        if is_over || self.is_surplus(index) {
            seat.free = Some(queues);
            Ok(())
        } else {
            Err(queues)
        }
    }

    pub(crate) fn seat(&self, index: usize) -> MutexGuard<'_, Seat<Q>> {
        lock(&self.seats[index])
    }
}

impl<Q> Seat<Q> {
    fn new(free: Q) -> Self {
        Self {
            free: Some(free),
            core: None,
            was_used: false,
        }
    }
}
