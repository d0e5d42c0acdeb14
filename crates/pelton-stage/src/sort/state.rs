//! The rows that one worker has kept.

use std::any::Any;
use std::sync::Arc;

use pelton_pool::{Budget, OverBudget};
use pelton_record::{Batch, Origin};

use super::rows::{Entry, Rows};
use super::{Plan, key};
use crate::fold::memory::{Memory, floor};
use crate::fold::own;
use crate::fold::pieces::{Decoder, spell};
use crate::fold::position::positions;
use crate::fold::runs::{Merge, Runs, SEGMENT, write_record};
use crate::{Error, FoldState};

/// Rows that are encoded before it is known whether there is memory for them.
const CHUNK: usize = 1024;
/// Rows of a batch that comes out.
const BATCH_ROWS: usize = 8192;

/// The rows that one worker has kept, and the runs of them on disk.
pub(super) struct State {
    plan: Arc<Plan>,
    memory: Memory,
    rows: Rows,
    /// The sort key of a row that has `kept` rows before it or is the last of so many: what is
    /// greater does not matter. Empty until there is one.
    threshold: Vec<u8>,
    runs: Vec<Runs>,
    /// Rows on their way in.
    staged: Rows,
    sort_key: Vec<u8>,
    positions: Vec<u64>,
}

impl State {
    pub(super) fn new(plan: Arc<Plan>, budget: &Budget) -> Self {
        Self {
            memory: Memory::new(budget, floor(&plan.spill, budget)),
            plan,
            rows: Rows::default(),
            threshold: Vec::new(),
            runs: Vec::new(),
            staged: Rows::default(),
            sort_key: Vec::new(),
            positions: Vec::new(),
        }
    }

    /// Bytes held beside the rows themselves.
    fn other_bytes(&self) -> usize {
        let keys = self.sort_key.capacity() + self.threshold.capacity();
        keys + self.staged.bytes() + self.positions.capacity() * 8 + self.runs.len() * SEGMENT
    }

    /// Encodes rows of `batch`, but for those that do not matter.
    fn stage(&mut self, batch: &Batch, start: usize, end: usize) {
        self.staged.records.clear();
        self.staged.index.clear();
        for row in start..end {
            self.sort_key.clear();
            for &sort in &self.plan.keys {
                key::write(sort, batch.column(sort.column), row, &mut self.sort_key);
            }
            self.sort_key
                .extend_from_slice(&self.positions[row].to_be_bytes());
            if self.threshold.is_empty() || self.sort_key < self.threshold {
                self.staged.push(&self.sort_key, |out| {
                    batch
                        .columns()
                        .iter()
                        .for_each(|column| spell(column, row, out));
                });
            }
        }
    }

    /// Appends the rows of `more`, after spilling if there is no memory for it otherwise.
    fn append(&mut self, more: &Rows) -> Result<(), Error> {
        let Err(refused) = self.try_append(more) else {
            return Ok(());
        };
        if !self.plan.spill.is_allowed() || self.rows.index.is_empty() {
            return Err(self.refusal(&refused));
        }
        self.spill()?;
        self.try_append(more)
            .map_err(|refused| self.refusal(&refused))
    }

    fn try_append(&mut self, more: &Rows) -> Result<(), OverBudget> {
        let (records, index) = self.rows.grown(more);
        let rows = records + index * size_of::<Entry>();
        self.memory.resize(self.other_bytes() + rows)?;
        self.rows.append(more, (records, index));
        self.trim();
        Ok(())
    }

    /// Forgets rows that do not matter, once there are twice as many as do, or just enough.
    fn trim(&mut self) {
        let (rows, kept) = (self.rows.index.len(), self.plan.kept());
        let first = self.threshold.is_empty() && rows >= kept;
        if kept == 0 || !(first || rows / 2 >= kept) {
            return;
        }
        let last = self.rows.select(kept);
        self.threshold.clear();
        self.threshold.extend_from_slice(self.rows.record(last).0);
        self.rows.truncate(kept);
    }

    /// Writes the rows to disk as a sorted run, and forgets them.
    fn spill(&mut self) -> Result<(), Error> {
        if self.rows.index.is_empty() {
            return Ok(());
        }
        if self.runs.is_empty() {
            self.runs.push(Runs::create(&self.plan.spill, 0)?);
        }
        self.rows.sort();
        let rows = std::mem::take(&mut self.rows);
        let runs = &mut self.runs[0];
        let run = runs.begin();
        for &entry in rows.index.iter().take(self.plan.kept()) {
            let (sort_key, payload) = rows.record(entry);
            runs.push(run, |out| {
                write_record(out, sort_key, |out| out.extend_from_slice(payload));
            })?;
        }
        runs.flush()?;
        drop(rows);
        self.hold(self.other_bytes())
    }

