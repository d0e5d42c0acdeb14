//! A run of bytes that holds whole records.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Bytes shared by everyone who still needs them, and given back to their owner after the last.
///
/// The owner is anything that lends bytes: a leased pool buffer, a window of a memory map, a
/// vector. Cloning costs one atomic increment.
///
/// ```
/// let block = pelton_record::Block::new(b"a,b\n1,2\n".to_vec());
/// assert_eq!(&block[4..], b"1,2\n");
/// ```
#[derive(Clone)]
pub struct Block {
    owner: Arc<dyn AsRef<[u8]> + Send + Sync>,
}

impl Block {
    /// Shares the bytes of `owner`.
    ///
    /// # Panics
    ///
    /// When the bytes are 4 GiB or more: positions in a block are 32 bits wide.
    pub fn new(owner: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        let length = owner.as_ref().len();
        assert!(
            u32::try_from(length).is_ok(),
            "a block is shorter than 4 GiB, not {length} bytes"
        );
        Self {
            owner: Arc::new(owner),
        }
    }

    /// The bytes. One virtual call: ask once a batch, not once a row.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        (*self.owner).as_ref()
    }
}

impl Default for Block {
    fn default() -> Self {
        Self::new([])
    }
}

impl Deref for Block {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes()
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block")
            .field("len", &self.bytes().len())
            .finish()
    }
}
