//! A stack of fixed size: what is left of a `Vec` when it never grows.

use std::mem::MaybeUninit;
use std::ptr;

/// Up to `N` items in place. Push and pop are a store or a load beside the length, without the
/// second check of the capacity that growing would need.
pub(crate) struct Stack<T, const N: usize> {
    /// In range `0..=N`; items below are initialised and owned.
    len: usize,
    items: Box<[MaybeUninit<T>; N]>,
}

impl<T, const N: usize> Stack<T, N> {
    pub(crate) fn new() -> Self {
        Self {
            len: 0,
            items: Box::new([const { MaybeUninit::uninit() }; N]),
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The newest item.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        let len = self.len.checked_sub(1)?;
        self.len = len;
        // SAFETY: `len` was below the old length, so the item is initialised and within the array;
        // with the new length nobody owns it but the caller.
        Some(unsafe { self.items.get_unchecked(len).assume_init_read() })
    }

    /// Lays `item` on top; gives it back when full.
    #[inline]
    pub(crate) fn push(&mut self, item: T) -> Result<(), T> {
        let Some(slot) = self.items.get_mut(self.len) else {
            return Err(item);
        };
        slot.write(item);
        self.len += 1;
        Ok(())
    }

    /// Moves the newest `count` items of `from` to the top, in order, or as many as there are and
    /// fit.
    pub(crate) fn load(&mut self, count: usize, from: &mut Vec<T>) {
        let count = count.min(from.len()).min(N - self.len);
        let rest = from.len() - count;
        let items = self.items.as_mut_ptr().cast::<T>();
        // SAFETY: the items of `from` behind `rest` are initialised, the array has room for them
        // behind its length, and the two do not overlap. Each item has one owner again once both
        // lengths are set.
        unsafe {
            from.set_len(rest);
            ptr::copy_nonoverlapping(from.as_ptr().add(rest), items.add(self.len), count);
        }
        self.len += count;
    }

    /// Takes the oldest `count` items out, in order, or as many as there are.
    pub(crate) fn take_oldest(&mut self, count: usize, into: &mut Vec<T>) {
        let count = count.min(self.len);
        into.reserve(count);
        let rest = self.len - count;
        let items = self.items.as_mut_ptr().cast::<T>();
        // SAFETY: the first `count` items are initialised, `into` has room for them behind its
        // length, and the two do not overlap; what stays is moved down over what has left, within
        // the array. Each item has one owner again once both lengths are set.
        unsafe {
            ptr::copy_nonoverlapping(items, into.as_mut_ptr().add(into.len()), count);
            into.set_len(into.len() + count);
            ptr::copy(items.add(count), items, rest);
        }
        self.len = rest;
    }
}

impl<T, const N: usize> Drop for Stack<T, N> {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}
