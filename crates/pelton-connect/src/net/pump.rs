//! Reading from what blocks, one piece at a time.

use std::io::{self, Read};

use super::feed::{Feed, Refused};

/// Why a reader is read no further.
#[derive(Debug)]
pub(super) enum Halt {
    /// Reading failed.
    Broken,
    /// Nothing more is taken.
    Refused,
}

impl From<io::Error> for Halt {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

impl From<Refused> for Halt {
    fn from(_: Refused) -> Self {
        Self::Refused
    }
}

/// Reads once and feeds what that gave: how many bytes, none at the end. `last_read` is what the
/// read before gave.
pub(super) async fn read_piece(
    reader: &mut (impl Read + Send),
    feed: &mut Feed,
    last_read: usize,
) -> Result<usize, Halt> {
    if feed.wants_room(last_read) {
        let mut buffer = feed.room().await.map_err(Refused::from)?;
        let read = read(reader, buffer.spare_mut())?;
        buffer.advance(read);
        if read > 0 {
            feed.push(buffer).await?;
        }
        return Ok(read);
    }
    let read = read_more(reader, feed.growth())?;
    feed.push_grown().await?;
    Ok(read)
}

/// Reads into the room behind `bytes`, which they grow by.
fn read_more(reader: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<usize> {
    let before = bytes.len();
    bytes.resize(bytes.capacity(), 0);
    let outcome = read(reader, &mut bytes[before..]);
    bytes.truncate(before + outcome.as_ref().copied().unwrap_or_default());
    outcome
}

fn read(reader: &mut impl Read, room: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(room) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}
