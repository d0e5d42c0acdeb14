//! Keys that differ, more of them than a table could hold.
//!
//! Keys are not looked up as they come: they are written to a [`Log`], in parts by the low bits of
//! their hashes, and each part is made a table of its own at the end. A part fits into a cache, so
//! that a lookup costs no memory access, and several are worked on at once. Keys that come again
//! soon are caught by a small table that forgets; those that come again late make the log larger
//! than it need be, so that it is thinned out when it has grown to twice what was left the last
//! time.
//!
//! With each key goes a [`Note`], which for many is nothing.

use std::sync::Arc;

use pelton_pool::Budget;
use pelton_record::{Bitmap, Column};

use super::keys::{Keys, Seed, is_long, long_bytes};
use super::log::{Log, PARTS};
use super::memory::Memory;
use super::note::Note;
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
/// How many times the bytes of a part's keys its table may take: a key of eight bytes has a word
/// and up to three slots, and parts differ.
const TABLE_TIMES: usize = 8;
/// Bytes of a table that is kept for the next part. One that grew larger did so for a key or two.
const KEPT: usize = 8 << 20;
/// The first byte of a record whose key is longer than a word; four bytes of length follow.
const LONG: u8 = 0xFF;

/// Keys that differ, each with one note.
#[derive(Debug)]
pub(crate) struct KeySet<N: Note = ()> {
    log: Log,
    seed: Seed,
    page: Page<N>,
    recent: Vec<u128>,
    /// Bytes of the log at which it is thinned out.
    thin_at: usize,
}

/// Keys read from a log, and their notes.
#[derive(Debug, Default)]
struct Page<N> {
    keys: Keys,
    notes: Vec<N>,
}

/// The different keys of a part, numbered as in the table, and the note of each.
///
/// Whoever goes from part to part lends the same again: memory that is given back and asked for
/// with every part is mapped anew each time, which took as long as all the rest.
#[derive(Debug)]
pub(crate) struct Found<N> {
    pub(crate) table: Table,
    pub(crate) notes: Vec<N>,
    page: Page<N>,
    groups: Vec<u32>,
}

impl<N: Note> Default for Found<N> {
    fn default() -> Self {
        Self {
            table: Table::new(),
            notes: Vec::new(),
            page: Page::default(),
            groups: Vec::with_capacity(CHUNK),
        }
    }
}

impl<N: Note> Found<N> {
    /// Empty again, with the memory it has.
    fn clear(&mut self) {
        if KEPT < self.bytes() {
            *self = Self::default();
        }
        self.table.clear();
        self.notes.clear();
    }

    fn bytes(&self) -> usize {
        // A vector of nothing has room without end.
        let notes = |notes: &Vec<N>| notes.capacity() * size_of::<N>();
        self.table.bytes()
            + self.page.keys.bytes()
            + notes(&self.notes)
            + notes(&self.page.notes)
            + CHUNK * size_of::<u32>()
    }

    /// Bytes to be had before the page is taken in.
    fn growth(&self) -> usize {
        let rows = self.page.keys.words.len();
        let notes = 2 * (self.notes.len() + rows) * size_of::<N>();
        self.table.growth(rows) + notes + 2 * self.page.keys.side().len()
    }

    /// Takes in the keys of the page.
    fn take_page(&mut self) {
        self.table.reserve(self.page.keys.words.len());
        self.table.find_or_insert(&self.page.keys, &mut self.groups);
        for (&group, &note) in self.groups.iter().zip(&self.page.notes) {
            match self.notes.get_mut(group as usize) {
                Some(known) => *known = known.first(note),
                None => self.notes.push(note),
            }
        }
    }
}

impl<N: Note> KeySet<N> {
    /// An empty set of the stage called `stage`.
    pub(crate) fn new(stage: &Arc<str>, spill: &Spill, budget: &Budget, seed: Seed) -> Self {
        Self::with_log(Log::new(stage, spill, budget), seed)
    }

    fn with_log(log: Log, seed: Seed) -> Self {
        Self {
            log,
            seed,
            page: Page::default(),
            recent: vec![0; RECENT],
            thin_at: THIN_FROM,
        }
    }

