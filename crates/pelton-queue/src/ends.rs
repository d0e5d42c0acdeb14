//! How many ends of each kind a shared queue has.

use crate::sync::{AtomicUsize, Ordering};

/// A queue and the number of its ends.
#[derive(Debug)]
pub(crate) struct Shared<Q> {
    pub(crate) queue: Q,
    /// At least one until the last sender is dropped.
    senders: AtomicUsize,
    /// At least one until the last receiver is dropped.
    receivers: AtomicUsize,
}

impl<Q> Shared<Q> {
    /// One sender and one receiver.
    pub(crate) fn new(queue: Q) -> Self {
        Self {
            queue,
            senders: AtomicUsize::new(1),
            receivers: AtomicUsize::new(1),
        }
    }

    /// Called by a sender about to be cloned.
    pub(crate) fn add_sender(&self) {
        // Relaxed: the caller is a sender, so the count cannot reach zero meanwhile.
        self.senders.fetch_add(1, Ordering::Relaxed);
    }

    /// Called by a sender about to go; true for the last.
    pub(crate) fn drop_sender(&self) -> bool {
        // ORDERING: AcqRel; pairs with itself in the other senders: the last one closes after
        // all that they did.
        self.senders.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Called by a receiver about to be cloned.
    pub(crate) fn add_receiver(&self) {
        // Relaxed: as for senders.
        self.receivers.fetch_add(1, Ordering::Relaxed);
    }

    /// Called by a receiver about to go; true for the last.
    pub(crate) fn drop_receiver(&self) -> bool {
        // ORDERING: AcqRel; the Release half pairs with the Acquire load in `sole_receiver`.
        self.receivers.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Asked by a receiver: is it the only one? If so it stays so as long as the asker is borrowed
    /// mutably, because a receiver is made from a receiver.
    #[inline]
    pub(crate) fn sole_receiver(&self) -> bool {
        // ORDERING: Acquire; pairs with the Release in `drop_receiver`: what the others popped is
        // seen as popped.
        self.receivers.load(Ordering::Acquire) == 1
    }
}
