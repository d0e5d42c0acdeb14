//! Raw memory, paid for.

use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;

use crate::buffer_pool::Core;
use crate::class::SMALLEST;
use crate::reservation::OverBudget;
use crate::sync::Arc;

/// What idle memory is filled with in debug builds, so that stale bytes are seen for what they are.
const POISON: u8 = 0xDB;

/// The usual huge page, in bytes, and the alignment of blocks that ask for it.
pub(crate) const HUGE_PAGE: usize = 2 << 20;

/// Memory of a fixed size, all of it initialised; counted by its pool for as long as it lives.
pub(crate) struct Block {
    /// `size` bytes, aligned to [`SMALLEST`], initialised, owned by this block.
    memory: NonNull<u8>,
    /// A non-zero multiple of [`SMALLEST`].
    size: usize,
    pool: Arc<Core>,
}

// SAFETY: the block owns its memory, and nothing about that is tied to a thread; the pool is
// shared between threads anyway.
unsafe impl Send for Block {}
// SAFETY: a shared block is only read.
unsafe impl Sync for Block {}

impl Block {
    /// Zeroed memory of `size` bytes, a non-zero multiple of [`SMALLEST`], paid by `pool`.
    pub(crate) fn new(pool: &Arc<Core>, size: usize) -> Result<Self, OverBudget> {
        debug_assert!(size > 0 && size.is_multiple_of(SMALLEST));
        let news = pool.pay_for(size)?;
        let Some(memory) = allocate(size, pool.alignment(size)) else {
            pool.refund(size);
            return Err(OverBudget::allocator(size as u64));
        };
        let pool = pool.clone();
        let block = Self { memory, size, pool };
        block.pool.budget().announce(news);
        Ok(block)
    }

    #[inline]
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    #[inline]
    pub(crate) fn pool(&self) -> &Arc<Core> {
        &self.pool
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: `memory` is `size` initialised bytes owned by this block, which is borrowed.
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr(), self.size) }
    }

    #[inline]
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and the block is borrowed for writing.
        unsafe { std::slice::from_raw_parts_mut(self.memory.as_ptr(), self.size) }
    }

    /// Lays the block down idle where it came from, or frees it if there is no place.
    #[inline]
    pub(crate) fn go_home(mut self) {
        if cfg!(debug_assertions) {
            self.bytes_mut().fill(POISON);
        }
        if let Some(place) = self.pool.place(self.size) {
            // SAFETY: the place is in the pool, which this block keeps alive until it is laid down.
            unsafe { place.fill(self) };
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let layout = Layout::from_size_align(self.size, self.pool.alignment(self.size));
        let layout = layout.expect("was allocated with this layout");
        // SAFETY: `memory` came from the global allocator with this layout and is freed only here.
        unsafe { dealloc(self.memory.as_ptr(), layout) };
        self.pool.refund(self.size);
    }
}

/// Zeroed memory, or nothing where the allocator has none or no layout is that large.
fn allocate(size: usize, alignment: usize) -> Option<NonNull<u8>> {
    let layout = Layout::from_size_align(size, alignment).ok()?;
    // SAFETY: the size is not zero.
    let memory = NonNull::new(unsafe { alloc(layout) })?;
    #[cfg(feature = "huge-pages")]
    if alignment == HUGE_PAGE {
        advise_huge(memory, size);
    }
    // SAFETY: the memory is `size` bytes, just allocated, and nobody else knows it.
    unsafe { memory.write_bytes(0, size) };
    Some(memory)
}

/// Asks for huge pages before the first touch decides; what the system answers does not matter.
#[cfg(feature = "huge-pages")]
fn advise_huge(memory: NonNull<u8>, size: usize) {
    #[cfg(target_os = "linux")]
    {
        use rustix::mm::{Advice, madvise};
        let whole_pages = size - size % HUGE_PAGE;
        // SAFETY: the range lies within memory that was just allocated, and this advice changes
        // only the size of the pages behind it.
        let _ = unsafe { madvise(memory.as_ptr().cast(), whole_pages, Advice::LinuxHugepage) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (memory, size);
}
