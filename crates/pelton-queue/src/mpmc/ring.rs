//! The ring itself: positions, stamps and claims.

use std::mem::MaybeUninit;

use super::START;
use crate::error::{PopError, PushError};
use crate::sync::{AtomicUsize, Backoff, CachePadded, Ordering, UnsafeCell};

/// Positions go in steps of two; the bit below is free for a mark.
const STEP: usize = 2;
/// The mark in `tail`: closed. No push claims a position any more.
const CLOSED: usize = 1;
/// The mark in a stamp: the slot holds the value of that position.
const FULL: usize = 1;

/// A slot and whose turn it is.
struct Slot<T> {
    /// Position `p` while it waits for the push of `p`; `p | FULL` from then on until the pop of
    /// `p` has moved the value out; then the position of the next lap.
    stamp: AtomicUsize,
    value: UnsafeCell<MaybeUninit<T>>,
}

/// A run of positions that one end has claimed, and nobody else will touch.
#[derive(Clone, Copy)]
struct Claim {
    position: usize,
    count: usize,
}

/// The ring; ends keep what they have seen of the other side's index and pass it in.
pub(super) struct Ring<T> {
    /// The next position to push, and [`CLOSED`].
    tail: CachePadded<AtomicUsize>,
    /// The next position to pop.
    head: CachePadded<AtomicUsize>,
    capacity: usize,
    /// A power of two, at least `capacity`.
    slots: Box<[Slot<T>]>,
}

// SAFETY: values are moved in by one thread and out by another, never shared: a slot is touched
// only by the end that claimed its position, and the stamp passes it on.
unsafe impl<T: Send> Send for Ring<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Ring<T> {}

impl<T> Ring<T> {
    pub(super) fn new(capacity: usize) -> Self {
        assert!(capacity != 0, "capacity must be non-zero");
        let count = capacity
            .checked_next_power_of_two()
            .filter(|count| *count <= usize::MAX / 4)
            .expect("capacity exceeds the address space");
        let mut slots: Vec<Slot<T>> = (0..count)
            .map(|offset| Slot {
                stamp: AtomicUsize::new(START.wrapping_add(offset * STEP)),
                value: UnsafeCell::new(MaybeUninit::uninit()),
            })
            .collect();
        // Positions start anywhere; slot `p / 2 % count` must carry the stamp of `p`.
        slots.rotate_right((START / STEP) % count);
        Self {
            tail: CachePadded::new(AtomicUsize::new(START)),
            head: CachePadded::new(AtomicUsize::new(START)),
            capacity,
            slots: slots.into_boxed_slice(),
        }
    }

    #[inline]
    fn slot(&self, position: usize) -> &Slot<T> {
        let index = (position / STEP) & (self.slots.len() - 1);
        // SAFETY: masked with one less than the length, a power of two.
        unsafe { self.slots.get_unchecked(index) }
    }

