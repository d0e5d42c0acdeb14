//! The linked blocks, and the two ends of the row.

use std::ptr;

use super::block::{Block, LAP, SLOTS};
use crate::error::{Closed, PopError};
use crate::sync::{AtomicPtr, AtomicUsize, Backoff, CachePadded, Ordering};

/// Positions go in steps of two; the bit below is the mark [`CLOSED`].
const STEP: usize = 2;
/// The mark in the tail's position: no push claims any more.
const CLOSED: usize = 1;

/// One end of the row: a position, and the block it lies in.
///
/// The position `n * STEP` is slot `n % LAP` of its block. Whoever claims the last slot of a block
/// leaves the position at offset `SLOTS`, where nobody can claim, puts the next block in place and
/// then steps over: so whoever claims by exchanging the position has the right block.
struct Cursor<T> {
    position: AtomicUsize,
    block: AtomicPtr<Block<T>>,
}

/// Slots that one end has claimed in one block.
struct Claim<T> {
    block: *mut Block<T>,
    offset: usize,
    count: usize,
}

/// The row of blocks from the oldest value to the next free slot.
pub(super) struct List<T> {
    tail: CachePadded<Cursor<T>>,
    head: CachePadded<Cursor<T>>,
    /// A block that was emptied and waits to be used again, or null.
    spare: AtomicPtr<Block<T>>,
}

// SAFETY: values are moved in by one thread and out by another, never shared: a slot is touched
// only by the end that claimed it.
unsafe impl<T: Send> Send for List<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for List<T> {}

/// The offset in its block of `position`, in `0..=SLOTS`.
fn offset(position: usize) -> usize {
    position / STEP % LAP
}

/// How many values lie before `position`.
fn ordinal(position: usize) -> usize {
    let count = position / STEP;
    count / LAP * SLOTS + (count % LAP).min(SLOTS)
}

impl<T> Cursor<T> {
    fn new(block: *mut Block<T>) -> CachePadded<Self> {
        CachePadded::new(Self {
            position: AtomicUsize::new(0),
            block: AtomicPtr::new(block),
        })
    }

    /// A position at which claims can be made, and the block read after it. The block is the right
    /// one if the position can still be exchanged.
    #[inline]
    fn read(&self) -> (usize, *mut Block<T>) {
        let mut backoff = Backoff::new();
        loop {
            // ORDERING: Acquire; pairs with the Release in `step_over`: the block of this position
            // or a later one is seen.
            let position = self.position.load(Ordering::Acquire);
            if offset(position) != SLOTS {
                // ORDERING: Acquire; pairs with the Release store in `step_over`: a later block
                // brings no old contents along.
                return (position, self.block.load(Ordering::Acquire));
            }
            backoff.snooze();
        }
    }

