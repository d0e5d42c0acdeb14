//! Groups that do not fit into memory.
//!
//! When the budget refuses more, all groups are written to disk with what is known of each, in 64
//! parts by the top bits of their hashes, and the tables start anew. A group may be written many
//! times. At the end the parts are taken in one by one, each into fresh tables with another hash,
//! which may spill in turn; their groups are written once more in the order of their first rows,
//! and these runs are merged.

use std::sync::Arc;

use pelton_pool::OverBudget;
use pelton_record::{Batch, Origin};

use super::state::{BATCH_ROWS, CHUNK, State};
use crate::fold::memory::Memory;
use crate::fold::runs::{Merge, Runs, SEGMENT, read_record, write_record};
use crate::fold::spill::Spill;
use crate::{Error, ErrorKind};

/// Bits of the hash that choose a part.
const PART_BITS: u32 = 6;
const PARTS: usize = 1 << PART_BITS;
/// How often parts are parted again before it is clear that this does not help.
const DEPTH_MAX: usize = 4;

/// Bytes of the groups that come out in one batch, written and read back, or a little more.
const BATCH_BYTES: usize = 1 << 20;

/// What a state has on disk.
#[derive(Debug, Default)]
pub(super) struct Spilled {
    /// From this state, and those merged into it.
    runs: Vec<Runs>,
    /// How often the input was parted before it came here.
    depth: usize,
}

impl Spilled {
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Bytes of the write buffers.
    pub(super) fn bytes(&self) -> usize {
        self.runs.len() * SEGMENT
    }
}

impl State {
    /// Does `step`, after spilling if there is no memory for it otherwise.
    pub(super) fn with_room<T>(
        &mut self,
        mut step: impl FnMut(&mut Self) -> Result<T, OverBudget>,
    ) -> Result<T, Error> {
        let refused = match step(self) {
            Ok(done) => return Ok(done),
            Err(refused) => refused,
        };
        self.check_spill(&refused)?;
        self.spill_from(0)?;
        step(self).map_err(|refused| self.refusal(&refused))
    }

    /// Passes the refusal on when there is nothing that may be spilled.
    pub(super) fn check_spill(&self, refused: &OverBudget) -> Result<(), Error> {
        let may = self.plan.spill.is_allowed() && !self.plan.by.is_empty();
        if may && self.groups() > 0 {
            Ok(())
        } else {
            Err(self.refusal(refused))
        }
    }

    /// Writes all groups from number `from` on to disk, and forgets all.
    pub(super) fn spill_from(&mut self, from: usize) -> Result<(), Error> {
        if DEPTH_MAX < self.spilled.depth {
            let message = format!(
                "stage \"{}\": one group alone outgrows the memory; raise \
                engine.memory_limit",
                self.plan.name
            );
            return Err(Error::new(ErrorKind::Memory, message));
        }
        if self.spilled.runs.is_empty() {
            self.spilled
                .runs
                .push(Runs::create(&self.plan.spill, PARTS)?);
        }
        let mut runs = self.spilled.runs.swap_remove(0);
        for (group, tag) in self
            .groups_by_hash()
            .filter(|(group, _)| from <= *group as usize)
        {
            let part = (tag >> (u32::BITS - PART_BITS)) as usize;
            runs.push(part, |out| self.write_group(group as usize, out))?;
        }
        runs.flush()?;
        self.spilled.runs.push(runs);
        self.clear()
    }

    /// Writes all that is known of a group: a record whose sort key is its first row's position.
    pub(super) fn write_group(&self, group: usize, out: &mut Vec<u8>) {
        let position = self.first(group).to_be_bytes();
        write_record(out, &position, |out| self.write_summaries(group, out));
    }

    /// Takes in groups that were written.
    pub(super) fn absorb(&mut self, mut records: &[u8]) -> Result<(), Error> {
        while !records.is_empty() {
            records = self.with_room(|state| state.absorb_chunk(records))?;
        }
        Ok(())
    }