    fn hold(&mut self, bytes: usize) -> Result<(), Error> {
        let held = self.memory.resize(bytes);
        held.map_err(|refused| self.refusal(&refused))
    }

    fn refusal(&self, refused: &OverBudget) -> Error {
        self.memory.refusal(&self.plan.name, refused)
    }

    /// The rows on disk, merged.
    fn merge_runs(mut self) -> Result<Sorted, Error> {
        self.spill()?;
        self.staged = Rows::default();
        let runs = std::mem::take(&mut self.runs);
        let segments: usize = runs.iter().map(Runs::len).sum();
        self.hold(segments * SEGMENT)?;
        Ok(Sorted::new(
            self.plan,
            self.memory,
            Source::Disk(Merge::of(runs)?),
        ))
    }
}

impl FoldState for State {
    fn fold(&mut self, batch: &mut Batch) -> Result<(), Error> {
        if self.plan.kept() == 0 {
            return Ok(());
        }
        positions(batch, &mut self.positions);
        for start in (0..batch.rows()).step_by(CHUNK) {
            self.stage(batch, start, batch.rows().min(start + CHUNK));
            let staged = std::mem::take(&mut self.staged);
            self.append(&staged)?;
            self.staged = staged;
        }
        Ok(())
    }

    fn merge(&mut self, other: Box<dyn FoldState>) -> Result<(), Error> {
        let mut other: Self = own(other);
        if self.rows.index.len() < other.rows.index.len() {
            std::mem::swap(self, &mut other);
        }
        self.runs.append(&mut other.runs);
        if self.try_append(&other.rows).is_ok() {
            return Ok(());
        }
        if self.plan.spill.is_allowed() {
            other.spill()?;
            self.runs.append(&mut other.runs);
            return Ok(());
        }
        self.append(&other.rows)
    }

    fn wants(&self, sequence: u64) -> bool {
        let last = self
            .threshold
            .first_chunk()
            .map(|key| u64::from_be_bytes(*key) >> 32);
        let by_position = self.plan.keys.is_empty();
        self.plan.kept() > 0 && !(by_position && last.is_some_and(|last| last < sequence))
    }

    fn finish(
        mut self: Box<Self>,
    ) -> Result<Box<dyn Iterator<Item = Result<Batch, Error>> + Send>, Error> {
        if !self.runs.is_empty() {
            return Ok(Box::new(self.merge_runs()?));
        }
        self.rows.sort();
        let source = Source::Memory {
            rows: self.rows,
            next: 0,
        };
        Ok(Box::new(Sorted::new(self.plan, self.memory, source)))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Where sorted rows come from.
enum Source {
    Memory { rows: Rows, next: usize },
    Disk(Merge),
}

impl Source {
    fn peek(&self) -> Option<&[u8]> {
        match self {
            Self::Memory { rows, next } => {
                let entry = rows.index.get(*next);
                entry.map(|&entry| rows.record(entry).1)
            }
            Self::Disk(merge) => merge.peek().map(|(_, payload)| payload),
        }
    }

    fn advance(&mut self) -> Result<(), Error> {
        match self {
            Self::Memory { next, .. } => {
                *next += 1;
                Ok(())
            }
            Self::Disk(merge) => merge.advance(),
        }
    }
}

/// Batches of sorted rows.
struct Sorted {
    plan: Arc<Plan>,
    /// Held until the last row is out.
    _memory: Memory,
    source: Source,
    /// Rows still to be left out.
    skip: usize,
    /// Rows still to come.
    left: usize,
    sequence: u64,
}

impl Sorted {
    fn new(plan: Arc<Plan>, memory: Memory, source: Source) -> Self {
        Self {
            skip: plan.offset,
            left: plan.limit.unwrap_or(usize::MAX),
            plan,
            _memory: memory,
            source,
            sequence: 0,
        }
    }

    fn batch(&mut self) -> Result<Option<Batch>, Error> {
        while self.skip > 0 && self.source.peek().is_some() {
            self.source.advance()?;
            self.skip -= 1;
        }
        let types = self.plan.types.iter();
        let mut columns: Vec<Decoder> = types.map(|&each| Decoder::new(each)).collect();
        let mut rows = 0;
        while rows < BATCH_ROWS.min(self.left)
            && let Some(mut pieces) = self.source.peek()
        {
            columns
                .iter_mut()
                .for_each(|column| column.push(&mut pieces));
            self.source.advance()?;
            rows += 1;
        }
        self.left -= rows;
        if rows == 0 {
            return Ok(None);
        }
        let columns = columns.into_iter().map(Decoder::finish).collect();
        let origin = Origin {
            sequence: self.sequence,
            ..Origin::default()
        };
        self.sequence += 1;
        Ok(Some(
            Batch::from_columns(self.plan.schema.clone(), columns).with_origin(origin),
        ))
    }
}

impl Iterator for Sorted {
    type Item = Result<Batch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batch().transpose()
    }
}
