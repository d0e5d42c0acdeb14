//! The popping end.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

use super::chunk::ReadChunk;
use super::{Hold, Ring, START};
use crate::end::Pop;
use crate::error::PopError;
use crate::patience::{self, Patience};
use crate::slots::Slots;
use crate::sync::{Arc, Ordering};

/// The end that pops. Dropping it closes the ring: the producer's pushes are refused, and what is
/// left is dropped with the producer.
///
/// `Send`, not `Sync`, not `Clone`: there is one consumer, and the type says so.
pub struct Consumer<T> {
    ring: Hold<T>,
    slots: Slots<T>,
    capacity: usize,
    /// Equal to `ring.head`, which only this end writes.
    head: usize,
    /// A copy of `ring.tail`, at least `head`, at worst too small.
    tail: usize,
    patience: Patience,
    /// A `Cell` may move between threads but not be shared, and so may this end.
    _not_sync: PhantomData<Cell<()>>,
}

impl<T> Consumer<T> {
    pub(super) fn new(ring: Arc<Ring<T>>, capacity: usize) -> Self {
        Self {
            slots: ring.slots,
            capacity,
            ring: Hold::new(ring),
            head: START,
            tail: START,
            patience: Patience::NEW,
            _not_sync: PhantomData,
        }
    }

    /// Takes the oldest value out. Constant time; reads the producer's index only when all that
    /// was known of has been popped.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] when nothing is there, [`PopError::Closed`] when the producer is gone
    /// and nothing is left.
    ///
    /// ```
    /// use pelton_queue::{PopError, spsc};
    ///
    /// let (mut producer, mut consumer) = spsc::channel(8);
    /// assert_eq!(consumer.pop(), Err(PopError::Empty));
    /// producer.push('x').unwrap();
    /// assert_eq!(consumer.pop(), Ok('x'));
    /// ```
    #[inline]
    pub fn pop(&mut self) -> Result<T, PopError> {
        if self.head == self.tail {
            self.look()?;
        }
        // SAFETY: the slot at the head holds a value, and it is this end's.
        let value = unsafe { self.slots.read(self.head) };
        self.advance(1);
        Ok(value)
    }

    /// The oldest value, left in its place.
    ///
    /// ```
    /// let (mut producer, mut consumer) = pelton_queue::spsc::channel(8);
    /// producer.push(7).unwrap();
    /// assert_eq!(consumer.peek(), Some(&mut 7));
    /// assert_eq!(consumer.pop(), Ok(7));
    /// ```
    pub fn peek(&mut self) -> Option<&mut T> {
        if self.head == self.tail {
            self.look().ok()?;
        }
        // SAFETY: the slot at the head holds a value, and it is this end's.
        unsafe {
            let (first, _) = self.slots.slices(self.head, 1);
            Some(first[0].assume_init_mut())
        }
    }

    /// Moves up to `max` values to the end of `values`, and says how many.
    ///
    /// One look at the producer's index and one publication for all of them. Allocates only if
    /// `values` lacks the capacity. O(values moved).
    ///
    /// # Errors
    ///
    /// As for [`pop`](Self::pop), when there is nothing to move.
    ///
    /// ```
    /// let (mut producer, mut consumer) = pelton_queue::spsc::channel(4);
    /// producer.push_slice(&[1, 2, 3]).unwrap();
    /// let mut values = Vec::new();
    /// assert_eq!(consumer.pop_into(&mut values, 64), Ok(3));
    /// assert_eq!(values, [1, 2, 3]);
    /// ```
    #[inline]
    pub fn pop_into(&mut self, values: &mut Vec<T>, max: usize) -> Result<usize, PopError> {
        if max == 0 {
            return Ok(0);
        }
        let chunk = self.read_chunk(max)?;
        let count = chunk.len();
        values.reserve(count);
        chunk.move_into(values);
        Ok(count)
    }

