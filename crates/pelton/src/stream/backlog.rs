//! Entries of a lane that wait on the disk.
//!
//! A queue in files that have no name any more, so that they are gone when the process is. Bytes go
//! to the disk, everything else about an entry stays in memory and is paid for. It must never give
//! entries back in another order than that in which they came, nor give up one that it took.

use std::collections::VecDeque;
use std::mem::size_of;

use pelton_pool::{Budget, Reservation};
use pelton_record::Block;
use pelton_stage::{Spill, SpillFile};

use super::inbox::{Entry, Lost};

/// Bytes after which the next file is begun; room is given back a file at a time.
const FILE_BYTES: u64 = 16 << 20;
/// What an entry takes in memory besides itself: the peer's name, say.
const BESIDES_BYTES: usize = 64;
const KEPT_BYTES: u64 = (size_of::<Waiting>() + BESIDES_BYTES) as u64;

/// Entries in the order in which they came.
#[derive(Debug)]
pub(super) struct Backlog {
    spill: Spill,
    limit_bytes: u64,
    file_bytes: u64,
    /// Oldest first, with how many bytes each has; the last one is written to.
    files: VecDeque<(SpillFile, u64)>,
    /// The number of the first file.
    first_file: u64,
    entries: VecDeque<Waiting>,
    /// In all files.
    bytes: u64,
    memory: Reservation,
    /// Nothing is taken until something has changed: the disk or the memory is full.
    failed: bool,
    /// That was said, and no write has gone well since.
    told: bool,
}

/// An entry without its bytes, and where they are.
#[derive(Debug)]
struct Waiting {
    entry: Entry,
    records: u64,
    file: u64,
    start: u64,
    bytes: usize,
}

impl Backlog {
    /// At most `limit_bytes` in files of `spill`.
    pub(super) fn new(spill: Spill, limit_bytes: u64, budget: &Budget) -> Self {
        Self {
            spill,
            limit_bytes,
            file_bytes: FILE_BYTES.min(limit_bytes / 8),
            files: VecDeque::new(),
            first_file: 0,
            entries: VecDeque::new(),
            bytes: 0,
            memory: budget.reserve(0).expect("zero bytes are always granted"),
            failed: false,
            told: false,
        }
    }

    /// Something has changed: the next entry is worth a try.
    pub(super) const fn try_again(&mut self) {
        self.failed = false;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes on the disk.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// True when `bytes` more would be taken, unless the disk is full.
    pub(super) const fn has_room(&self, bytes: usize) -> bool {
        !self.failed && self.bytes + bytes as u64 <= self.limit_bytes
    }

    /// Takes an entry of so many records, or gives it back when there is no room.
    pub(super) fn push(&mut self, entry: Entry, records: u64) -> Result<(), Entry> {
        let bytes = entry.arrival.block.len();
        if !self.has_room(bytes) {
            return Err(entry);
        }
        self.failed = self.memory.grow(KEPT_BYTES).is_err();
        if self.failed {
            return Err(entry);
        }
        match self.write(&entry.arrival.block) {
            Ok((file, start)) => {
                self.told = false;
                self.entries.push_back(Waiting {
                    entry: without_bytes(entry),
                    records,
                    file,
                    start,
                    bytes,
                });
                Ok(())
            }
            Err(error) => {
                if !std::mem::replace(&mut self.told, true) {
                    tracing::warn!(%error, "what the lane has no room for waits with its sender");
                }
                self.memory.shrink(KEPT_BYTES);
                self.failed = true;
                Err(entry)
            }
        }
    }

    /// Writes to the last file, or begins one: its number, and where the bytes begin.
    fn write(&mut self, bytes: &[u8]) -> Result<(u64, u64), pelton_stage::Error> {
        if self
            .files
            .back()
            .is_none_or(|(_, had)| *had >= self.file_bytes)
        {
            self.files.push_back((SpillFile::create(&self.spill)?, 0));
        }
        let last = self.first_file + self.files.len() as u64 - 1;
        let Some((file, had)) = self.files.back_mut() else {
            return Ok((last, 0));
        };
        let start = file.append(bytes)?;
        *had += bytes.len() as u64;
        self.bytes += bytes.len() as u64;
        Ok((last, start))
    }

    /// Bytes of the next entry; nothing when there is none.
    pub(super) fn front_bytes(&self) -> Option<usize> {
        self.entries.front().map(|waiting| waiting.bytes)
    }

    /// The next entry, its bytes read by `block`. One that cannot be read comes as lost.
    pub(super) fn pop(
        &mut self,
        block: impl FnOnce(&SpillFile, u64, usize) -> Result<Block, pelton_stage::Error>,
    ) -> Option<Entry> {
        let Waiting {
            mut entry,
            records,
            file,
            start,
            bytes,
        } = self.entries.pop_front()?;
        self.failed = false;
        self.memory.shrink(KEPT_BYTES);
        let (source, _) = &self.files[(file - self.first_file) as usize];
        match block(source, start, bytes) {
            Ok(block) => entry.arrival.block = block,
            Err(error) => {
                let reason = error.to_string();
                entry.lost = Some(Box::new(Lost { records, reason }));
            }
        }
        self.give_back_files();
        Some(entry)
    }

    /// Lets go of the files that hold nothing that waits.
    fn give_back_files(&mut self) {
        let needed = match self.entries.front() {
            Some(first) => first.file,
            None => self.first_file + self.files.len() as u64,
        };
        while self.first_file < needed
            && let Some((_, bytes)) = self.files.pop_front()
        {
            self.bytes -= bytes;
            self.first_file += 1;
        }
    }

    /// Gives up all entries: how many records they had.
    pub(super) fn clear(&mut self) -> u64 {
        let records = self.entries.iter().map(|waiting| waiting.records).sum();
        self.entries.clear();
        self.give_back_files();
        records
    }
}

fn without_bytes(mut entry: Entry) -> Entry {
    entry.arrival.block = Block::default();
    entry
}