    /// The position that follows `position` by `count`.
    #[inline]
    fn after(position: usize, count: usize) -> usize {
        position.wrapping_add(count.wrapping_mul(STEP))
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many values have been claimed for pushing and not for popping. Indices of different
    /// ages are told as empty or full: nothing makes the tail be seen with the head that passed it.
    pub(super) fn len(&self) -> usize {
        loop {
            // ORDERING: Acquire on both; keeps the three loads in order.
            let tail = self.tail.load(Ordering::Acquire);
            let head = self.head.load(Ordering::Acquire);
            if self.tail.load(Ordering::Relaxed) == tail {
                let len = (tail & !CLOSED).wrapping_sub(head) as isize / STEP as isize;
                return len.max(0).unsigned_abs().min(self.capacity);
            }
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.tail.load(Ordering::Relaxed) & CLOSED != 0
    }

    /// From here on no push is accepted; what was accepted before can be popped.
    pub(super) fn close(&self) {
        // Relaxed: the claims are ordered by this one word, and values by their stamps.
        self.tail.fetch_or(CLOSED, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn push(&self, head_seen: &mut usize, value: T) -> Result<(), PushError<T>> {
        match self.claim_push(head_seen, 1) {
            Ok(claim) => {
                // SAFETY: claimed just now.
                unsafe { self.put(claim.position, value) };
                Ok(())
            }
            Err(PushError::Full(())) => Err(PushError::Full(value)),
            Err(PushError::Closed(())) => Err(PushError::Closed(value)),
        }
    }

    /// Moves up to `count` values, at least one, out of the memory from `source` on, and says how
    /// many.
    ///
    /// # Safety
    ///
    /// `count` values lie there, and the caller forgets those that were moved.
    pub(super) unsafe fn push_many(
        &self,
        head_seen: &mut usize,
        source: *const T,
        count: usize,
    ) -> Result<usize, PushError> {
        let claim = self.claim_push(head_seen, count)?;
        for offset in 0..claim.count {
            // SAFETY: claimed just now, and the source holds that many.
            unsafe {
                self.put(
                    Self::after(claim.position, offset),
                    source.add(offset).read(),
                )
            };
        }
        Ok(claim.count)
    }

    /// # Safety
    ///
    /// The caller has claimed `position` for pushing and puts one value.
    #[inline]
    unsafe fn put(&self, position: usize, value: T) {
        let slot = self.slot(position);
        // SAFETY: the claim makes this end the only one to touch the slot.
        slot.value.with_mut(|cell| unsafe { (*cell).write(value) });
        // ORDERING: Release; pairs with the Acquire load in `ready`.
        slot.stamp.store(position | FULL, Ordering::Release);
    }

    /// Claims up to `max` positions that are free.
    #[inline]
    fn claim_push(&self, head_seen: &mut usize, max: usize) -> Result<Claim, PushError> {
        let mut backoff = Backoff::new();
        let mut tail = self.tail.load(Ordering::Relaxed);
        loop {
            if tail & CLOSED != 0 {
                return Err(PushError::Closed(()));
            }
            let room = self.room(head_seen, tail, max);
            if room == 0 {
                return Err(PushError::Full(()));
            }
            let count = self.free(tail, room.min(max));
            if count == 0 {
                if self.is_full(tail) {
                    return Err(PushError::Full(()));
                }
                // The pop of the last lap has claimed this slot and not yet left it, or other
                // pushes went ahead.
                backoff.snooze();
                tail = self.tail.load(Ordering::Relaxed);
                continue;
            }
            let next = Self::after(tail, count);
            // Relaxed: the value is published by its stamp, and the slot was acquired by `free`.
            match self
                .tail
                .compare_exchange_weak(tail, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(position) => return Ok(Claim { position, count }),
                Err(moved) => tail = moved,
            }
            backoff.spin();
        }
    }

    /// How many positions the capacity leaves from `tail` on; reads the real head only when what
    /// was seen of it leaves less than `wanted`. Where the capacity is that of the slots, their
    /// stamps tell as much, and the head, which the popping core moves, is left alone.
    #[inline]
    fn room(&self, head_seen: &mut usize, tail: usize, wanted: usize) -> usize {
        if self.capacity == self.slots.len() {
            return self.capacity;
        }
        let used = Self::between(*head_seen, tail);
        if used.saturating_add(wanted) <= self.capacity {
            return self.capacity - used;
        }
        // Relaxed: an old head only means less room; the slots themselves are checked by stamp.
        *head_seen = self.head.load(Ordering::Relaxed);
        // A tail read before that head may be behind it: then the exchange will fail.
        let used = tail.wrapping_sub(*head_seen) as isize / STEP as isize;
        self.capacity.saturating_sub(used.max(0).unsigned_abs())
    }

    /// True if no position of the last lap before `tail` has been claimed for popping. An old tail
    /// tells the same: the head passes none that is not popped.
    #[cold]
    fn is_full(&self, tail: usize) -> bool {
        // Relaxed: an old head only means less room.
        Self::between(self.head.load(Ordering::Relaxed), tail) == self.capacity
    }

    /// How many slots in a row, at most `max`, wait for the push of their position from `tail` on.
    #[inline]
    fn free(&self, tail: usize, max: usize) -> usize {
        // ORDERING: Acquire; pairs with the Release store in `take`: the slot is empty.
        self.count_stamped(tail, max, 0)
    }

    /// How many slots in a row, at most `max`, hold the value of their position from `head` on.
    #[inline]
    fn ready(&self, head: usize, max: usize) -> usize {
        // ORDERING: Acquire; pairs with the Release store in `put`: the value is there.
        self.count_stamped(head, max, FULL)
    }

    #[inline]
    fn count_stamped(&self, from: usize, max: usize, mark: usize) -> usize {
        let mut count = 0;
        while count < max {
            let position = Self::after(from, count);
            // ORDERING: Acquire; see the two callers.
            if self.slot(position).stamp.load(Ordering::Acquire) != position | mark {
                break;
            }
            count += 1;
        }
        count
    }

    #[inline]
    pub(super) fn pop(&self) -> Result<T, PopError> {
        let claim = self.claim_pop(1)?;
        // SAFETY: claimed just now.
        Ok(unsafe { self.take(claim.position) })
    }

    /// Moves up to `max` values to the end of `values`, and says how many.
    pub(super) fn pop_many(&self, values: &mut Vec<T>, max: usize) -> Result<usize, PopError> {
        // Reserved before the claim: nothing may fail between claim and take.
        if values.capacity() - values.len() < max {
            values.reserve(max.min(self.len()).max(1));
        }
        let spare = values.capacity() - values.len();
        let claim = self.claim_pop(max.min(spare))?;
        for offset in 0..claim.count {
            // SAFETY: claimed just now.
            values.push(unsafe { self.take(Self::after(claim.position, offset)) });
        }
        Ok(claim.count)
    }

    /// # Safety
    ///
    /// The caller has claimed `position` for popping and takes it once.
    #[inline]
    unsafe fn take(&self, position: usize) -> T {
        let slot = self.slot(position);
        let value = slot
            .value
            // SAFETY: the claim makes this end the only one to touch the slot, which is full.
            .with_mut(|cell| unsafe { (*cell).assume_init_read() });
        let next_lap = Self::after(position, self.slots.len());
        // ORDERING: Release; pairs with the Acquire load in `free`.
        slot.stamp.store(next_lap, Ordering::Release);
        value
    }

    /// Claims up to `max` positions whose values are there.
    #[inline]
    fn claim_pop(&self, max: usize) -> Result<Claim, PopError> {
        let mut backoff = Backoff::new();
        let mut position = self.head.load(Ordering::Relaxed);
        loop {
            let count = self.ready(position, max.min(self.capacity));
            if count == 0 {
                self.check_empty(position)?;
                // A push has claimed this slot and not yet filled it, or other pops went ahead.
                backoff.snooze();
                position = self.head.load(Ordering::Relaxed);
                continue;
            }
            let next = Self::after(position, count);
            // A receiver that is the only one could do with a store, but then it gets so close to
            // the senders that both wait for lines all the time: measured, 1.7 times as slow.
            // Relaxed: the values were acquired by `ready`, the slots are released by `take`.
            match self.head.compare_exchange_weak(
                position,
                next,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(position) => return Ok(Claim { position, count }),
                Err(moved) => position = moved,
            }
            backoff.spin();
        }
    }

    /// True when the value that comes next is in its slot. Looks there alone: the tail, which this
    /// end would have to fetch from the core that pushes, stays where it is.
    #[inline]
    pub(super) fn looks_ready(&self) -> bool {
        self.ready(self.head(), 1) == 1
    }

    /// The next position to pop.
    #[inline]
    pub(super) fn head(&self) -> usize {
        self.head.load(Ordering::Relaxed)
    }

    /// How many positions lie between.
    #[inline]
    pub(super) fn between(head: usize, tail: usize) -> usize {
        tail.wrapping_sub(head) / STEP
    }

    /// An error if no push has claimed `head`. If it equals the tail now, then the head was there
    /// too, because it lies between, and the ring was empty.
    fn check_empty(&self, head: usize) -> Result<(), PopError> {
        let tail = self.tail.load(Ordering::Relaxed);
        if tail & !CLOSED != head {
            return Ok(());
        }
        Err(if tail & CLOSED == 0 {
            PopError::Empty
        } else {
            PopError::Closed
        })
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        // The ends are gone, so every claim has been served. One owner for each value: if dropping
        // one panics, the loop of the guard goes on with the rest.
        struct Rest<'a, T>(&'a Ring<T>);
        impl<T> Drop for Rest<'_, T> {
            fn drop(&mut self) {
                while self.0.pop().is_ok() {}
            }
        }
        let rest = Rest(self);
        while rest.0.pop().is_ok() {}
    }
}
