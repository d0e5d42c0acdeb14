//! Keys that differ, more of them than a table could hold.
//!
//! Keys are not looked up as they come: they are written to a [`Log`], in parts by the low bits of
//! their hashes, and each part is made a table of its own at the end. A part fits into a cache, so
//! that a lookup costs no memory access, and several are worked on at once. Keys that come again
//! soon are caught by a small table that forgets; those that come again late make the log larger
//! than it need be, so that it is thinned out when it has grown to twice what was left the last
//! time.

use std::sync::Arc;

use pelton_pool::Budget;
use pelton_record::{Bitmap, Column};

use super::keys::{Keys, Seed, is_long, long_bytes};
use super::log::{Log, PARTS};
use super::memory::Memory;
use super::spill::Spill;
use super::table::Table;
use crate::{Error, ErrorKind};

/// Keys that are remembered: with their slots, half of a first-level cache.
const RECENT: usize = 1024;
/// Keys read from a log at once.
const CHUNK: usize = 1024;
/// Bytes of a log before it is thinned out for the first time.
const THIN_FROM: usize = 8 << 20;
/// How often a part is parted again before it is clear that this does not help.
const DEPTH_MAX: usize = 4;
/// How many times the bytes of a part's records its table may take: a key of eight bytes has a word
/// and up to three slots, and parts differ.
const TABLE_TIMES: usize = 8;
/// The first byte of a record whose key is longer than a word; four bytes of length follow.
const LONG: u8 = 0xFF;

/// Keys that differ.
#[derive(Debug)]
pub(crate) struct KeySet {
    log: Log,
    seed: Seed,
    keys: Keys,
    recent: Vec<u128>,
    /// Bytes of the log at which it is thinned out.
    thin_at: usize,
}

impl KeySet {
    /// An empty set of the stage called `stage`.
    pub(crate) fn new(stage: &Arc<str>, spill: &Spill, budget: &Budget, seed: Seed) -> Self {
        Self::with_log(Log::new(stage, spill, budget), seed)
    }

    fn with_log(log: Log, seed: Seed) -> Self {
        Self {
            log,
            seed,
            keys: Keys::default(),
            recent: vec![0; RECENT],
            thin_at: THIN_FROM,
        }
    }

    /// Adds rows `start .. start + rows` of `columns`, but for those that `validity` leaves out.
    pub(crate) fn insert<'a>(
        &mut self,
        columns: impl Iterator<Item = &'a Column> + Clone,
        start: usize,
        rows: usize,
        validity: Option<&Bitmap>,
    ) -> Result<(), Error> {
        let mut keys = std::mem::take(&mut self.keys);
        keys.encode(columns, start, rows, self.seed);
        let rows = keys.words.iter().zip(&keys.hashes).enumerate();
        for (row, (&word, &hash)) in rows {
            let known = std::mem::replace(&mut self.recent[hash as usize % RECENT], word);
            let again = known == word && !is_long(word);
            if !again && validity.is_none_or(|bits| bits.get(start + row)) {
                push(&mut self.log, word, hash, keys.side())?;
            }
        }
        self.keys = keys;
        if self.thin_at <= self.log.bytes() && !self.log.is_spilled() {
            self.thin()?;
        }
        Ok(())
    }

    /// Forgets keys that are there twice.
    fn thin(&mut self) -> Result<(), Error> {
        let before = self.log.bytes();
        for part in 0..PARTS {
            let chunks = self.log.take_part(part);
            let mut table = Table::new();
            for chunk in chunks {
                let mut records = &chunk[..];
                while read(&mut records, &mut self.keys, self.seed) > 0 {
                    table.reserve(self.keys.words.len());
                    let known = table.len();
                    let hashes = fresh(&mut table, &self.keys);
                    for (group, hash) in (known..).zip(hashes) {
                        push(&mut self.log, table.words()[group], hash, table.side())?;
                    }
                }
                self.log.recycle(chunk);
            }
        }
        let left = before - self.log.spare_bytes();
        let times = if left * 2 <= before { 2 } else { 16 };
        self.thin_at = THIN_FROM.max(left * times);
        Ok(())
    }

    /// Adds the keys of `other`.
    pub(crate) fn merge(&mut self, other: Self) -> Result<(), Error> {
        self.log.append(other.log)
    }

    /// Nothing more is added: gives back all memory that the keys do not take.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        self.keys = Keys::default();
        self.recent = Vec::new();
        self.log.settle()
    }

    /// True without keys.
    pub(crate) fn is_empty(&self) -> bool {
        self.log.is_empty()
    }

    /// True when there is memory for the tables of `parts` parts at once.
    pub(crate) fn has_room_for(&self, parts: usize) -> bool {
        let table = self.log.records_bytes() / PARTS * TABLE_TIMES;
        (table * parts) as u64 <= self.log.budget().available()
    }

    /// Calls `with` with the different keys of one of the [`PARTS`], perhaps in several tables
    /// that have none in common.
    pub(crate) fn part(
        &self,
        part: usize,
        with: &mut dyn FnMut(&Table) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.part_at(part, 0, with)
    }

    fn part_at(
        &self,
        part: usize,
        depth: usize,
        with: &mut dyn FnMut(&Table) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut memory = Memory::new(self.log.budget(), 0);
        if let Some(table) = self.table(part, &mut memory)? {
            return with(&table);
        }
        if DEPTH_MAX <= depth {
            let message = "one key alone outgrows the memory; raise engine.memory_limit";
            return Err(Error::new(ErrorKind::Memory, message));
        }
        let mut finer = Self::with_log(self.log.like(), self.seed.next());
        self.log.each_chunk(part, |mut records| {
            while read(&mut records, &mut finer.keys, finer.seed) > 0 {
                let keys = &finer.keys;
                for (&word, &hash) in keys.words.iter().zip(&keys.hashes) {
                    push(&mut finer.log, word, hash, keys.side())?;
                }
            }
            Ok(())
        })?;
        finer.settle()?;
        (0..PARTS).try_for_each(|part| finer.part_at(part, depth + 1, with))
    }

    /// The different keys of a part, if there is memory for them.
    fn table(&self, part: usize, memory: &mut Memory) -> Result<Option<Table>, Error> {
        let (mut table, mut keys, mut groups) = (Table::new(), Keys::default(), Vec::new());
        let mut fits = true;
        self.log.each_chunk(part, |mut records| {
            while fits && read(&mut records, &mut keys, self.seed) > 0 {
                let rows = keys.words.len();
                let growth = table.growth(rows) + 2 * keys.side().len();
                let bytes = table.bytes() + growth + keys.bytes() + CHUNK * size_of::<u32>();
                fits = memory.resize(bytes).is_ok();
                if fits {
                    table.reserve(rows);
                    table.find_or_insert(&keys, &mut groups);
                }
            }
            Ok(())
        })?;
        Ok(fits.then_some(table))
    }
}

