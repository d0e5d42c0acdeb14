//! One file of a spool.
//!
//! # Layout
//!
//! Numbers are little-endian. A segment is called after the number of its first entry, with twenty
//! digits: `00000000000000000042.spool`. It begins with
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `PELTONSP` |
//! | 4 | version, 1 |
//! | 8 | number of the first entry |
//! | 4 | CRC-32 (IEEE) of the bytes before |
//!
//! and goes on with entries:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | CRC-32 (IEEE) of the entry's other bytes |
//! | 4 | length of the note |
//! | 4 | length of the body |
//! | 8 | the entry's number, one more than that before |
//! | | the note |
//! | | the body |

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use super::super::layout::{Reader, Writer};
use super::Entry;

const MAGIC: &[u8; 8] = b"PELTONSP";
const VERSION: u32 = 1;
/// Bytes before the first entry.
pub(super) const HEAD_BYTES: u64 = 24;
/// Bytes of an entry before its note.
const ENTRY_BYTES: usize = 20;
/// Bytes of the checksum at its beginning.
const SUM_BYTES: usize = 4;
/// Bytes that a reader asks for at once.
const READ_BYTES: usize = 64 << 10;
const EXTENSION: &str = "spool";

/// A file, and which entries are in it.
#[derive(Debug)]
pub(super) struct Segment {
    pub path: PathBuf,
    /// Number of its first entry.
    pub first: u64,
    /// Number of the entry behind its last.
    pub end: u64,
    pub bytes: u64,
}

impl Segment {
    /// Makes an empty one, to begin with entry `first`.
    pub(super) fn create(folder: &Path, first: u64) -> io::Result<(Self, File)> {
        let path = folder.join(format!("{first:020}.{EXTENSION}"));
        let mut file = File::create(&path)?;
        file.write_all(
            &Writer::default()
                .raw(MAGIC)
                .u32(VERSION)
                .u64(first)
                .sealed(),
        )?;
        drop(file);
        let segment = Self {
            first,
            end: first,
            bytes: HEAD_BYTES,
            path,
        };
        let file = segment.append_to()?;
        Ok((segment, file))
    }

    /// Reads the segment at `path`: as far as it is whole, which may be not at all.
    pub(super) fn scan(path: &Path) -> io::Result<Option<Self>> {
        let length = path.metadata()?.len();
        let mut reader = SegmentReader::open(path)?;
        let Some(first) = reader.first else {
            return Ok(None);
        };
        let mut segment = Self {
            path: path.to_owned(),
            first,
            end: first,
            bytes: HEAD_BYTES,
        };
        while let Some(entry) = reader.read(segment.end, length - segment.bytes)? {
            segment.end += 1;
            segment.bytes += entry.bytes();
        }
        Ok(Some(segment))
    }

    pub(super) fn append_to(&self) -> io::Result<File> {
        OpenOptions::new().append(true).open(&self.path)
    }
}

impl Entry {
    /// Bytes on the disk.
    pub(super) const fn bytes(&self) -> u64 {
        encoded_bytes(self.note.len(), self.body.len())
    }
}

/// Bytes that an entry takes on the disk.
pub(super) const fn encoded_bytes(note: usize, body: usize) -> u64 {
    (ENTRY_BYTES + note + body) as u64
}

/// Lays an entry down in `out`, in place of what is there.
pub(super) fn encode(number: u64, note: &[u8], body: &[u8], out: &mut Vec<u8>) {
    let mut head = Writer::default();
    head.u32(0).count(note.len()).count(body.len()).u64(number);
    out.clear();
    out.extend_from_slice(head.bytes());
    out.extend_from_slice(note);
    out.extend_from_slice(body);
    let sum = crc32fast::hash(&out[SUM_BYTES..]);
    out[..SUM_BYTES].copy_from_slice(&sum.to_le_bytes());
}

/// The number in the name of a segment.
pub(super) fn number_of(path: &Path) -> Option<u64> {
    let spool = path
        .extension()
        .is_some_and(|extension| extension == EXTENSION);
    let digits = path.file_stem()?.to_str()?;
    spool.then(|| digits.parse().ok()).flatten()
}

/// Reads one entry after the other.
#[derive(Debug)]
pub(super) struct SegmentReader {
    file: BufReader<File>,
    /// By its head; `None` when that is not one.
    pub first: Option<u64>,
}

impl SegmentReader {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = BufReader::with_capacity(READ_BYTES, File::open(path)?);
        let mut head = [0; HEAD_BYTES as usize];
        let first = match file.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            read => {
                read?;
                first_of(&head)
            }
        };
        Ok(Self { file, first })
    }

    /// The next entry, when it is whole, has this number, and fits into the bytes that are left.
    pub(super) fn read(&mut self, number: u64, left: u64) -> io::Result<Option<Entry>> {
        let mut head = [0; ENTRY_BYTES];
        if left < ENTRY_BYTES as u64 {
            return Ok(None);
        }
        self.file.read_exact(&mut head)?;
        let field = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| head[at + byte]));
        let (note, body) = (field(4) as usize, field(8) as usize);
        if encoded_bytes(note, body) > left {
            return Ok(None);
        }
        let mut entry = Entry {
            number,
            note: vec![0; note],
            body: vec![0; body],
        };
        self.file.read_exact(&mut entry.note)?;
        self.file.read_exact(&mut entry.body)?;
        let mut sum = crc32fast::Hasher::new();
        sum.update(&head[SUM_BYTES..]);
        sum.update(&entry.note);
        sum.update(&entry.body);
        let numbered = head[12..] == number.to_le_bytes();
        Ok((numbered && sum.finalize() == field(0)).then_some(entry))
    }
}

fn first_of(head: &[u8]) -> Option<u64> {
    let mut from = Reader::unsealed(head)?;
    let known = from.raw(MAGIC.len())? == MAGIC && from.u32()? == VERSION;
    let first = from.u64()?;
    known.then_some(first)
}
