//! Slots lent for reading and writing in place.

use std::mem::MaybeUninit;

use super::{Consumer, Producer};

/// Free slots, to be written in place and then published together.
///
/// Dropping it publishes nothing.
///
/// ```
/// let (mut producer, mut consumer) = pelton_queue::spsc::channel(4);
/// let mut chunk = producer.write_chunk(2).unwrap();
/// let (first, second) = chunk.as_mut_slices();
/// for (slot, value) in first.iter_mut().chain(second).zip(10..) {
///     slot.write(value);
/// }
/// // SAFETY: both slots were written.
/// unsafe { chunk.commit(2) };
/// assert_eq!(consumer.pop(), Ok(10));
/// ```
#[derive(Debug)]
#[must_use = "a chunk that is dropped publishes nothing"]
pub struct WriteChunk<'a, T> {
    producer: &'a mut Producer<T>,
    /// At least one, at most the room there is.
    len: usize,
}

impl<'a, T> WriteChunk<'a, T> {
    /// The caller has made sure that there is room for `len` values.
    pub(super) fn new(producer: &'a mut Producer<T>, len: usize) -> Self {
        Self { producer, len }
    }

    /// How many slots were lent.
    #[expect(clippy::len_without_is_empty, reason = "a chunk is never empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The slots in order: up to the end of the ring's memory, and from its start.
    #[inline]
    pub fn as_mut_slices(&mut self) -> (&mut [MaybeUninit<T>], &mut [MaybeUninit<T>]) {
        // SAFETY: whoever made the chunk saw room for `len`.
        unsafe { self.producer.slots_mut(self.len) }
    }

    /// Publishes the first `count` slots.
    ///
    /// # Panics
    ///
    /// If `count` exceeds [`len`](Self::len).
    ///
    /// # Safety
    ///
    /// The caller has written the first `count` slots.
    #[inline]
    pub unsafe fn commit(self, count: usize) {
        assert!(count <= self.len, "commit exceeds the chunk");
        self.producer.advance(count);
    }

    /// Writes what `values` yields while there are slots, publishes it, and says how many values
    /// that were. If the iterator panics, what it yielded before is published.
    pub fn fill(self, values: impl IntoIterator<Item = T>) -> usize {
        let mut written = Written {
            producer: self.producer,
            count: 0,
        };
        for value in values.into_iter().take(self.len) {
            // SAFETY: `count < len`, and there is room for `len`.
            unsafe { written.producer.write_ahead(written.count, value) };
            written.count += 1;
        }
        written.count
    }
}

/// Publishes what has been written when it goes, even if it goes by a panic.
struct Written<'a, T> {
    producer: &'a mut Producer<T>,
    count: usize,
}

impl<T> Drop for Written<'_, T> {
    fn drop(&mut self) {
        self.producer.advance(self.count);
    }
}

/// Waiting values, to be read in place, and then dropped or moved out.
///
/// Dropping it takes nothing: the values stay in the ring.
///
/// ```
/// let (mut producer, mut consumer) = pelton_queue::spsc::channel(4);
/// producer.push_slice(&[1, 2, 3]).unwrap();
/// let chunk = consumer.read_chunk(2).unwrap();
/// let (first, second) = chunk.as_slices();
/// assert_eq!(first.iter().chain(second).sum::<i32>(), 3);
/// chunk.commit(2);
/// assert_eq!(consumer.pop(), Ok(3));
/// ```
#[derive(Debug)]
pub struct ReadChunk<'a, T> {
    consumer: &'a mut Consumer<T>,
    /// At least one, at most what is ready.
    len: usize,
}

impl<'a, T> ReadChunk<'a, T> {
    /// The caller has made sure that `len` values are ready.
    pub(super) fn new(consumer: &'a mut Consumer<T>, len: usize) -> Self {
        Self { consumer, len }
    }