    /// Claims `count` slots from `position` on, which lie in one block.
    #[inline]
    fn claim(&self, position: usize, count: usize) -> bool {
        let next = position.wrapping_add(count * STEP);
        // Relaxed: every change of the position is an exchange or an addition, so whoever reads a
        // later one still synchronizes with the last `step_over`.
        self.position
            .compare_exchange_weak(position, next, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }

    /// Claims as above, for the only one who ever claims here.
    #[inline]
    fn claim_alone(&self, position: usize, count: usize) -> bool {
        let next = position.wrapping_add(count * STEP);
        // Relaxed: those who will claim here later are made by this one, or have seen it go.
        self.position.store(next, Ordering::Relaxed);
        true
    }

    /// Called by whoever claimed the last slot of a block: goes on to the `next` block.
    fn step_over(&self, next: *mut Block<T>) {
        // ORDERING: Release; pairs with the Acquire loads in `read`.
        self.block.store(next, Ordering::Release);
        // An addition, because a closer may set the mark meanwhile.
        // ORDERING: Release; as above.
        self.position.fetch_add(STEP, Ordering::Release);
    }
}

impl<T> List<T> {
    pub(super) fn new() -> Self {
        let block = Box::into_raw(Block::new());
        Self {
            tail: Cursor::new(block),
            head: Cursor::new(block),
            spare: AtomicPtr::new(ptr::null_mut()),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.tail.position.load(Ordering::Relaxed) & CLOSED != 0
    }

    pub(super) fn close(&self) {
        // Relaxed: claims are ordered by this one word, and values by the state of their slot.
        self.tail.position.fetch_or(CLOSED, Ordering::Relaxed);
    }

    /// How many values have been claimed for pushing and not for popping. A head that is seen
    /// before the tail that it passed is told as empty.
    pub(super) fn len(&self) -> usize {
        loop {
            // ORDERING: Acquire on both; keeps the three loads in order.
            let tail = self.tail.position.load(Ordering::Acquire);
            let head = self.head.position.load(Ordering::Acquire);
            if self.tail.position.load(Ordering::Relaxed) == tail {
                return ordinal(tail).saturating_sub(ordinal(head));
            }
        }
    }

    #[inline]
    pub(super) fn push(&self, value: T) -> Result<(), Closed<T>> {
        let Some(claim) = self.claim_push(1) else {
            return Err(Closed(value));
        };
        // SAFETY: claimed just now; the block lives until all its slots are taken.
        unsafe { (*claim.block).put(claim.offset, value) };
        Ok(())
    }

    /// Moves up to `count` values out of the memory from `source` on, and says how many: all,
    /// unless the list is closed.
    ///
    /// # Safety
    ///
    /// `count` values lie there, and the caller forgets those that were moved.
    pub(super) unsafe fn push_many(&self, source: *const T, count: usize) -> usize {
        let mut moved = 0;
        while moved < count {
            let Some(claim) = self.claim_push(count - moved) else {
                break;
            };
            for index in 0..claim.count {
                // SAFETY: claimed just now; the block lives until all its slots are taken.
                unsafe {
                    (*claim.block).put(claim.offset + index, source.add(moved + index).read())
                }
            }
            moved += claim.count;
        }
        moved
    }

    /// Claims up to `max` free slots in one block, at least one; none once closed.
    #[inline]
    fn claim_push(&self, max: usize) -> Option<Claim<T>> {
        let mut backoff = Backoff::new();
        let mut next: Option<Box<Block<T>>> = None;
        loop {
            let (position, block) = self.tail.read();
            if position & CLOSED != 0 {
                self.recycle_unused(next);
                return None;
            }
            let offset = offset(position);
            let count = max.min(SLOTS - offset);
            let ends_block = offset + count == SLOTS;
            if ends_block && next.is_none() {
                // Before the claim, because others wait from the claim on.
                next = Some(self.take_spare());
                continue;
            }
            if !self.tail.claim(position, count) {
                backoff.spin();
                continue;
            }
            if ends_block {
                self.append(block, next.take().expect("made before the claim"));
            }
            self.recycle_unused(next);
            return Some(Claim {
                block,
                offset,
                count,
            });
        }
    }

    fn append(&self, block: *mut Block<T>, next: Box<Block<T>>) {
        let next = Box::into_raw(next);
        self.tail.step_over(next);
        // SAFETY: the caller has claimed the last slot and not yet filled it.
        unsafe { (*block).link(next) };
    }

    fn take_spare(&self) -> Box<Block<T>> {
        // ORDERING: Acquire; pairs with the Release exchange in `recycle`.
        let spare = self.spare.swap(ptr::null_mut(), Ordering::Acquire);
        if spare.is_null() {
            return Block::new();
        }
        // SAFETY: the swap made this thread the only one to have it.
        unsafe { Box::from_raw(spare) }
    }

    fn recycle_unused(&self, block: Option<Box<Block<T>>>) {
        if let Some(block) = block {
            self.recycle(block);
        }
    }

    /// Keeps `block` for the next push that needs one, or frees it if one is kept already.
    fn recycle(&self, mut block: Box<Block<T>>) {
        block.reset();
        let block = Box::into_raw(block);
        let kept = self.spare.compare_exchange(
            ptr::null_mut(),
            block,
            // ORDERING: Release; pairs with the Acquire swap in `take_spare`.
            Ordering::Release,
            Ordering::Relaxed,
        );
        if kept.is_err() {
            // SAFETY: nobody took it.
            drop(unsafe { Box::from_raw(block) });
        }
    }

    #[inline]
    pub(super) fn pop(&self, sole: bool, tail_seen: &mut usize) -> Result<T, PopError> {
        let claim = self.claim_pop(sole, tail_seen, 1)?;
        // SAFETY: claimed just now; the block lives until this thread says that it left the slot.
        let value = unsafe { (*claim.block).take(claim.offset) };
        self.leave(sole, &claim);
        Ok(value)
    }

    /// Moves up to `max` values of one block to the end of `values`, and says how many.
    pub(super) fn pop_many(
        &self,
        sole: bool,
        tail_seen: &mut usize,
        values: &mut Vec<T>,
        max: usize,
    ) -> Result<usize, PopError> {
        // Reserved before the claim: nothing may fail between claim and take.
        let max = max.min(SLOTS);
        values.reserve(max);
        let claim = self.claim_pop(sole, tail_seen, max)?;
        for index in 0..claim.count {
            // SAFETY: as in `pop`.
            values.push(unsafe { (*claim.block).take(claim.offset + index) });
        }
        self.leave(sole, &claim);
        Ok(claim.count)
    }

    /// Claims up to `max` pushed slots in one block, at least one. A `sole` receiver has no rival.
    #[inline]
    fn claim_pop(
        &self,
        sole: bool,
        tail_seen: &mut usize,
        max: usize,
    ) -> Result<Claim<T>, PopError> {
        let mut backoff = Backoff::new();
        loop {
            let (position, block) = self.head.read();
            let pushed = self.pushed_since(tail_seen, position)?;
            let offset = offset(position);
            let count = max.min(pushed).min(SLOTS - offset);
            let claimed = if sole {
                self.head.claim_alone(position, count)
            } else {
                self.head.claim(position, count)
            };
            if !claimed {
                backoff.spin();
                continue;
            }
            if offset + count == SLOTS {
                // SAFETY: this thread has claimed slots of the block and not yet left them.
                self.head.step_over(unsafe { (*block).wait_next() });
            }
            return Ok(Claim {
                block,
                offset,
                count,
            });
        }
    }

    /// How many positions from `head` on have been claimed by pushes, at least one; reads the real
    /// tail only when what was seen of it is behind.
    #[inline]
    fn pushed_since(&self, tail_seen: &mut usize, head: usize) -> Result<usize, PopError> {
        let seen = tail_seen.wrapping_sub(head) as isize;
        if seen > 0 {
            return Ok(seen.unsigned_abs() / STEP);
        }
        // Relaxed: a claim shows at its slot. If it equals the head now then the head was there
        // too, because it lies between, and the list was empty.
        let tail = self.tail.position.load(Ordering::Relaxed);
        *tail_seen = tail & !CLOSED;
        let pushed = tail_seen.wrapping_sub(head) as isize;
        if pushed > 0 {
            return Ok(pushed.unsigned_abs() / STEP);
        }
        Err(if tail & CLOSED == 0 {
            PopError::Empty
        } else {
            PopError::Closed
        })
    }

    /// Leaves the slots of `claim`, and recycles the block if they were the last to be left.
    #[inline]
    fn leave(&self, sole: bool, claim: &Claim<T>) {
        // SAFETY: these slots are claimed and not yet left, so the block lives; and if `leave`
        // answers true, until this thread has finished it.
        if unsafe { (*claim.block).leave(sole, claim.count) } {
            // SAFETY: all slots have been left, so nobody else will touch the block.
            self.recycle(unsafe { Box::from_raw(claim.block) });
        }
    }
}

impl<T> Drop for List<T> {
    fn drop(&mut self) {
        // Both go whether or not dropping a value panics, the values first.
        let free = Free(self);
        let _rest = Rest(free.0);
        let mut tail_seen = 0;
        while free.0.pop(true, &mut tail_seen).is_ok() {}
    }
}

/// Drops the values that are left, one owner for each.
struct Rest<'a, T>(&'a List<T>);

impl<T> Drop for Rest<'_, T> {
    fn drop(&mut self) {
        let mut tail_seen = 0;
        while self.0.pop(true, &mut tail_seen).is_ok() {}
    }
}

/// Frees the blocks, which hold no value any more.
struct Free<'a, T>(&'a List<T>);

impl<T> Drop for Free<'_, T> {
    fn drop(&mut self) {
        for block in [&self.0.head.block, &self.0.spare] {
            let block = block.load(Ordering::Relaxed);
            if !block.is_null() {
                // SAFETY: the ends are gone; an empty list has one block, and perhaps a spare.
                drop(unsafe { Box::from_raw(block) });
            }
        }
    }
}
