//! The memory of the single-producer ring: values side by side, and a watch over each.

use std::alloc::{self, Layout};
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::slice;

use crate::sync::{CachePadded, UnsafeCell};

/// A run of slots in the order of the ring: the part before the end of its memory, then the part
/// from the start.
type Halves<'a, T> = (&'a mut [MaybeUninit<T>], &'a mut [MaybeUninit<T>]);

/// A power of two of slots, owned by whoever the protocol above says at any time.
///
/// Each end keeps a copy, so that where the slots lie is known without a look at shared memory;
/// the ring keeps one too, and [`free`](Self::free)s the memory.
///
/// The values lie in one plain array, so that chunks of them are slices. A model needs to see each
/// access, which a slice hides; so each slot has a watch, a cell of nothing, that is opened with
/// the slot. In life watches have no size and cost nothing.
pub(crate) struct Slots<T> {
    /// Allocated with the [`layout`] of [`count`](Self::count) values.
    values: NonNull<MaybeUninit<T>>,
    /// As many.
    watches: NonNull<UnsafeCell<()>>,
    /// One less than a power of two.
    mask: usize,
}

impl<T> Clone for Slots<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Slots<T> {}

// SAFETY: a copy reaches values only through the unsafe methods below, whose callers owe that the
// slot is theirs; a value then only travels between threads.
unsafe impl<T: Send> Send for Slots<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Slots<T> {}

impl<T> Slots<T> {
    /// Allocates `capacity` rounded up to a power of two.
    ///
    /// # Panics
    ///
    /// If the memory would exceed the address space.
    pub(crate) fn new(capacity: usize) -> Self {
        let count = capacity
            .checked_next_power_of_two()
            .expect("capacity exceeds the address space");
        let values = allocate(layout::<T>(count));
        let watches: Box<[_]> = (0..count).map(|_| UnsafeCell::new(())).collect();
        Self {
            values,
            watches: NonNull::from(Box::leak(watches)).cast(),
            mask: count - 1,
        }
    }

    /// Gives the memory back; the values in it are the owner's business.
    ///
    /// # Safety
    ///
    /// No copy is used any more.
    pub(crate) unsafe fn free(self) {
        let watches = NonNull::slice_from_raw_parts(self.watches, self.count());
        // SAFETY: leaked in `new`, and freed once.
        drop(unsafe { Box::from_raw(watches.as_ptr()) });
        let layout = layout::<T>(self.count());
        if layout.size() != 0 {
            // SAFETY: allocated in `new` with this layout.
            unsafe { alloc::dealloc(self.values.as_ptr().cast(), layout) }
        }
    }

    /// Number of slots, a power of two.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.mask + 1
    }

    #[inline]
    fn slot(&self, position: usize) -> *mut MaybeUninit<T> {
        // SAFETY: the masked position is below the number of values allocated.
        unsafe { self.values.as_ptr().add(position & self.mask) }
    }

    /// Moves `value` into the slot of `position`.
    ///
    /// # Safety
    ///
    /// The caller owns the slot, and it holds no value.
    #[inline]
    pub(crate) unsafe fn write(&self, position: usize, value: T) {
        self.watch(position, 1);
        // SAFETY: the caller owns the slot.
        unsafe { self.slot(position).write(MaybeUninit::new(value)) }
    }

    /// Moves the value out of the slot of `position`.
    ///
    /// # Safety
    ///
    /// The caller owns the slot, and it holds a value, which it does no more afterwards.
    #[inline]
    pub(crate) unsafe fn read(&self, position: usize) -> T {
        self.watch(position, 1);
        // SAFETY: the caller owns the slot, which holds a value.
        unsafe { self.slot(position).read().assume_init() }
    }

    /// The `len` slots from `position` on, as the part before the end of the array and the part
    /// from its start.
    ///
    /// # Safety
    ///
    /// The caller owns these slots as long as the slices live; `len` is at most [`Self::count`].
    #[inline]
    pub(crate) unsafe fn slices(&self, position: usize, len: usize) -> Halves<'_, T> {
        self.watch(position, len);
        let first = self.before_end(position, len);
        // SAFETY: both ranges lie within the array, do not overlap, and the caller owns them.
        unsafe {
            (
                slice::from_raw_parts_mut(self.slot(position), first),
                slice::from_raw_parts_mut(self.values.as_ptr(), len - first),
            )
        }
    }

    /// As [`slices`](Self::slices), to be looked at.
    ///
    /// # Safety
    ///
    /// Nobody writes these slots as long as the slices live; `len` is at most [`Self::count`].
    #[inline]
    pub(crate) unsafe fn slices_ref(
        &self,
        position: usize,
        len: usize,
    ) -> (&[MaybeUninit<T>], &[MaybeUninit<T>]) {
        self.watch(position, len);
        let first = self.before_end(position, len);
        // SAFETY: both ranges lie within the array, and nobody writes them.
        unsafe {
            (
                slice::from_raw_parts(self.slot(position), first),
                slice::from_raw_parts(self.values.as_ptr(), len - first),
            )
        }
    }

    #[inline]
    fn before_end(&self, position: usize, len: usize) -> usize {
        len.min(self.count() - (position & self.mask))
    }

    /// Tells a model that the `len` slots from `position` on are touched now.
    #[inline(always)]
    fn watch(&self, position: usize, len: usize) {
        // A plain loop over nothing in life: the watches are zero-sized.
        if size_of::<UnsafeCell<()>>() != 0 {
            for offset in 0..len {
                let index = position.wrapping_add(offset) & self.mask;
                // SAFETY: masked, so below the number of watches.
                unsafe { self.watches.add(index).as_ref() }.with_mut(|_| ());
            }
        }
    }
}

/// The memory of `count` values, on lines of its own: no neighbour shares the first or last one,
/// and values as large as a line do not straddle two.
fn layout<T>(count: usize) -> Layout {
    Layout::array::<T>(count)
        .and_then(|array| array.align_to(align_of::<CachePadded<u8>>()))
        .expect("capacity exceeds the address space")
}

fn allocate<T>(layout: Layout) -> NonNull<T> {
    if layout.size() == 0 {
        return NonNull::dangling();
    }
    // SAFETY: the layout is not of size zero.
    let memory = unsafe { alloc::alloc(layout) };
    NonNull::new(memory.cast()).unwrap_or_else(|| alloc::handle_alloc_error(layout))
}
