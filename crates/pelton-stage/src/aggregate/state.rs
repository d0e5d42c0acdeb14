//! The groups that one worker has seen.

use std::any::Any;
use std::sync::Arc;

use pelton_pool::{Budget, OverBudget};
use pelton_record::{Batch, Column, Origin};

use super::accumulator::{Accumulator, Rows};
use super::external::Spilled;
use super::groups::{Decoders, Groups};
use super::{Plan, read_bytes, write_bytes};
use crate::fold::memory::{Memory, floor};
use crate::fold::own;
use crate::fold::position::positions;
use crate::fold::runs::read_record;
use crate::fold::set::KeySet;
use crate::{Alone, Crew, Error, FoldState};

/// Rows worked on at once: their words and hashes take 24 KiB and stay in the nearest cache.
pub(super) const CHUNK: usize = 1024;
/// Bytes of written groups that are merged at once.
const WRITTEN: usize = 64 << 10;
/// Rows of a batch that comes out.
pub(super) const BATCH_ROWS: usize = 8192;

/// The groups that one worker has seen, and what it has computed for each.
pub(super) struct State {
    pub(super) plan: Arc<Plan>,
    pub(super) spilled: Spilled,
    memory: Memory,
    pub(super) groups: Groups,
    pub(super) accumulators: Vec<Box<dyn Accumulator>>,
    /// Groups that there is room for everywhere.
    capacity: usize,
    /// Where the rows of the batch at hand stand.
    positions: Vec<u64>,
    /// The different values of some arguments, with the keys of their groups.
    pub(super) sets: Vec<(usize, KeySet)>,
}

impl State {
    pub(super) fn new(plan: Arc<Plan>, budget: &Budget) -> Self {
        let arguments = plan.distinct_arguments().into_iter();
        let set = || KeySet::new(&plan.name, &plan.spill, budget, plan.seed);
        let sets = arguments.map(|argument| (argument, set())).collect();
        Self {
            sets,
            ..Self::without_sets(plan, budget)
        }
    }

    /// The same for rows whose values are different already.
    pub(super) fn without_sets(plan: Arc<Plan>, budget: &Budget) -> Self {
        Self {
            memory: Memory::new(budget, floor(&plan.spill, budget)),
            groups: Groups::new(),
            accumulators: plan
                .summaries
                .iter()
                .map(|kind| kind.accumulator())
                .collect(),
            capacity: 0,
            positions: Vec::new(),
            sets: Vec::new(),
            spilled: Spilled::default(),
            plan,
        }
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        let extra: usize = self.accumulators.iter().map(|each| each.extra()).sum();
        self.groups.bytes()
            + self.spilled.bytes()
            + self.positions.capacity() * 8
            + self.capacity * self.width()
            + extra
    }

    /// Bytes a group in the accumulators.
    pub(super) fn width(&self) -> usize {
        self.accumulators.iter().map(|each| each.width()).sum()
    }

    /// Makes room for `more` groups, once the budget has granted it.
    pub(super) fn reserve(&mut self, more: usize) -> Result<(), OverBudget> {
        let needed = self.groups.first.len() + more;
        let capacity = if needed > self.capacity {
            needed.max(self.capacity + self.capacity / 2)
        } else {
            self.capacity
        };
        let more_groups = capacity - self.capacity;
        let rows: usize = self.accumulators.iter().map(|each| each.growth(more)).sum();
        let growth = self.groups.growth(more, more_groups) + more_groups * self.width() + rows;
        self.memory.resize(self.bytes() + growth)?;
        self.groups.table.reserve_slots(more);
        if more_groups > 0 {
            self.groups.reserve(capacity);
            self.capacity = capacity;
        }
        for accumulator in &mut self.accumulators {
            accumulator.reserve(capacity, more);
        }
        Ok(())
    }

    /// Takes in rows `start .. start + rows` of `batch`.
    fn fold_chunk(&mut self, batch: &Batch, start: usize, rows: usize) -> Result<(), OverBudget> {
        self.reserve(rows)?;
        let positions = &self.positions[start..][..rows];
        let single = self.plan.by.is_empty();
        if single {
            self.groups.find_the_one(positions);
        } else {
            let columns = self.plan.by.iter().map(|&by| batch.column(by));
            self.groups
                .keys
                .encode(columns, start, rows, self.plan.seed);
            self.groups.find(positions);
        }
        for (accumulator, kind) in self.accumulators.iter_mut().zip(&self.plan.summaries) {
            accumulator.resize(self.groups.first.len());
            if kind.distinct {
                continue;
            }
            accumulator.update(&Rows {
                groups: &self.groups.rows,
                single,
                column: kind.argument.map(|(index, _)| batch.column(index)),
                start,
                positions,
            });
        }
        Ok(())
    }

