//! Records that go through the stages together.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::record::{Failure, FailureKind, Outcome, Processed, Record};
use crate::run::panic_message;

/// The records that a worker took up together, as a stage over batches sees them.
///
/// Indices are those of the batch, from 0 to [`len`](Self::len), and stay while the stage runs.
/// Records that an earlier stage took out are still counted there, but are not seen any more.
pub struct Records {
    slots: VecDeque<Processed>,
    /// The stage at work.
    stage: Arc<str>,
    filtered: usize,
    rejected: usize,
    /// The record that a stage over single records is at.
    cursor: usize,
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("len", &self.len())
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}

impl Records {
    /// Room for `capacity` records.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self {
            slots: VecDeque::with_capacity(capacity),
            stage: "".into(),
            filtered: 0,
            rejected: 0,
            cursor: 0,
        }
    }

    /// Records in the batch, those taken out included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// True when the batch has no records.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Records that no stage has taken out.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.slots.len() - self.filtered - self.rejected
    }

    /// The record at `index`, unless it was taken out.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Record> {
        let slot = self.slots.get(index)?;
        slot.is_delivered().then_some(&slot.record)
    }

    /// The record at `index`, to be changed, unless it was taken out.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut Record> {
        let slot = self.slots.get_mut(index)?;
        slot.is_delivered().then_some(&mut slot.record)
    }

    /// The records that are left, with their indices.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Record)> {
        let left = |(index, slot): (usize, &'_ Processed)| slot.is_delivered().then_some(index);
        let indices = self.slots.iter().enumerate().filter_map(left);
        indices.map(|index| (index, &self.slots[index].record))
    }

    /// The records that are left, with their indices, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Record)> {
        let slots = self.slots.iter_mut().enumerate();
        let left = slots.filter(|(_, slot)| slot.is_delivered());
        left.map(|(index, slot)| (index, &mut slot.record))
    }

    /// Leaves the record at `index` out; does nothing if it was taken out before.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn filter(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        if slot.is_delivered() {
            slot.outcome = Outcome::Filtered;
            self.filtered += 1;
        }
    }

    /// Rejects the record at `index`, and says why; does nothing if it was taken out before.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn reject(&mut self, index: usize, reason: impl Into<String>) {
        self.refuse(index, FailureKind::Stage, reason.into());
    }

    #[cold]
    pub(super) fn refuse(&mut self, index: usize, kind: FailureKind, reason: String) {
        let stage = self.stage.clone();
        let failure = Failure {
            stage,
            kind,
            reason,
        };
        self.refuse_with(index, failure);
    }

    pub(super) fn refuse_with(&mut self, index: usize, failure: Failure) {
        let slot = &mut self.slots[index];
        if slot.is_delivered() {
            slot.outcome = Outcome::Rejected(Box::new(failure));
            self.rejected += 1;
        }
    }

    /// Rejects all that are left.
    #[cold]
    pub(super) fn refuse_all(&mut self, kind: FailureKind, reason: &str) {
        for index in 0..self.slots.len() {
            self.refuse(index, kind, reason.to_owned());
        }
    }

    /// Takes the place of the records of before.
    pub(super) fn fill(&mut self, records: &mut Vec<Record>) {
        debug_assert!(self.slots.is_empty(), "the last batch was put out");
        (self.filtered, self.rejected) = (0, 0);
        self.slots.extend(records.drain(..).map(|record| Processed {
            record,
            started_ns: 0,
            ended_ns: 0,
            outcome: Outcome::Delivered,
        }));
        self.slots.make_contiguous();
    }

    /// Names the stage that works from here on.
    pub(super) fn enter(&mut self, stage: &Arc<str>) {
        self.stage = stage.clone();
    }

    /// Left out and rejected so far.
    pub(super) const fn taken_out(&self) -> (usize, usize) {
        (self.filtered, self.rejected)
    }

    pub(super) const fn slots_mut(&mut self) -> &mut VecDeque<Processed> {
        &mut self.slots
    }

    /// Keeps the records that `keep` says yes to; one that it panics on is rejected.
    pub(super) fn keep(&mut self, keep: impl Fn(&Record) -> bool) {
        self.each(|record| match keep(record) {
            true => Verdict::Pass,
            false => Verdict::Filter,
        });
    }

    /// Changes each record; one that `update` fails or panics on is rejected.
    pub(super) fn update<E: fmt::Display>(
        &mut self,
        update: impl Fn(&mut Record) -> Result<(), E>,
    ) {
        self.each(|record| match update(record) {
            Ok(()) => Verdict::Pass,
            Err(error) => Verdict::Reject(error.to_string()),
        });
    }

    /// Shows the whole batch to `work`; if it panics, nobody knows on which record, and all that
    /// are left are rejected.
    pub(super) fn whole(&mut self, work: impl FnOnce(&mut Self)) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(self))) {
            self.refuse_all(FailureKind::Panic, &panicked(&*panic));
        }
    }

    fn each(&mut self, decide: impl Fn(&mut Record) -> Verdict) {
        self.cursor = 0;
        // One guard for all: it is entered again only behind a record that panicked.
        while let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.rest(&decide))) {
            self.refuse(self.cursor, FailureKind::Panic, panicked(&*panic));
            self.cursor += 1;
        }
    }

    /// Decides on the records from the cursor on.
    #[inline]
    fn rest(&mut self, decide: impl Fn(&mut Record) -> Verdict) {
        while let Some(slot) = self.slots.get_mut(self.cursor) {
            if slot.is_delivered() {
                match decide(&mut slot.record) {
                    Verdict::Pass => {}
                    Verdict::Filter => self.filter(self.cursor),
                    Verdict::Reject(reason) => {
                        self.refuse(self.cursor, FailureKind::Stage, reason);
                    }
                }
            }
            self.cursor += 1;
        }
    }
}

/// What a stage says of one record.
enum Verdict {
    Pass,
    Filter,
    Reject(String),
}

fn panicked(panic: &(dyn Any + Send)) -> String {
    format!("panicked: {}", panic_message(panic))
}