    /// Lends up to `max` waiting values to be read in place; at least one.
    ///
    /// # Errors
    ///
    /// As for [`pop`](Self::pop), when nothing is there.
    ///
    /// # Panics
    ///
    /// If `max` is zero.
    #[inline]
    pub fn read_chunk(&mut self, max: usize) -> Result<ReadChunk<'_, T>, PopError> {
        assert!(max != 0, "a chunk has at least one slot");
        if self.ready() < max.min(self.capacity) {
            self.look()?;
        }
        let len = self.ready().min(max);
        Ok(ReadChunk::new(self, len))
    }

    /// How many values are waiting; the producer may make it more at any time.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring
            .tail
            .load(Ordering::Relaxed)
            .wrapping_sub(self.head)
    }

    /// True if no value is waiting.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values the ring holds at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// True once the producer is gone; values may still be waiting.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        // Relaxed: whoever drains on the strength of it goes through `tail_when_empty_slow`.
        self.ring.closed.load(Ordering::Relaxed)
    }

    /// How many values are known to be ready.
    #[inline]
    fn ready(&self) -> usize {
        self.tail.wrapping_sub(self.head)
    }

    /// Reads the producer's index; says why if there is nothing to pop.
    #[inline]
    fn look(&mut self) -> Result<(), PopError> {
        if self.patience.is_late() {
            patience::wait_slow();
            self.read_tail();
            self.patience = self.patience.judge(self.ready());
        } else {
            self.read_tail();
            self.patience.learn(self.ready());
        }
        if self.ready() == 0 {
            self.tail = self.ring.tail_when_empty_slow(self.head)?;
        }
        Ok(())
    }

    #[inline]
    fn read_tail(&mut self) {
        // ORDERING: Acquire; pairs with the Release store in `Producer::advance`: the values up to
        // there have been written.
        self.tail = self.ring.tail.load(Ordering::Acquire);
    }

    /// Gives the oldest `count` slots, which have been emptied, back to the producer.
    #[inline]
    pub(super) fn advance(&mut self, count: usize) {
        self.head = self.head.wrapping_add(count);
        // ORDERING: Release; pairs with the Acquire load in `Producer::room`: whoever sees the
        // head may overwrite the slots before it.
        self.ring.head.store(self.head, Ordering::Release);
    }

    /// The oldest `len` slots.
    ///
    /// # Safety
    ///
    /// At least `len` values are ready.
    #[inline]
    pub(super) unsafe fn slots_mut(
        &mut self,
        len: usize,
    ) -> (&mut [MaybeUninit<T>], &mut [MaybeUninit<T>]) {
        // SAFETY: ready slots are this end's, and it is borrowed mutably.
        unsafe { self.slots.slices(self.head, len) }
    }

    /// The oldest `len` slots, to be looked at.
    ///
    /// # Safety
    ///
    /// At least `len` values are ready.
    #[inline]
    pub(super) unsafe fn slots(&self, len: usize) -> (&[MaybeUninit<T>], &[MaybeUninit<T>]) {
        // SAFETY: ready slots are this end's, and nothing writes them while it is borrowed.
        unsafe { self.slots.slices_ref(self.head, len) }
    }

    /// Moves the value `offset` after the head out, without giving its slot back.
    ///
    /// # Safety
    ///
    /// At least `offset + 1` values are ready, and this one has not been moved out.
    #[inline]
    pub(super) unsafe fn read_ahead(&mut self, offset: usize) -> T {
        // SAFETY: a ready slot is this end's and holds a value.
        unsafe { self.slots.read(self.head.wrapping_add(offset)) }
    }
}

impl<T> Pop for Consumer<T> {
    type Item = T;

    #[inline]
    fn pop(&mut self) -> Result<T, PopError> {
        Self::pop(self)
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        self.ring.close();
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("capacity", &self.capacity)
            .field("ring", &*self.ring)
            .finish_non_exhaustive()
    }
}
