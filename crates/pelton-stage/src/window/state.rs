//! Windows that close as time goes on, or at the end.

use std::any::Any;
use std::sync::Arc;

use pelton_record::{Batch, Bitmap, RejectedKind, Values};

use super::Plan;
use crate::fold::own;
use crate::{Error, FoldState, Ordered, Passed};

/// Open windows of one kind.
pub(super) trait Stretches: Send {
    /// Takes in rows with their times; none is null. `sequence` numbers the batch, and windows that
    /// end at `watermark` or before stay closed.
    fn take(
        &mut self,
        batch: &Batch,
        times: &[i64],
        sequence: u64,
        watermark: i64,
    ) -> Result<(), Error>;

    /// Closes what ends at `watermark` or before, and puts its rows behind `out`.
    fn close(&mut self, watermark: i64, out: &mut Vec<Batch>) -> Result<(), Error>;

    /// True when a row of time `at` could only be in windows that end at `watermark` or before.
    fn is_late(&self, at: i64, watermark: i64) -> bool;

    /// The number of the first batch with rows in what is open.
    fn oldest(&self) -> Option<u64>;

    fn merge(&mut self, other: Box<dyn Stretches>) -> Result<(), Error>;

    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

/// The rows that have a time, and the times; the others are refused.
fn timed(plan: &Plan, batch: &mut Batch) -> Vec<i64> {
    let column = batch.column(plan.time);
    if column.null_count() > 0 {
        let nulls = (0..batch.rows()).filter(|&row| column.is_null(row));
        let reason = || "it has no time".to_owned();
        let rows = nulls.map(|row| (row as u32, reason())).collect();
        batch.reject(&plan.name, RejectedKind::Value, rows);
    }
    match batch.column(plan.time).values() {
        Values::Timestamp(times) => times.clone(),
        _ => Vec::new(),
    }
}

/// An input without an end: windows close behind the watermark.
pub(super) struct Watermarked {
    plan: Arc<Plan>,
    open: Box<dyn Stretches>,
    watermark: i64,
    batches: u64,
}

impl Watermarked {
    pub(super) fn new(plan: Arc<Plan>, open: Box<dyn Stretches>) -> Self {
        Self {
            plan,
            open,
            watermark: i64::MIN,
            batches: 0,
        }
    }

    fn refuse_late(&self, batch: &mut Batch, times: &mut Vec<i64>) {
        let late = |at: i64| self.open.is_late(at, self.watermark);
        if !times.iter().any(|&at| late(at)) {
            return;
        }
        let rows = times.iter().enumerate().filter(|(_, at)| late(**at));
        let reason = "it came late: its window was closed".to_owned();
        let rows = rows.map(|(row, _)| (row as u32, reason.clone())).collect();
        batch.reject(&self.plan.name, RejectedKind::Late, rows);
        times.retain(|&at| !late(at));
    }
}

impl Ordered for Watermarked {
    fn pass(&mut self, batch: &mut Batch, out: &mut Vec<Batch>) -> Result<Passed, Error> {
        let sequence = self.batches;
        self.batches += 1;
        let mut times = timed(&self.plan, batch);
        self.refuse_late(batch, &mut times);
        let Some(latest) = times.iter().max().copied() else {
            return Ok(Passed::default());
        };
        self.open.take(batch, &times, sequence, self.watermark)?;
        let reached = latest.saturating_sub(self.plan.lateness);
        let before = out.len();
        if reached > self.watermark {
            self.watermark = reached;
            self.open.close(reached, out)?;
        }
        let made = out[before..].iter().map(|batch| batch.rows() as u64).sum();
        Ok(Passed {
            folded: times.len() as u64,
            made,
            ..Passed::default()
        })
    }

    fn finish(&mut self, out: &mut Vec<Batch>) -> Result<Passed, Error> {
        let before = out.len();
        self.open.close(i64::MAX, out)?;
        let made = out[before..].iter().map(|batch| batch.rows() as u64).sum();
        Ok(Passed {
            made,
            ..Passed::default()
        })
    }

    fn needs(&self) -> u64 {
        self.open.oldest().unwrap_or(self.batches)
    }

    fn watermark(&self) -> Option<i64> {
        (self.watermark > i64::MIN).then_some(self.watermark)
    }

    fn resume(&mut self, watermark: i64) {
        self.watermark = watermark;
    }
}

/// An input with an end: windows are given when all is in.
pub(super) struct Folded {
    plan: Arc<Plan>,
    open: Box<dyn Stretches>,
}

impl Folded {
    pub(super) const fn new(plan: Arc<Plan>, open: Box<dyn Stretches>) -> Self {
        Self { plan, open }
    }
}

impl FoldState for Folded {
    fn fold(&mut self, batch: &mut Batch) -> Result<(), Error> {
        let times = timed(&self.plan, batch);
        self.open.take(batch, &times, 0, i64::MIN)
    }

    fn merge(&mut self, other: Box<dyn FoldState>) -> Result<(), Error> {
        self.open.merge(own::<Self>(other).open)
    }

    fn finish(
        mut self: Box<Self>,
    ) -> Result<Box<dyn Iterator<Item = Result<Batch, Error>> + Send>, Error> {
        let mut out = Vec::new();
        self.open.close(i64::MAX, &mut out)?;
        Ok(Box::new(out.into_iter().map(Ok)))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// The rows of `batch` for which `keep` holds.
pub(super) fn part(batch: &Batch, keep: impl FnMut(usize) -> bool) -> Batch {
    let mut part = batch.clone();
    part.retain(&Bitmap::from_fn(batch.rows(), keep));
    part
}