    /// Takes in rows from `start` on, as many as have `positions`, of which nothing is computed.
    pub(super) fn fold_keys(
        &mut self,
        batch: &Batch,
        start: usize,
        positions: &[u64],
    ) -> Result<(), OverBudget> {
        self.reserve(positions.len())?;
        let columns = self.plan.by.iter().map(|&by| batch.column(by));
        let keys = &mut self.groups.keys;
        keys.encode(columns, start, positions.len(), self.plan.seed);
        self.groups.find(positions);
        self.memory.resize(self.bytes())
    }

    /// Takes in all groups of `other`; some of them, when there is no memory.
    pub(super) fn merge_all(&mut self, other: &Self) -> Result<(), OverBudget> {
        self.merge_groups(other, &mut 0)
    }

    /// Takes in the groups of `other`, counting those `merged` so far.
    fn merge_groups(&mut self, other: &Self, merged: &mut usize) -> Result<(), OverBudget> {
        let mut written = Vec::with_capacity(WRITTEN);
        while *merged < other.groups() {
            written.clear();
            let mut end = *merged;
            while end < other.groups().min(*merged + CHUNK) && written.len() < WRITTEN {
                other.write_group(end, &mut written);
                end += 1;
            }
            self.absorb_chunk(&written)?;
            *merged = end;
        }
        Ok(())
    }

    /// Number of groups in memory.
    pub(super) fn groups(&self) -> usize {
        self.groups.first.len()
    }

    /// The position of the first row of a group.
    pub(super) fn first(&self, group: usize) -> u64 {
        self.groups.first[group]
    }

    /// Where the memory is taken from.
    pub(super) fn budget(&self) -> &Budget {
        self.memory.budget()
    }

    /// Holds exactly `bytes`.
    pub(super) fn hold(&mut self, bytes: usize) -> Result<(), Error> {
        let held = self.memory.resize(bytes);
        held.map_err(|refused| self.refusal(&refused))
    }

    /// The groups in the order of their first rows.
    pub(super) fn order(&self) -> Vec<u32> {
        self.groups.order()
    }

    /// The groups about in the order of their hashes, with the upper half of each.
    pub(super) fn groups_by_hash(&self) -> impl Iterator<Item = (u32, u32)> {
        self.groups.table.groups_by_hash()
    }

    /// Forgets all groups and gives their memory back.
    pub(super) fn clear(&mut self) -> Result<(), Error> {
        self.groups = Groups::new();
        let kinds = self.plan.summaries.iter();
        self.accumulators = kinds.map(|kind| kind.accumulator()).collect();
        self.capacity = 0;
        self.hold(self.bytes())
    }

    /// Writes the key of a group and what is known of it.
    pub(super) fn write_summaries(&self, group: usize, out: &mut Vec<u8>) {
        write_bytes(self.groups.key(group, &mut [0; 16]), out);
        for accumulator in &self.accumulators {
            accumulator.write(group, out);
        }
    }

    /// Merges groups that were written, each with the position of its first row.
    pub(super) fn read_summaries(
        &mut self,
        positions: &[u64],
        written: &mut [&[u8]],
    ) -> Result<(), OverBudget> {
        self.reserve(written.len())?;
        let keys = &mut self.groups.keys;
        keys.clear();
        for payload in written.iter_mut() {
            keys.push(read_bytes(payload), self.plan.seed);
        }
        if self.plan.by.is_empty() {
            self.groups.find_the_one(positions);
        } else {
            self.groups.find(positions);
        }
        for accumulator in &mut self.accumulators {
            accumulator.resize(self.groups.first.len());
            for (&group, payload) in self.groups.rows.iter().zip(written.iter_mut()) {
                accumulator.read(group as usize, payload);
            }
        }
        Ok(())
    }

    pub(super) fn refusal(&self, refused: &OverBudget) -> Error {
        self.memory.refusal(&self.plan.name, refused)
    }

    /// The result for `groups`, in their order.
    pub(super) fn batch(&mut self, groups: &[u32]) -> Result<Batch, Error> {
        let keys = self.groups.decode(groups, &self.plan);
        self.with_results(keys, groups)
    }