    /// How many values were lent.
    #[expect(clippy::len_without_is_empty, reason = "a chunk is never empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The values in order: up to the end of the ring's memory, and from its start.
    #[inline]
    #[must_use]
    pub fn as_slices(&self) -> (&[T], &[T]) {
        // SAFETY: `len` values are ready, so their slots are initialized.
        unsafe {
            let (first, second) = self.consumer.slots(self.len);
            (first.assume_init_ref(), second.assume_init_ref())
        }
    }

    /// The values in order, to be changed in place.
    #[inline]
    pub fn as_mut_slices(&mut self) -> (&mut [T], &mut [T]) {
        // SAFETY: `len` values are ready, so their slots are initialized.
        unsafe {
            let (first, second) = self.consumer.slots_mut(self.len);
            (first.assume_init_mut(), second.assume_init_mut())
        }
    }

    /// Drops the first `count` values and gives their slots back. If dropping one panics, the
    /// others are dropped all the same and the slots given back.
    ///
    /// # Panics
    ///
    /// If `count` exceeds [`len`](Self::len).
    #[inline]
    pub fn commit(self, count: usize) {
        assert!(count <= self.len, "commit exceeds the chunk");
        // SAFETY: `count` values are ready; their slots are given back right after.
        let (first, second) = unsafe { self.consumer.slots_mut(count) };
        let (first, second): (*mut _, *mut _) = (first, second);
        let _given_back = Taken {
            consumer: self.consumer,
            count,
        };
        let _second = DropSlice(second);
        let _first = DropSlice(first);
    }

    /// Moves all values to the end of `values`, which has the capacity.
    #[inline]
    pub(super) fn move_into(self, values: &mut Vec<T>) {
        let spare = values.spare_capacity_mut();
        assert!(self.len <= spare.len(), "the vector was not grown");
        // SAFETY: `len` values are ready and there is room for them; the slots are given back
        // right after, so each value has one owner.
        unsafe {
            let (first, second) = self.consumer.slots_mut(self.len);
            let target = spare.as_mut_ptr();
            target.copy_from_nonoverlapping(first.as_ptr(), first.len());
            target
                .add(first.len())
                .copy_from_nonoverlapping(second.as_ptr(), second.len());
            values.set_len(values.len() + self.len);
        }
        self.consumer.advance(self.len);
    }
}

impl<'a, T> IntoIterator for ReadChunk<'a, T> {
    type Item = T;
    type IntoIter = ReadChunkIter<'a, T>;

    fn into_iter(self) -> ReadChunkIter<'a, T> {
        ReadChunkIter {
            taken: Taken {
                consumer: self.consumer,
                count: 0,
            },
            len: self.len,
        }
    }
}

/// Moves the values of a [`ReadChunk`] out, one by one.
///
/// The slots of what was taken are given back together when it is dropped; the rest stays in the
/// ring.
#[derive(Debug)]
pub struct ReadChunkIter<'a, T> {
    /// Its count is in range `0..=len`.
    taken: Taken<'a, T>,
    len: usize,
}

impl<T> Iterator for ReadChunkIter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        if self.taken.count == self.len {
            return None;
        }
        // SAFETY: `count < len`, `len` values are ready, and each offset is read once.
        let value = unsafe { self.taken.consumer.read_ahead(self.taken.count) };
        self.taken.count += 1;
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.len - self.taken.count;
        (left, Some(left))
    }
}

impl<T> ExactSizeIterator for ReadChunkIter<'_, T> {}

/// Gives the slots of what has been taken back when it goes, even if it goes by a panic.
#[derive(Debug)]
struct Taken<'a, T> {
    consumer: &'a mut Consumer<T>,
    count: usize,
}

impl<T> Drop for Taken<'_, T> {
    fn drop(&mut self) {
        self.consumer.advance(self.count);
    }
}

/// Owns the values of a slice of slots, to drop them when it goes.
pub(super) struct DropSlice<T>(pub(super) *mut [MaybeUninit<T>]);

impl<T> Drop for DropSlice<T> {
    fn drop(&mut self) {
        // SAFETY: whoever made this hands over initialized values that nobody else will touch.
        unsafe { (self.0 as *mut [T]).drop_in_place() }
    }
}
