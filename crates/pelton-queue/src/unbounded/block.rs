//! A run of slots, linked to the next.

use std::mem::MaybeUninit;
use std::ptr;

use crate::sync::{AtomicBool, AtomicPtr, AtomicU8, Backoff, Ordering, UnsafeCell, scaled};

/// Positions per block: the slots, and one for the moment in which the next block is put in place.
pub(super) const LAP: usize = scaled(64, 4);
/// Slots per block.
pub(super) const SLOTS: usize = LAP - 1;

/// The receiver has left the slot.
const LEFT: u8 = 1;
/// All slots before this one have been left, and so has the last of the block: the receiver of
/// this one goes on.
const DUTY: u8 = 2;

struct Slot<T> {
    /// The sender has put the value.
    full: AtomicBool,
    /// [`LEFT`] and [`DUTY`], each set once.
    state: AtomicU8,
    value: UnsafeCell<MaybeUninit<T>>,
}

/// Slots and the link to the next block.
///
/// A block ends when its last slot has been left and all others too. The receiver of the last slot
/// has the duty to see to that; at a slot whose receiver is still busy it leaves the duty there
/// and goes. So the block is recycled by whoever leaves last, at once, and nobody else can be
/// in it: no epochs, no garbage.
pub(super) struct Block<T> {
    /// Null until the sender that claimed the last slot has put the next block in place.
    next: AtomicPtr<Self>,
    slots: [Slot<T>; SLOTS],
}

impl<T> Block<T> {
    pub(super) fn new() -> Box<Self> {
        Box::new(Self {
            next: AtomicPtr::new(ptr::null_mut()),
            slots: std::array::from_fn(|_| Slot {
                full: AtomicBool::new(false),
                state: AtomicU8::new(0),
                value: UnsafeCell::new(MaybeUninit::uninit()),
            }),
        })
    }

    /// As good as new. The caller has the block for itself.
    pub(super) fn reset(&mut self) {
        // Relaxed: nobody else has the block; it is published anew with Release.
        self.next.store(ptr::null_mut(), Ordering::Relaxed);
        for slot in &self.slots {
            slot.full.store(false, Ordering::Relaxed);
            slot.state.store(0, Ordering::Relaxed);
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

    /// Leaves the slot `offset`, whose value has been taken; true if the whole block has been left
    /// and is the caller's.
    pub(super) fn leave(&self, offset: usize) -> bool {
        if offset == SLOTS - 1 {
            return self.finish(0);
        }
        // ORDERING: AcqRel; Release, so that whoever finishes the block comes after this receiver;
        // Acquire, to come after those whose duty is taken over. Pairs with itself and `finish`.
        let before = self.slots[offset].state.fetch_or(LEFT, Ordering::AcqRel);
        before & DUTY != 0 && self.finish(offset + 1)
    }

    /// True if all slots from `from` on have been left; else the duty has been passed on.
    fn finish(&self, from: usize) -> bool {
        self.slots[from..SLOTS - 1].iter().all(|slot| {
            // ORDERING: Acquire and AcqRel; pair with the exchange in `leave`, in both directions.
            slot.state.load(Ordering::Acquire) & LEFT != 0
                || slot.state.fetch_or(DUTY, Ordering::AcqRel) & LEFT != 0
        })
    }
}
