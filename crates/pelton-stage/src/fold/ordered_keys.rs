//! Keys in the order of their positions, more of them than a sort in memory could hold.
//!
//! They are written to a [`Log`] whose parts are ranges of positions, and each part is sorted when
//! its turn comes: the first step of a radix sort, by the digit that tells most. A part that
//! outgrows its memory is parted again by the next digit. Positions differ, so that this ends.

use std::sync::Arc;

use pelton_pool::Budget;

use super::log::{Log, PARTS};
use super::memory::Memory;
use super::set::{Found, push_record, read_record};
use super::spill::Spill;
use crate::Error;

/// A range of positions in [`PARTS`] parts of one size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    first: u64,
    /// A part has two to the power of this many positions.
    shift: u32,
}

impl Range {
    /// All positions from `first` to `last`.
    pub(crate) const fn new(first: u64, last: u64) -> Self {
        let bits = u64::BITS - (last - first).leading_zeros();
        let shift = bits.saturating_sub(PARTS.trailing_zeros());
        Self { first, shift }
    }

    #[inline]
    const fn part(self, position: u64) -> usize {
        ((position - self.first) >> self.shift) as usize
    }

    /// The positions of one part, in parts.
    const fn of(self, part: usize) -> Self {
        let first = self.first + ((part as u64) << self.shift);
        Self::new(first, first + ((1 << self.shift) - 1))
    }
}

/// Keys, in parts by their positions.
#[derive(Debug)]
pub(crate) struct OrderedKeys {
    log: Log,
    range: Range,
    /// Where the memory comes from in which they are sorted.
    budget: Budget,
}

impl OrderedKeys {
    /// None yet, of positions in `range`. They are kept in memory of `kept`, which leaves some of
    /// `budget`, above it, to sort them in.
    pub(crate) fn new(
        stage: &Arc<str>,
        spill: &Spill,
        (kept, budget): (&Budget, &Budget),
        range: Range,
    ) -> Self {
        Self {
            log: Log::new(stage, spill, kept),
            range,
            budget: budget.clone(),
        }
    }

    /// Adds keys, each with its position.
    pub(crate) fn push(&mut self, found: &Found<u64>) -> Result<(), Error> {
        let side = found.table.side();
        let mut rows = found.table.words().iter().zip(&found.notes);
        rows.try_for_each(|(&word, &position)| {
            push_record(
                &mut self.log,
                self.range.part(position),
                word,
                side,
                position,
            )
        })
    }

    /// Adds the keys of `other`, which is of the same range.
    pub(crate) fn append(&mut self, other: Self) -> Result<(), Error> {
        self.log.append(other.log)
    }

    /// The keys in order, now that all are there.
    pub(crate) fn into_pages(mut self) -> Result<Pages, Error> {
        self.log.settle()?;
        let memory = Memory::new(&self.budget, 0);
        Ok(Pages {
            open: vec![(self, 0)],
            memory,
        })
    }

    /// The keys of one part, in parts by finer ranges.
    fn finer(&self, part: usize) -> Result<Self, Error> {
        let mut finer = Self {
            log: self.log.like_in(&self.budget),
            range: self.range.of(part),
            budget: self.budget.clone(),
        };
        self.log.each_chunk(part, |records| {
            let mut rest = records;
            let mut start = 0;
            while let Some((_, position)) = read_record::<u64>(&mut rest) {
                let end = records.len() - rest.len();
                let record = &records[start..end];
                let chunk = finer.log.room(finer.range.part(position), record.len())?;
                chunk.extend_from_slice(record);
                start = end;
            }
            Ok(())
        })?;
        finer.log.settle()?;
        Ok(finer)
    }
}

/// Sorts the keys part by part.
#[derive(Debug)]
pub(crate) struct Pages {
    /// What is not given yet: the next part of each, the finest last.
    open: Vec<(OrderedKeys, usize)>,
    memory: Memory,
}

/// The records of one part, and where each begins in the order of positions.
#[derive(Debug, Default)]
pub(crate) struct Page {
    records: Vec<u8>,
    starts: Vec<(u64, usize)>,
}

impl Page {
    /// Number of keys.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The pieces of the keys from number `first` on.
    pub(crate) fn keys_from(&self, first: usize) -> impl Iterator<Item = &[u8]> {
        self.starts[first..].iter().map(|&(_, start)| {
            let record = read_record::<u64>(&mut &self.records[start..]);
            record.map_or(&[][..], |(pieces, _)| pieces)
        })
    }

    fn clear(&mut self) {
        self.records.clear();
        self.starts.clear();
    }

    fn bytes(&self) -> usize {
        self.records.capacity() + self.starts.capacity() * size_of::<(u64, usize)>()
    }

    /// Bytes to be had before `records` are taken in: a record has nine bytes and more.
    fn growth(&self, records: &[u8]) -> usize {
        let bytes = self.records.len() + records.len();
        2 * (bytes + (bytes / (1 + size_of::<u64>()) + 1) * size_of::<(u64, usize)>())
    }

    fn take(&mut self, records: &[u8]) {
        let mut at = self.records.len();
        self.records.extend_from_slice(records);
        let mut rest = records;
        while let Some((_, position)) = read_record::<u64>(&mut rest) {
            self.starts.push((position, at));
            at = self.records.len() - rest.len();
        }
    }
}

impl Pages {
    /// Puts the next keys, in the order of their positions, into `page`; false when there are no
    /// more.
    pub(crate) fn next(&mut self, page: &mut Page) -> Result<bool, Error> {
        loop {
            page.clear();
            let Some((keys, part)) = self.open.last_mut() else {
                return Ok(false);
            };
            if *part == PARTS {
                self.open.pop();
                continue;
            }
            *part += 1;
            if read_part(keys, *part - 1, page, &mut self.memory)? {
                if page.len() > 0 {
                    page.starts.sort_unstable();
                    return Ok(true);
                }
                continue;
            }
            *page = Page::default();
            let held = self.memory.resize(0);
            debug_assert!(held.is_ok(), "less is never refused");
            let finer = keys.finer(*part - 1)?;
            self.open.push((finer, 0));
        }
    }
}

/// Reads a part into `page`; false when there is no memory for it and it can be parted again.
fn read_part(
    keys: &OrderedKeys,
    part: usize,
    page: &mut Page,
    memory: &mut Memory,
) -> Result<bool, Error> {
    let (mut fits, indivisible) = (true, keys.range.shift == 0);
    keys.log.each_chunk(part, |records| {
        let held = memory.resize(page.bytes().max(page.growth(records)));
        match held {
            Err(refused) if indivisible => return Err(keys.log.refusal(memory, &refused)),
            held => fits = fits && held.is_ok(),
        }
        if fits {
            page.take(records);
        }
        Ok(())
    })?;
    Ok(fits)
}