    /// The result for groups that were written, which all differ.
    pub(super) fn batch_of(&mut self, mut records: &[u8], groups: usize) -> Result<Batch, Error> {
        self.clear()?;
        let width = self.width() + size_of::<u32>();
        self.hold(self.bytes() + records.len() + groups * width)?;
        let mut keys = Decoders::new(&self.plan);
        self.accumulators
            .iter_mut()
            .for_each(|each| each.resize(groups));
        for group in 0..groups {
            let (_, mut payload) = read_record(&mut records).expect("as many as were written");
            keys.push(read_bytes(&mut payload));
            for accumulator in &mut self.accumulators {
                accumulator.read(group, &mut payload);
            }
        }
        let order: Vec<u32> = (0..groups as u32).collect();
        self.with_results(keys.finish(), &order)
    }

    fn with_results(&mut self, keys: Vec<Column>, groups: &[u32]) -> Result<Batch, Error> {
        let mut columns = keys;
        for &(function, index) in &self.plan.calls {
            columns.push(self.accumulators[index].finish(groups, function)?);
        }
        Ok(Batch::from_columns(self.plan.output.clone(), columns))
    }
}

impl FoldState for State {
    fn fold(&mut self, batch: &mut Batch) -> Result<(), Error> {
        positions(batch, &mut self.positions);
        for start in (0..batch.rows()).step_by(CHUNK) {
            let rows = CHUNK.min(batch.rows() - start);
            self.with_room(|state| state.fold_chunk(batch, start, rows))?;
            self.note_values(batch, start, rows)?;
        }
        self.with_room(|state| state.memory.resize(state.bytes()))
    }

    fn merge(&mut self, other: Box<dyn FoldState>) -> Result<(), Error> {
        self.take_in(own(other))
    }

    fn finish(
        self: Box<Self>,
    ) -> Result<Box<dyn Iterator<Item = Result<Batch, Error>> + Send>, Error> {
        self.finish_with(Vec::new(), &Alone)
    }

    fn finish_with(
        mut self: Box<Self>,
        others: Vec<Box<dyn FoldState>>,
        crew: &dyn Crew,
    ) -> Result<Box<dyn Iterator<Item = Result<Batch, Error>> + Send>, Error> {
        others.into_iter().try_for_each(|other| self.merge(other))?;
        self.fold_sets(crew)?;
        self.give(crew)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl State {
    /// Takes note of the values of rows `start .. start + rows`, where only different ones count.
    fn note_values(&mut self, batch: &Batch, start: usize, rows: usize) -> Result<(), Error> {
        for (argument, set) in &mut self.sets {
            let argument = batch.column(*argument);
            let keys = self.plan.by.iter().map(|&by| batch.column(by));
            let columns = keys.chain([argument]);
            set.insert(columns, start, rows, argument.validity(), |_| ())?;
        }
        Ok(())
    }

    /// Takes in another worker's state.
    pub(super) fn take_in(&mut self, mut other: Self) -> Result<(), Error> {
        let sets = std::mem::take(&mut other.sets).into_iter();
        for ((_, mine), (_, theirs)) in self.sets.iter_mut().zip(sets) {
            mine.merge(theirs)?;
        }
        if self.groups() < other.groups() {
            std::mem::swap(self, &mut other);
            std::mem::swap(&mut self.sets, &mut other.sets);
        }
        let mut merged = 0;
        if self.spilled.is_empty() && other.spilled.is_empty() {
            match self.merge_groups(&other, &mut merged) {
                Ok(()) => return Ok(()),
                Err(refused) => self.check_spill(&refused)?,
            }
            self.spill_from(0)?;
        }
        other.spill_from(merged)?;
        self.take_spilled(&mut other);
        Ok(())
    }

    /// Gives the groups.
    fn give(
        mut self: Box<Self>,
        _crew: &dyn Crew,
    ) -> Result<Box<dyn Iterator<Item = Result<Batch, Error>> + Send>, Error> {
        if self.plan.by.is_empty() && self.groups.first.is_empty() {
            self.groups.first.push(0);
            self.accumulators.iter_mut().for_each(|each| each.resize(1));
        }
        if self.spilled.is_empty() {
            let order_bytes = self.groups() * size_of::<u32>();
            self.with_room(|state| state.memory.resize(state.bytes() + order_bytes))?;
        }
        if !self.spilled.is_empty() {
            return Ok(Box::new(self.finish_spilled()?));
        }
        let order = self.groups.order();
        let batches = order.len().div_ceil(BATCH_ROWS);
        Ok(Box::new((0..batches).map(move |index| {
            let start = index * BATCH_ROWS;
            let groups = &order[start..order.len().min(start + BATCH_ROWS)];
            let origin = Origin {
                sequence: index as u64,
                ..Origin::default()
            };
            Ok(self.batch(groups)?.with_origin(origin))
        })))
    }
}