/// Adds the keys to the table, which has room for them; gives the hashes of those that are new.
fn fresh(table: &mut Table, keys: &Keys) -> Vec<u64> {
    let mut known = table.len() as u32;
    let mut groups = Vec::with_capacity(CHUNK);
    table.find_or_insert(keys, &mut groups);
    let mut hashes = Vec::with_capacity(CHUNK);
    for (&group, &hash) in groups.iter().zip(&keys.hashes) {
        if group == known {
            hashes.push(hash);
            known += 1;
        }
    }
    hashes
}

/// Writes a key to its part.
#[inline]
fn push(log: &mut Log, word: u128, hash: u64, side: &[u8]) -> Result<(), Error> {
    // By the low bits: tables go by the high ones, which must not be alike within a part.
    let part = hash as usize % PARTS;
    if is_long(word) {
        return push_long(log, part, long_bytes(word, side));
    }
    let len = (word >> 120) as usize;
    let chunk = log.room(part, size_of::<u128>())?;
    let end = chunk.len() + 1 + len;
    // The length comes first, then the pieces, then what is written over.
    chunk.extend_from_slice(&word.rotate_left(8).to_le_bytes());
    chunk.truncate(end);
    Ok(())
}

fn push_long(log: &mut Log, part: usize, pieces: &[u8]) -> Result<(), Error> {
    let chunk = log.room(part, 1 + size_of::<u32>() + pieces.len())?;
    chunk.push(LONG);
    chunk.extend_from_slice(&(pieces.len() as u32).to_le_bytes());
    chunk.extend_from_slice(pieces);
    Ok(())
}

/// Takes some keys off `records`; gives how many.
fn read(records: &mut &[u8], keys: &mut Keys, seed: Seed) -> usize {
    keys.clear();
    while keys.words.len() < CHUNK
        && let Some(&len) = records.first()
    {
        if len == LONG {
            let (head, rest) = records.split_at(1 + size_of::<u32>());
            let len = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
            let (pieces, rest) = rest.split_at(len as usize);
            keys.push(pieces, seed);
            *records = rest;
        } else if let Some(bytes) = records.first_chunk() {
            let word = u128::from_le_bytes(*bytes).rotate_right(8);
            let used = (1 << (8 * u32::from(len))) - 1;
            keys.push_word(word & used | u128::from(len) << 120, seed);
            *records = &records[1 + usize::from(len)..];
        } else {
            let (pieces, rest) = records[1..].split_at(usize::from(len));
            keys.push(pieces, seed);
            *records = rest;
        }
    }
    keys.words.len()
}