    /// Takes in some of the groups that were written; gives the rest.
    pub(super) fn absorb_chunk<'a>(
        &mut self,
        mut records: &'a [u8],
    ) -> Result<&'a [u8], OverBudget> {
        let mut payloads = Vec::with_capacity(CHUNK);
        let mut positions = Vec::with_capacity(CHUNK);
        while payloads.len() < CHUNK {
            let Some((position, payload)) = read_record(&mut records) else {
                break;
            };
            let position = position.first_chunk().expect("a position is eight bytes");
            positions.push(u64::from_be_bytes(*position));
            payloads.push(payload);
        }
        self.read_summaries(&positions, &mut payloads)?;
        Ok(records)
    }

    /// Takes over what another state has on disk.
    pub(super) fn take_spilled(&mut self, other: &mut Self) {
        self.spilled.runs.append(&mut other.spilled.runs);
    }

    /// The groups in the order of their first rows, read back from disk.
    pub(super) fn finish_spilled(mut self) -> Result<Sorted, Error> {
        let mut sorted = Runs::create(&self.plan.spill, 0)?;
        self.sort_parts(&mut sorted)?;
        // From here on, the memory is that of a segment of each run and of one batch's groups.
        let mut batch = self;
        Arc::make_mut(&mut batch.plan).spill = Spill::forbidden();
        batch.clear()?;
        let mut segments = Memory::new(batch.budget(), 0);
        let held = segments.resize(sorted.len() * SEGMENT);
        held.map_err(|refused| batch.refusal(&refused))?;
        Ok(Sorted {
            merge: Merge::of([sorted])?,
            batch,
            _segments: segments,
            sequence: 0,
        })
    }

    /// Writes the groups of each part as a run sorted by first rows.
    fn sort_parts(&mut self, sorted: &mut Runs) -> Result<(), Error> {
        self.spill_from(0)?;
        let spilled = std::mem::take(&mut self.spilled.runs);
        let mut buffer = Vec::new();
        for part in 0..PARTS {
            let mut state = self.part();
            for runs in &spilled {
                runs.each_segment(part, &mut buffer, |segment| state.absorb(segment))?;
            }
            let run = sorted.begin();
            if !state.spilled.is_empty() {
                state.sort_parts_into(sorted, run)?;
            }
            for group in state.order() {
                sorted.push(run, |out| state.write_group(group as usize, out))?;
            }
        }
        sorted.flush()
    }

    /// Writes the groups of all parts as one run.
    fn sort_parts_into(&mut self, sorted: &mut Runs, run: usize) -> Result<(), Error> {
        let mut parts = Runs::create(&self.plan.spill, 0)?;
        self.sort_parts(&mut parts)?;
        let mut merge = Merge::of([parts])?;
        while let Some((position, payload)) = merge.peek() {
            sorted.push(run, |out| {
                write_record(out, position, |out| out.extend_from_slice(payload));
            })?;
            merge.advance()?;
        }
        Ok(())
    }

    /// A state for one part of this one, which hashes differently.
    fn part(&self) -> Self {
        let mut plan = (*self.plan).clone();
        plan.seed = plan.seed.next();
        let mut part = Self::new(Arc::new(plan), self.budget());
        part.spilled.depth = self.spilled.depth + 1;
        part
    }
}

/// Batches of groups that were on disk.
pub(super) struct Sorted {
    merge: Merge,
    /// Holds the groups of one batch at a time.
    batch: State,
    /// The memory of a segment of each run.
    _segments: Memory,
    sequence: u64,
}

impl Sorted {
    fn batch(&mut self) -> Result<Option<Batch>, Error> {
        let (mut records, mut rows) = (Vec::new(), 0);
        let width = self.batch.width();
        while let Some((position, payload)) = self.merge.peek()
            && rows < BATCH_ROWS
            && records.len() + rows * width < BATCH_BYTES
        {
            write_record(&mut records, position, |out| out.extend_from_slice(payload));
            rows += 1;
            self.merge.advance()?;
        }
        if rows == 0 {
            return Ok(None);
        }
        let origin = Origin {
            sequence: self.sequence,
            ..Origin::default()
        };
        self.sequence += 1;
        Ok(Some(
            self.batch.batch_of(&records, rows)?.with_origin(origin),
        ))
    }
}

impl Iterator for Sorted {
    type Item = Result<Batch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batch().transpose()
    }
}

impl super::Aggregate {
    /// The same, which writes groups to disk when they outgrow their memory. It is an error
    /// otherwise.
    ///
    /// A group must fit into memory on its own, and without keys there is but one.
    #[must_use]
    pub fn spilling(mut self, spill: Spill) -> Self {
        Arc::make_mut(&mut self.plan).spill = spill;
        self
    }
}
