//! What a source is, and what it brings.

use std::io::{self, Read};

use pelton_record::{Block, Origin};

use crate::{Compression, Error, Io};

/// What a chunk's block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Whole records.
    Records,
    /// The beginning of one record that is longer than the limit.
    TooLarge {
        /// The record's length in bytes, without its line end.
        bytes: u64,
    },
}

/// A block and where it comes from.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// The bytes.
    pub block: Block,
    /// Where they stood; sequence numbers count chunks without gaps.
    pub origin: Origin,
    /// What they are.
    pub content: Content,
    /// Input bytes used up by this chunk, and by a header before it.
    pub consumed: u64,
}

/// Brings blocks of whole records, numbered in order.
pub trait Source: Send {
    /// The next chunk, or `None` at the end.
    ///
    /// # Errors
    ///
    /// When reading fails, an input is not of the format, or there is no memory for a block.
    fn next_chunk(&mut self) -> Result<Option<Chunk>, Error>;

    /// The name of input number `source`.
    fn input_name(&self, source: u32) -> &str;

    /// Bytes to read in all, when that is known.
    fn size(&self) -> Option<u64>;
}

/// How to read.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    /// Bytes of a block, unless a single record needs more.
    pub block_bytes: usize,
    /// The longest record; a longer one comes as [`Content::TooLarge`].
    pub record_bytes_max: usize,
    /// How inputs are compressed.
    pub compression: Compression,
    /// How the bytes of files come into memory.
    pub io: Io,
}

impl Default for ReadOptions {
    /// Blocks of 1 MiB, records of at most 1 MiB, compressed or not, read.
    fn default() -> Self {
        Self {
            block_bytes: 1 << 20,
            record_bytes_max: 1 << 20,
            compression: Compression::Auto,
            io: Io::Auto,
        }
    }
}

/// Reads until `room` is full or there is no more.
pub(crate) fn fill(reader: &mut dyn Read, room: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < room.len() {
        match reader.read(&mut room[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
