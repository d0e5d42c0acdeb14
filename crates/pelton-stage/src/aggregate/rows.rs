//! Different rows, when nothing is computed from them: `SELECT DISTINCT`.
//!
//! As long as they are few, or mostly come again, they are groups in a table like any others. Many
//! are written down instead, each with its position, as [`KeySet`] does; at the end its parts are
//! made tables, by several workers at once, and what they hold is put in order by
//! [`OrderedKeys`].

use std::any::Any;
use std::sync::{Arc, Mutex};

use pelton_pool::Budget;
use pelton_record::{Batch, Origin};

use super::Plan;
use super::distinct::{lock, open};
use super::groups::Decoders;
use super::state::{BATCH_ROWS, CHUNK, State};
use crate::fold::crew::{Alone, Crew};
use crate::fold::log::PARTS;
use crate::fold::ordered_keys::{OrderedKeys, Page, Pages, Range};
use crate::fold::own;
use crate::fold::position::positions;
use crate::fold::set::{Found, KeySet};
use crate::{Error, FoldState};

/// Rows that a table holds at least: with their slots, as many as stay in a second-level cache.
const FEW: usize = 32 << 10;
/// The smallest budget under which rows are written down: that is not worth it with a few chunks.
pub(super) const BUDGET_MIN: u64 = 2 << 20;

/// The different rows that one worker has seen.
pub(super) struct DistinctRows {
    plan: Arc<Plan>,
    /// All of them, until they are many.
    few: State,
    many: KeySet<u64>,
    /// Rows go to `many`.
    over: bool,
    positions: Vec<u64>,
    /// The least and the greatest position.
    range: (u64, u64),
}

impl DistinctRows {
    pub(super) fn new(plan: Arc<Plan>, budget: &Budget) -> Self {
        Self {
            few: State::without_sets(plan.clone(), budget),
            many: KeySet::new(&plan.name, &plan.spill, budget, plan.seed),
            over: false,
            positions: Vec::new(),
            range: (u64::MAX, 0),
            plan,
        }
    }

    /// Notes where the rows of `batch` stand.
    fn locate(&mut self, batch: &Batch) {
        positions(batch, &mut self.positions);
        let rows = self.positions.iter();
        let (first, last) = rows.fold((u64::MAX, 0), |(first, last), &position| {
            (position.min(first), position.max(last))
        });
        if first < self.range.1 || !self.positions.is_sorted() {
            self.many.forget_recent();
        }
        self.range = (first.min(self.range.0), last.max(self.range.1));
    }

    fn fold_chunk(&mut self, batch: &Batch, start: usize, rows: usize) -> Result<(), Error> {
        if !self.over {
            let positions = &self.positions[start..][..rows];
            match self.few.fold_keys(batch, start, positions) {
                Ok(()) => return Ok(()),
                Err(_) => self.go_over()?,
            }
        }
        let columns = self.plan.by.iter().map(|&by| batch.column(by));
        let position = |row: usize| self.positions[row];
        self.many.insert(columns, start, rows, None, position)
    }

    /// Writes down the rows in the table.
    fn go_over(&mut self) -> Result<(), Error> {
        let groups = &self.few.groups;
        let first = |group: usize| groups.first[group];
        self.many.insert_table(&groups.table, first)?;
        self.over = true;
        self.few.clear()
    }

    fn take_in(&mut self, mut other: Self) -> Result<(), Error> {
        self.range.0 = self.range.0.min(other.range.0);
        self.range.1 = self.range.1.max(other.range.1);
        let groups = self.few.groups() + other.few.groups();
        if (other.over || 2 * FEW < groups) && !self.over {
            self.go_over()?;
        }
        if !self.over {
            match self.few.merge_all(&other.few) {
                Ok(()) => return Ok(()),
                Err(_) => self.go_over()?,
            }
        }
        if !other.over {
            other.go_over()?;
        }
        self.many.merge(other.many)
    }

    /// The rows that were written down, each once and in order.
    fn in_order(mut self, crew: &dyn Crew) -> Result<Pages, Error> {
        let Plan { name, spill, .. } = &*self.plan;
        let (budget, range) = (self.few.budget().clone(), self.range);
        drop(self.few);
        self.many.settle()?;
        let size = crew.size();
        // Half of the memory is for the tables: what they hold must not take all of it.
        if !self.many.has_room_for(2 * size) {
            self.many.spill()?;
        }
        let has_room = self.many.has_room_for(2 * size);
        let crew = if has_room { crew } else { &Alone };
        let kept = budget.child("order", Some(budget.available() / 2));
        let range = Range::new(range.0, range.1);
        let keys = || OrderedKeys::new(name, spill, (&kept, &budget), range);
        let fresh = || (keys(), Found::default());
        // Each finds its memory before others take the rest.
        let idle = Mutex::new((0..crew.size()).map(|_| fresh()).collect::<Vec<_>>());
        let failure = Mutex::new(None);
        crew.each(PARTS, &|part| {
            if lock(&failure).is_some() {
                return;
            }
            let (mut keys, mut found) = lock(&idle).pop().unwrap_or_else(fresh);
            let with = &mut |found: &Found<u64>| keys.push(found);
            match self.many.part(part, &mut found, with) {
                Ok(()) => lock(&idle).push((keys, found)),
                Err(error) => *lock(&failure) = Some(error),
            }
        });
        if let Some(error) = open(failure) {
            return Err(error);
        }
        drop(self.many);
        let mut all = open(idle).into_iter().map(|(keys, _)| keys);
        let mut keys = all.next().expect("a crew has someone");
        all.try_for_each(|other| keys.append(other))?;
        keys.into_pages()
    }
}

impl FoldState for DistinctRows {
    fn fold(&mut self, batch: &mut Batch) -> Result<(), Error> {
        self.locate(batch);
        let known = self.few.groups();
        for start in (0..batch.rows()).step_by(CHUNK) {
            let rows = CHUNK.min(batch.rows() - start);
            self.fold_chunk(batch, start, rows)?;
        }
        let groups = self.few.groups();
        let mostly_new = batch.rows() < 2 * groups.saturating_sub(known);
        if FEW < groups && mostly_new {
            self.go_over()?;
        }
        Ok(())
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
        if !self.over {
            return Box::new(self.few).finish_with(Vec::new(), crew);
        }
        let plan = self.plan.clone();
        Ok(Box::new(Rows {
            plan,
            pages: self.in_order(crew)?,
            page: Page::default(),
            at: 0,
            sequence: 0,
        }))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Batches of rows that were written down.
struct Rows {
    plan: Arc<Plan>,
    pages: Pages,
    page: Page,
    /// Rows of the page that have been given.
    at: usize,
    sequence: u64,
}

impl Rows {
    fn batch(&mut self) -> Result<Option<Batch>, Error> {
        if self.at == self.page.len() {
            self.at = 0;
            if !self.pages.next(&mut self.page)? {
                return Ok(None);
            }
        }
        let mut columns = Decoders::new(&self.plan);
        let keys = self.page.keys_from(self.at).take(BATCH_ROWS);
        keys.for_each(|pieces| columns.push(pieces));
        self.at = self.page.len().min(self.at + BATCH_ROWS);
        let origin = Origin {
            sequence: self.sequence,
            ..Origin::default()
        };
        self.sequence += 1;
        let batch = Batch::from_columns(self.plan.output.clone(), columns.finish());
        Ok(Some(batch.with_origin(origin)))
    }
}

impl Iterator for Rows {
    type Item = Result<Batch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batch().transpose()
    }
}