    /// Adds rows `start .. start + rows` of `columns`, but for those that `validity` leaves out;
    /// `note` tells the note of each.
    pub(crate) fn insert<'a>(
        &mut self,
        columns: impl Iterator<Item = &'a Column> + Clone,
        start: usize,
        rows: usize,
        validity: Option<&Bitmap>,
        note: impl Fn(usize) -> N,
    ) -> Result<(), Error> {
        let mut keys = std::mem::take(&mut self.page.keys);
        keys.encode(columns, start, rows, self.seed);
        let rows = keys.words.iter().zip(&keys.hashes).enumerate();
        for (row, (&word, &hash)) in rows {
            let known = std::mem::replace(&mut self.recent[hash as usize % RECENT], word);
            let again = known == word && !is_long(word);
            if !again && validity.is_none_or(|bits| bits.get(start + row)) {
                push(&mut self.log, (word, hash), keys.side(), note(start + row))?;
            }
        }
        self.page.keys = keys;
        if self.thin_at <= self.log.bytes() && !self.log.is_spilled() {
            self.thin()?;
        }
        Ok(())
    }

    /// Adds all keys of `table`; `note` tells the note of each group.
    pub(crate) fn insert_table(
        &mut self,
        table: &Table,
        note: impl Fn(usize) -> N,
    ) -> Result<(), Error> {
        let mut rows = table.words().iter().enumerate();
        rows.try_for_each(|(group, &word)| {
            let hash = self.seed.hash_of(word, table.side());
            push(&mut self.log, (word, hash), table.side(), note(group))
        })
    }

    /// What comes next may have notes before those that came: no key counts as known.
    pub(crate) fn forget_recent(&mut self) {
        self.recent.fill(0);
    }

    /// Forgets keys that are there twice.
    fn thin(&mut self) -> Result<(), Error> {
        let before = self.log.bytes();
        let mut found = Found::default();
        for part in 0..PARTS {
            let chunks = self.log.take_part(part);
            found.clear();
            for chunk in &chunks {
                let mut records = &chunk[..];
                while read(&mut records, &mut found.page, self.seed) > 0 {
                    found.take_page();
                }
            }
            chunks.into_iter().for_each(|chunk| self.log.recycle(chunk));
            self.insert_table(&found.table, |group| found.notes[group])?;
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
        self.page = Page::default();
        self.recent = Vec::new();
        self.log.settle()
    }

    /// Writes all keys to disk, for the memory that they take.
    pub(crate) fn spill(&mut self) -> Result<(), Error> {
        self.log.flush()?;
        self.log.settle()
    }

    /// True without keys.
    pub(crate) fn is_empty(&self) -> bool {
        self.log.is_empty()
    }

    /// True when there is memory for the tables of `parts` parts at once.
    pub(crate) fn has_room_for(&self, parts: usize) -> bool {
        // Of a record whose key has eight bytes, the note takes as many again.
        let table = self.log.records_bytes() / PARTS * TABLE_TIMES * 8 / (8 + N::BYTES);
        (table * parts) as u64 <= self.log.budget().available()
    }

    /// Calls `with` with the different keys of one of the [`PARTS`], perhaps several times with
    /// keys that have none in common. They stand in `found`, whatever was there.
    pub(crate) fn part(
        &self,
        part: usize,
        found: &mut Found<N>,
        with: &mut dyn FnMut(&Found<N>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.part_at(part, 0, found, with)
    }

    fn part_at(
        &self,
        part: usize,
        depth: usize,
        found: &mut Found<N>,
        with: &mut dyn FnMut(&Found<N>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut memory = Memory::new(self.log.budget(), 0);
        if self.find(part, found, &mut memory)? {
            return with(found);
        }
        *found = Found::default();
        drop(memory);
        if DEPTH_MAX <= depth {
            let message = "one key alone outgrows the memory; raise engine.memory_limit";
            return Err(Error::new(ErrorKind::Memory, message));
        }
        let mut finer = Self::with_log(self.log.like(), self.seed.next());
        self.log.each_chunk(part, |mut records| {
            while read(&mut records, &mut finer.page, finer.seed) > 0 {
                let Page { keys, notes } = &finer.page;
                let rows = keys.words.iter().zip(&keys.hashes).zip(notes);
                for ((&word, &hash), &note) in rows {
                    push(&mut finer.log, (word, hash), keys.side(), note)?;
                }
            }
            Ok(())
        })?;
        finer.settle()?;
        (0..PARTS).try_for_each(|part| finer.part_at(part, depth + 1, found, with))
    }

    /// Finds the different keys of a part; false when there is no memory for them.
    fn find(&self, part: usize, found: &mut Found<N>, memory: &mut Memory) -> Result<bool, Error> {
        found.clear();
        if memory.resize(found.bytes()).is_err() {
            *found = Found::default();
        }
        let mut fits = true;
        self.log.each_chunk(part, |mut records| {
            while fits && read(&mut records, &mut found.page, self.seed) > 0 {
                fits = memory.resize(found.bytes() + found.growth()).is_ok();
                if fits {
                    found.take_page();
                }
            }
            Ok(())
        })?;
        Ok(fits)
    }
}

/// Writes a key and its note to its part.
#[inline]
fn push<N: Note>(
    log: &mut Log,
    (word, hash): (u128, u64),
    side: &[u8],
    note: N,
) -> Result<(), Error> {
    // By the low bits: tables go by the high ones, which must not be alike within a part.
    let part = hash as usize % PARTS;
    push_record(log, part, word, side, note)
}

/// Writes a key and its note behind `part`.
#[inline]
pub(super) fn push_record<N: Note>(
    log: &mut Log,
    part: usize,
    word: u128,
    side: &[u8],
    note: N,
) -> Result<(), Error> {
    if is_long(word) {
        return push_long(log, part, long_bytes(word, side), note);
    }
    let len = (word >> 120) as usize;
    let chunk = log.room(part, size_of::<u128>() + N::BYTES)?;
    let end = chunk.len() + 1 + len;
    // The length comes first, then the pieces, then what is written over.
    chunk.extend_from_slice(&word.rotate_left(8).to_le_bytes());
    chunk.truncate(end);
    note.write(chunk);
    Ok(())
}

fn push_long<N: Note>(log: &mut Log, part: usize, pieces: &[u8], note: N) -> Result<(), Error> {
    let chunk = log.room(part, 1 + size_of::<u32>() + pieces.len() + N::BYTES)?;
    chunk.push(LONG);
    chunk.extend_from_slice(&(pieces.len() as u32).to_le_bytes());
    chunk.extend_from_slice(pieces);
    note.write(chunk);
    Ok(())
}

/// Takes a record off `records`: the pieces of its key, and its note.
#[inline]
pub(super) fn read_record<'a, N: Note>(records: &mut &'a [u8]) -> Option<(&'a [u8], N)> {
    let (&len, mut rest) = records.split_first()?;
    let mut len = usize::from(len);
    if len == usize::from(LONG) {
        let (long, behind) = rest.split_first_chunk()?;
        (len, rest) = (u32::from_le_bytes(*long) as usize, behind);
    }
    let (pieces, behind) = rest.split_at(len);
    let (note, behind) = behind.split_at(N::BYTES);
    *records = behind;
    Some((pieces, N::read(note)))
}

/// Takes some keys off `records`; gives how many.
fn read<N: Note>(records: &mut &[u8], page: &mut Page<N>, seed: Seed) -> usize {
    page.keys.clear();
    page.notes.clear();
    while page.keys.words.len() < CHUNK {
        let word: Option<[u8; 16]> = records.first_chunk().copied();
        let Some((pieces, note)) = read_record(records) else {
            break;
        };
        match word {
            Some(word) if pieces.len() < size_of::<u128>() => {
                page.keys.push_word(short_word(word, pieces.len()), seed);
            }
            _ => page.keys.push(pieces, seed),
        }
        page.notes.push(note);
    }
    page.keys.words.len()
}

/// The word of a key of `len` bytes, from the first bytes of its record.
#[inline]
const fn short_word(record: [u8; 16], len: usize) -> u128 {
    let used = (1 << (8 * len)) - 1;
    u128::from_le_bytes(record).rotate_right(8) & used | (len as u128) << 120
}
