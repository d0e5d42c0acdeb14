//! How far the files of a store are good, and which positions that reaches.
//!
//! # Layout
//!
//! Numbers are little-endian; `name` is a length of 32 bits and so many bytes of UTF-8.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `PELTONCK` |
//! | 4 | version, 1 |
//! | 4 | what lies behind the lengths: 0 is to be cut off, 1 is to be kept |
//! | 4 | number of files; for each: |
//! | name | its path without its number, from the folder of the checkpoint on |
//! | 8 | its number, 0 without rotation |
//! | 8 | its length in bytes |
//! | 8 | when it was begun, in seconds since 1970 |
//! | 4 | number of streams; for each: |
//! | name | the stream's |
//! | 8 | its position |
//! | 4 | CRC-32 (IEEE) of all bytes before |
//!
//! It is written beside, as `NAME.checkpoint.new`, and renamed: what stands under its name is
//! whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::super::layout::{Reader, Writer};
use crate::stream::Positions;

const MAGIC: &[u8; 8] = b"PELTONCK";
const VERSION: u32 = 1;

/// What is done with bytes behind the lengths when a store begins again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// They are half a put with positions, which comes again: cut them off.
    Cut,
    /// They came without positions, and nobody sends them again: keep them.
    Keep,
}

/// How far one file is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub name: String,
    pub number: u64,
    pub length: u64,
    pub begun_s: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub rule: Rule,
    pub marks: Vec<Mark>,
    pub positions: Positions,
}

impl Checkpoint {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.raw(MAGIC).u32(VERSION);
        out.u32(u32::from(self.rule == Rule::Keep));
        out.count(self.marks.len());
        for mark in &self.marks {
            out.name(mark.name.as_bytes());
            out.u64(mark.number).u64(mark.length).u64(mark.begun_s);
        }
        out.count(self.positions.len());
        for (stream, position) in &self.positions {
            out.name(stream.as_bytes()).u64(*position);
        }
        out.sealed()
    }

    /// `None` when `bytes` are no checkpoint, or a damaged one.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Reader::unsealed(bytes)?;
        let known = from.raw(MAGIC.len())? == MAGIC && from.u32()? == VERSION;
        let rule = match from.u32()? {
            0 => Rule::Cut,
            _ => Rule::Keep,
        };
        let mut marks = Vec::new();
        for _ in 0..from.u32()? {
            marks.push(Mark {
                name: from.text()?,
                number: from.u64()?,
                length: from.u64()?,
                begun_s: from.u64()?,
            });
        }
        let mut positions = Positions::new();
        for _ in 0..from.u32()? {
            positions.insert(from.text()?, from.u64()?);
        }
        let checkpoint = Self {
            rule,
            marks,
            positions,
        };
        (known && from.is_at_end()).then_some(checkpoint)
    }

    /// What stands at `path`; `None` when nothing does, an error of kind `InvalidData` when that
    /// is no checkpoint.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes?,
        };
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "is damaged");
        Self::decode(&bytes).ok_or_else(damaged).map(Some)
    }

    /// Puts it under `path`, whole or not at all; forced to the disk first when `durable`.
    pub(super) fn write(&self, path: &Path, durable: bool) -> io::Result<()> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let mut file = File::create(&beside)?;
        file.write_all(&self.encode())?;
        if durable {
            file.sync_data()?;
        }
        drop(file);
        fs::rename(&beside, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Checkpoint {
        Checkpoint {
            rule: Rule::Keep,
            marks: vec![Mark {
                name: "a.csv".to_owned(),
                number: 3,
                length: 1 << 40,
                begun_s: 7,
            }],
            positions: Positions::from([("tail:/a\nb".to_owned(), u64::MAX)]),
        }
    }

    #[test]
    fn reads_what_it_wrote() {
        assert_eq!(Checkpoint::decode(&example().encode()), Some(example()));
    }

    #[test]
    fn damage_is_seen() {
        let whole = example().encode();
        for at in 0..whole.len() {
            assert_eq!(Checkpoint::decode(&whole[..at]), None, "cut at {at}");
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            assert_eq!(Checkpoint::decode(&flipped), None, "flipped at {at}");
        }
    }
}
