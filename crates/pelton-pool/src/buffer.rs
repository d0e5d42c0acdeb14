//! A byte buffer on loan.

use std::fmt;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

use crate::block::Block;
use crate::buffer_pool::Core;
use crate::reservation::OverBudget;

/// Bytes on loan from a [`BufferPool`](crate::BufferPool), with a length and a capacity like a
/// `Vec`; dropping it returns the memory to the pool, from any thread, also after every handle of
/// the pool is gone.
///
/// The memory is aligned to 64 bytes, and all of it is initialised, so that its
/// [spare](Self::spare_mut) part can be handed to `Read::read` as it is.
///
/// ```
/// use std::io::Read;
///
/// let pool = pelton_pool::BufferPool::new(pelton_pool::Budget::unlimited());
/// let mut source = &b"a line\n"[..];
/// let mut buffer = pool.lease(4096)?;
/// let read = source.read(buffer.spare_mut())?;
/// buffer.advance(read);
/// assert_eq!(&buffer[..], b"a line\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Buffer {
    /// Taken out only by `drop`.
    block: ManuallyDrop<Block>,
    /// In range `0..=block.size()`.
    len: usize,
}

impl Buffer {
    /// An empty buffer on `block`.
    #[inline]
    pub(crate) fn new(block: Block) -> Self {
        Self {
            block: ManuallyDrop::new(block),
            len: 0,
        }
    }

    /// The filled bytes.
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.block.bytes()[..self.len]
    }

    /// The filled bytes, to be changed in place.
    #[inline]
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.block.bytes_mut()[..self.len]
    }

    /// How many bytes are filled.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when no byte is filled.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many bytes fit before the buffer has to grow.
    #[inline]
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.block.size()
    }

    /// The bytes behind the filled ones: initialised, with what is not specified. Fill some, then
    /// [`advance`](Self::advance).
    #[inline]
    #[must_use]
    pub fn spare_mut(&mut self) -> &mut [u8] {
        &mut self.block.bytes_mut()[self.len..]
    }

    /// Counts the first `bytes` spare ones as filled.
    ///
    /// # Panics
    ///
    /// When fewer are spare.
    #[inline]
    pub fn advance(&mut self, bytes: usize) {
        assert!(
            bytes <= self.capacity() - self.len,
            "cannot advance beyond the capacity"
        );
        self.len += bytes;
    }

    /// Sets how many bytes count as filled; all of them are initialised.
    ///
    /// # Panics
    ///
    /// When `len` is more than the capacity.
    #[inline]
    pub fn set_len(&mut self, len: usize) {
        assert!(len <= self.capacity(), "length is beyond the capacity");
        self.len = len;
    }

    /// Forgets all but the first `len` bytes; does nothing if there are no more.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Forgets the filled bytes; the capacity stays.
    #[inline]
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Makes room for `additional` bytes behind the filled ones, by moving into a larger buffer of
    /// the same pool if need be.
    ///
    /// # Errors
    ///
    /// When the pool refuses the larger buffer; this one stays as it was.
    #[inline]
    pub fn reserve(&mut self, additional: usize) -> Result<(), OverBudget> {
        if additional <= self.capacity() - self.len {
            return Ok(());
        }
        self.grow(additional)
    }

    /// Appends `bytes`, growing if need be. Amortised O(bytes).
    ///
    /// # Errors
    ///
    /// When the pool refuses a larger buffer; nothing is appended then.
    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) -> Result<(), OverBudget> {
        self.reserve(bytes.len())?;
        self.spare_mut()[..bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
        Ok(())
    }

    /// Moves into a buffer at least twice as large, so that growing by steps stays linear even
    /// beyond the classes.
    #[cold]
    fn grow(&mut self, additional: usize) -> Result<(), OverBudget> {
        let needed = self.len.saturating_add(additional);
        let wanted = needed.max(self.capacity().saturating_mul(2));
        let pool = self.block.pool();
        let block = Core::lease(pool, wanted).or_else(|_| Core::lease(pool, needed))?;
        let mut larger = Self::new(block);
        larger.spare_mut()[..self.len].copy_from_slice(self);
        larger.len = self.len;
        *self = larger;
        Ok(())
    }
}

impl Drop for Buffer {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the buffer is going away and `block` is not touched again.
        let block = unsafe { ManuallyDrop::take(&mut self.block) };
        block.go_home();
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl DerefMut for Buffer {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        self.as_mut_slice()
    }
}

impl AsRef<[u8]> for Buffer {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// Appends, growing; a refusal by the budget is an error of kind `OutOfMemory`.
impl io::Write for Buffer {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend_from_slice(bytes)
            .map_err(|refused| io::Error::new(io::ErrorKind::OutOfMemory, refused))?;
        Ok(bytes.len())
    }

    #[inline]
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("len", &self.len)
            .field("capacity", &self.capacity())
            .finish()
    }
}
