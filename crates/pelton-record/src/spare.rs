//! Memory of columns that are gone, for columns to come.
//!
//! Every block makes columns of about the same sizes as the one before. What a column held when it
//! is dropped stays with the thread, and the next column of such values takes it up, so that work
//! on block after block allocates nothing.
//!
//! A thread keeps at most 32 spares of a type, of 8 MiB together and
//! none of more than 2 MiB; they are freed when it ends.

use std::cell::RefCell;

use crate::{Bitmap, Column, View};

/// So many spares of a type are kept by a thread.
const KEPT_MAX: usize = 32;
/// They take no more than this together: a block makes columns of a few megabytes.
const SHELF_BYTES_MAX: usize = 8 << 20;
/// A spare of fewer bytes is not worth its place.
const BYTES_MIN: usize = 64;
/// A larger one is no block's: memory of a whole input's size goes back at once.
const BYTES_MAX: usize = 2 << 20;

/// The spares of one type on one thread.
pub type Shelf<T> = RefCell<Vec<Vec<T>>>;

/// What a batch is made of: numbers, views, words of bits, bytes, columns.
pub trait Part: Clone + 'static {
    /// Lends `work` the thread's spares of this type; `None` when the thread is ending.
    fn with_shelf<R>(work: impl FnOnce(&Shelf<Self>) -> R) -> Option<R>;
}

macro_rules! parts {
    ($($type:ty),*) => {$(
        impl Part for $type {
            fn with_shelf<R>(work: impl FnOnce(&Shelf<Self>) -> R) -> Option<R> {
                thread_local! {
                    static SHELF: Shelf<$type> = const { RefCell::new(Vec::new()) };
                }
                SHELF.try_with(work).ok()
            }
        }
    )*};
}

parts!(bool, u8, u32, i64, f64, i128, u64, View, Column);

/// An empty `Vec` with room for `capacity` values: a spare one of this thread's, or a new one.
///
/// ```
/// use pelton_record::spare;
///
/// let mut values = spare::take(1000);
/// values.extend(0..1000_i64);
/// let place = values.as_ptr();
/// spare::give(values);
/// assert_eq!(spare::take::<i64>(990).as_ptr(), place);
/// ```
#[must_use]
pub fn take<T: Part>(capacity: usize) -> Vec<T> {
    let fitting = |shelf: &Shelf<T>| {
        let mut spares = shelf.borrow_mut();
        let fits = |&index: &usize| capacity <= spares[index].capacity();
        // The last one given is the likeliest to be in a cache still.
        let latest_first = (0..spares.len()).rev().filter(fits);
        let best = latest_first.min_by_key(|&index| spares[index].capacity().checked_ilog2());
        best.map(|index| spares.remove(index))
    };
    let spare = T::with_shelf(fitting).flatten();
    // With some room to grow: the next block has a few rows more.
    spare.unwrap_or_else(|| Vec::with_capacity(capacity + capacity / 8))
}

/// The values of `iterator` in a `Vec` from [`take`].
pub fn collect<T: Part>(iterator: impl Iterator<Item = T>) -> Vec<T> {
    let mut values = take(iterator.size_hint().0);
    values.extend(iterator);
    values
}

/// The values of `slice` in a `Vec` from [`take`].
#[must_use]
pub fn copy<T: Part>(slice: &[T]) -> Vec<T> {
    let mut values = take(slice.len());
    values.extend_from_slice(slice);
    values
}

/// `length` times `value` in a `Vec` from [`take`].
#[must_use]
pub fn filled<T: Part>(length: usize, value: T) -> Vec<T> {
    let mut values = take(length);
    values.resize(length, value);
    values
}

/// The answers `values` as bits; their memory is kept.
#[must_use]
pub fn bits(values: Vec<bool>) -> Bitmap {
    let bits = values.iter().copied().collect();
    give(values);
    bits
}

/// Keeps the memory of `values` for a later [`take`] on this thread, if it is of a size that comes
/// again.
pub fn give<T: Part>(mut values: Vec<T>) {
    let bytes = values.capacity() * size_of::<T>();
    if !(BYTES_MIN..=BYTES_MAX).contains(&bytes) {
        return;
    }
    values.clear();
    // A thread that ends keeps nothing.
    T::with_shelf(|shelf| {
        let mut spares = shelf.borrow_mut();
        let held: usize = spares.iter().map(Vec::capacity).sum();
        let fits = (held + values.capacity()) * size_of::<T>() <= SHELF_BYTES_MAX;
        if spares.len() < KEPT_MAX && fits {
            spares.push(values);
        }
    });
}

/// Values whose memory is kept when they are dropped.
#[derive(Debug)]
pub(crate) struct Kept<T: Part>(pub(crate) Vec<T>);

impl<T: Part> Default for Kept<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Part> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self(copy(&self.0))
    }
}

impl<T: Part> Drop for Kept<T> {
    fn drop(&mut self) {
        give(std::mem::take(&mut self.0));
    }
}
