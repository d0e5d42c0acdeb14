//! A run of slots, linked to the next.

use std::mem::MaybeUninit;
use std::ptr;

use crate::sync::{AtomicBool, AtomicPtr, AtomicUsize, Backoff, Ordering, UnsafeCell, scaled};

/// Positions per block: the slots, and one for the moment in which the next block is put in place.
pub(super) const LAP: usize = scaled(64, 4);
/// Slots per block.
pub(super) const SLOTS: usize = LAP - 1;

struct Slot<T> {
    /// The sender has put the value.
    full: AtomicBool,
    value: UnsafeCell<MaybeUninit<T>>,
}

/// Slots and the link to the next block.
///
/// A block ends when all its slots have been left. Receivers count the slots that they leave, and
/// whoever makes the count full recycles the block, at once: nobody else can be in it.
pub(super) struct Block<T> {
    /// Null until the sender that claimed the last slot has put the next block in place.
    next: AtomicPtr<Self>,
    /// Slots that receivers have left.
    left: AtomicUsize,
    slots: [Slot<T>; SLOTS],
}

impl<T> Block<T> {
    pub(super) fn new() -> Box<Self> {
        Box::new(Self {
            next: AtomicPtr::new(ptr::null_mut()),
            left: AtomicUsize::new(0),
            slots: std::array::from_fn(|_| Slot {
                full: AtomicBool::new(false),
                value: UnsafeCell::new(MaybeUninit::uninit()),
            }),
        })
    }

    /// As good as new. The caller has the block for itself.
    pub(super) fn reset(&mut self) {
        // Relaxed: nobody else has the block; it is published anew with Release.
        self.next.store(ptr::null_mut(), Ordering::Relaxed);
        self.left.store(0, Ordering::Relaxed);
        for slot in &self.slots {
            slot.full.store(false, Ordering::Relaxed);
        }
    }

    pub(super) fn link(&self, next: *mut Self) {
        // ORDERING: Release; pairs with the Acquire load in `wait_next`.
        self.next.store(next, Ordering::Release);
    }

    /// The next block, which some sender is about to link.
    pub(super) fn wait_next(&self) -> *mut Self {
        let mut backoff = Backoff::new();
        loop {
            // ORDERING: Acquire; pairs with the Release store in `link`.
            let next = self.next.load(Ordering::Acquire);
            if !next.is_null() {
                return next;
            }
            backoff.snooze();
        }
    }

    /// Puts `value` into the slot `offset`.
    ///
    /// # Safety
    ///
    /// The caller has claimed the slot for pushing and puts one value.
    #[inline]
    pub(super) unsafe fn put(&self, offset: usize, value: T) {
        let slot = &self.slots[offset];
        // SAFETY: the claim makes the caller the only one to touch the slot until it is full.
        slot.value.with_mut(|cell| unsafe { (*cell).write(value) });
        // ORDERING: Release; pairs with the Acquire load in `take`.
        slot.full.store(true, Ordering::Release);
    }

    /// Takes the value out of the slot `offset`, waiting for its sender if need be.
    ///
    /// # Safety
    ///
    /// The caller has claimed the slot for popping and takes it once.
    #[inline]
    pub(super) unsafe fn take(&self, offset: usize) -> T {
        let slot = &self.slots[offset];
        let mut backoff = Backoff::new();
        // ORDERING: Acquire; pairs with the Release store in `put`.
        while !slot.full.load(Ordering::Acquire) {
            backoff.snooze();
        }
        slot.value
            // SAFETY: the slot is full, and the claim makes the caller the only one to take it.
            .with_mut(|cell| unsafe { (*cell).assume_init_read() })
    }

    /// Leaves `count` slots, whose values have been taken; true if the whole block has been left
    /// and is the caller's. A `sole` receiver has no rival.
    #[inline]
    pub(super) fn leave(&self, sole: bool, count: usize) -> bool {
        if sole {
            // Relaxed: receivers that left before have gone, and were seen to go.
            let left = self.left.load(Ordering::Relaxed) + count;
            self.left.store(left, Ordering::Relaxed);
            return left == SLOTS;
        }
        // ORDERING: AcqRel; pairs with itself: whoever leaves last comes after all who left before.
        self.left.fetch_add(count, Ordering::AcqRel) + count == SLOTS
    }
}
