//! The pushing end.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

use super::chunk::WriteChunk;
use super::{Hold, Ring, START};
use crate::end::Push;
use crate::error::PushError;
use crate::slots::Slots;
use crate::sync::{Arc, Ordering};

/// The end that pushes. Dropping it closes the ring: the consumer drains what is left.
///
/// `Send`, not `Sync`, not `Clone`: there is one producer, and the type says so.
pub struct Producer<T> {
    ring: Hold<T>,
    slots: Slots<T>,
    /// Equal to `ring.tail`, which only this end writes.
    tail: usize,
    /// Where there is no room any more: a copy of `ring.head`, at worst too small, and `capacity`.
    limit: usize,
    capacity: usize,
    /// A `Cell` may move between threads but not be shared, and so may this end.
    _not_sync: PhantomData<Cell<()>>,
}

impl<T> Producer<T> {
    pub(super) fn new(ring: Arc<Ring<T>>, capacity: usize) -> Self {
        Self {
            slots: ring.slots,
            ring: Hold::new(ring),
            tail: START,
            limit: START.wrapping_add(capacity),
            capacity,
            _not_sync: PhantomData,
        }
    }

    /// Puts `value` in. Constant time; reads the consumer's index only when the ring looks full.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`] when [`capacity`](Self::capacity) values are waiting, or
    /// [`PushError::Closed`] when the consumer is gone; both give `value` back.
    ///
    /// ```
    /// use pelton_queue::{PushError, spsc};
    ///
    /// let (mut producer, consumer) = spsc::channel(1);
    /// assert_eq!(producer.push(1), Ok(()));
    /// assert_eq!(producer.push(2), Err(PushError::Full(2)));
    /// drop(consumer);
    /// assert_eq!(producer.push(3), Err(PushError::Closed(3)));
    /// ```
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), PushError<T>> {
        if self.is_closed() {
            return Err(PushError::Closed(value));
        }
        if self.room_cached() == 0 && self.room() == 0 {
            return Err(PushError::Full(value));
        }
        // SAFETY: there is room, so the slot at the tail is empty and this end's.
        unsafe { self.slots.write(self.tail, value) };
        self.advance(1);
        Ok(())
    }

    /// Puts in as many of `values` as there is room for, from the first on, and says how many.
    ///
    /// One publication for all of them: the consumer sees none or all. O(values pushed).
    ///
    /// # Errors
    ///
    /// [`PushError::Full`] when not one of several fits, [`PushError::Closed`] when the consumer
    /// is gone.
    ///
    /// ```
    /// let (mut producer, mut consumer) = pelton_queue::spsc::channel(3);
    /// assert_eq!(producer.push_slice(&[1, 2, 3, 4]), Ok(3));
    /// assert_eq!(consumer.pop(), Ok(1));
    /// ```
    #[inline]
    pub fn push_slice(&mut self, values: &[T]) -> Result<usize, PushError>
    where
        T: Copy,
    {
        if values.is_empty() {
            return self.nothing_to_push();
        }
        let mut chunk = self.write_chunk(values.len())?;
        let count = chunk.len();
        let (first, second) = chunk.as_mut_slices();
        let (left, right) = values[..count].split_at(first.len());
        first.write_copy_of_slice(left);
        second.write_copy_of_slice(right);
        // SAFETY: all `count` slots were written just now.
        unsafe { chunk.commit(count) };
        Ok(count)
    }

    /// Puts in what `values` yields while there is room, and says how many that were.
    ///
    /// Takes from the iterator only what fits, so `values.by_ref()` keeps the rest. One publication
    /// for all of them. If the iterator panics, what it yielded before is in.
    ///
    /// # Errors
    ///
    /// As for [`push_slice`](Self::push_slice); the iterator is then untouched.
    ///
    /// ```
    /// let (mut producer, mut consumer) = pelton_queue::spsc::channel(4);
    /// let mut words = "to be or not to be".split(' ').map(String::from);
    /// assert_eq!(producer.push_iter(words.by_ref()), Ok(4));
    /// assert_eq!(words.next().as_deref(), Some("to"));
    /// ```
    pub fn push_iter(&mut self, values: impl IntoIterator<Item = T>) -> Result<usize, PushError> {
        let values = values.into_iter();
        if values.size_hint().1 == Some(0) {
            return self.nothing_to_push();
        }
        Ok(self.write_chunk(usize::MAX)?.fill(values))
    }

    /// Lends up to `max` free slots to be written in place; at least one.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`] when no slot is free, [`PushError::Closed`] when the consumer is gone.
    ///
    /// # Panics
    ///
    /// If `max` is zero.
    #[inline]
    pub fn write_chunk(&mut self, max: usize) -> Result<WriteChunk<'_, T>, PushError> {
        assert!(max != 0, "a chunk has at least one slot");
        if self.is_closed() {
            return Err(PushError::Closed(()));
        }
        let mut room = self.room_cached();
        if room < max.min(self.capacity) {
            room = self.room();
        }
        if room == 0 {
            return Err(PushError::Full(()));
        }
        Ok(WriteChunk::new(self, room.min(max)))
    }

    /// How many values a push could place now; the consumer may make it more at any time.
    #[inline]
    pub fn room(&mut self) -> usize {
        // ORDERING: Acquire; pairs with the Release store in `Consumer::advance`: the values up to
        // there have been moved out.
        let head = self.ring.head.load(Ordering::Acquire);
        self.limit = head.wrapping_add(self.capacity);
        self.room_cached()
    }

    /// How many values are waiting; the consumer may make it fewer at any time.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tail
            .wrapping_sub(self.ring.head.load(Ordering::Relaxed))
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

    /// True once the consumer is gone.
    #[inline]
    #[must_use]
    pub fn is_closed(&self) -> bool {
        // Relaxed: nothing is read on the strength of it, and the memory lives as long as an end.
        self.ring.closed.load(Ordering::Relaxed)
    }

    #[inline]
    fn room_cached(&self) -> usize {
        self.limit.wrapping_sub(self.tail)
    }

    fn nothing_to_push(&self) -> Result<usize, PushError> {
        if self.is_closed() {
            return Err(PushError::Closed(()));
        }
        Ok(0)
    }

    /// Publishes the next `count` values, which have been written.
    #[inline]
    pub(super) fn advance(&mut self, count: usize) {
        self.tail = self.tail.wrapping_add(count);
        // ORDERING: Release; pairs with the Acquire load in `Consumer::read_tail`: whoever sees the
        // tail sees the values.
        self.ring.tail.store(self.tail, Ordering::Release);
    }

    /// The next `len` slots.
    ///
    /// # Safety
    ///
    /// There is room for `len` values.
    #[inline]
    pub(super) unsafe fn slots_mut(
        &mut self,
        len: usize,
    ) -> (&mut [MaybeUninit<T>], &mut [MaybeUninit<T>]) {
        // SAFETY: with that much room, the slots from the tail on are this end's.
        unsafe { self.slots.slices(self.tail, len) }
    }

    /// Writes `value` into the slot `offset` after the tail, without publishing it.
    ///
    /// # Safety
    ///
    /// There is room for `offset + 1` values.
    #[inline]
    pub(super) unsafe fn write_ahead(&mut self, offset: usize, value: T) {
        // SAFETY: with that much room, the slot is this end's and empty.
        unsafe { self.slots.write(self.tail.wrapping_add(offset), value) };
    }
}

impl<T> Push for Producer<T> {
    type Item = T;

    #[inline]
    fn push(&mut self, value: T) -> Result<(), PushError<T>> {
        Self::push(self, value)
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        self.ring.close();
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("capacity", &self.capacity)
            .field("ring", &*self.ring)
            .finish_non_exhaustive()
    }
}
