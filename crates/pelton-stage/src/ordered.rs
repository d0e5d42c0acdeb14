//! Steps that see an input in its order.

use pelton_record::Batch;

use crate::Error;

/// State that sees the batches of an input one after the other, in their order, and gives rows
/// while they come: what a [`Fold`](crate::Fold) is to an input without an end, and what one that
/// [needs the order](crate::Fold::needs_order) is to any.
///
/// There is one for a pipeline, not one for each worker, so that what comes out depends on the
/// input alone.
pub trait Ordered: Send {
    /// Takes in `batch` and puts what is to go on behind `out`. Rows are refused in `batch`, or
    /// go on in a batch of `out`, or stay here; [`Passed`] says how many did what.
    ///
    /// # Errors
    ///
    /// When the state has outgrown its memory.
    fn pass(&mut self, batch: &mut Batch, out: &mut Vec<Batch>) -> Result<Passed, Error>;

    /// The input is at its end: puts what is still held behind `out`.
    ///
    /// # Errors
    ///
    /// As [`pass`](Self::pass).
    fn finish(&mut self, out: &mut Vec<Batch>) -> Result<Passed, Error>;

    /// The first batch, counted from 0 by calls to [`pass`](Self::pass), from which on the input
    /// would have to come again for the state to be what it is now; the next one when no earlier
    /// one is needed.
    fn needs(&self) -> u64;

    /// How far its time has come, for [`resume`](Self::resume); nothing when it knows none.
    fn watermark(&self) -> Option<i64> {
        None
    }

    /// Goes on from a watermark that an earlier state had: what was closed then stays closed.
    fn resume(&mut self, _watermark: i64) {}

    /// From now on notes what changes, for [`changes`](Self::changes). False when it cannot: it can
    /// be made again from the input alone.
    fn note_changes(&mut self) -> bool {
        false
    }

    /// What has changed since this was asked the last time, in words for
    /// [`restore`](Self::restore); empty when nothing has.
    fn changes(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// Makes a change that a state of the same step told of, in an earlier process perhaps. All of
    /// them one after the other make this state what that one was; each counts as a call to
    /// [`pass`](Self::pass). False when it is a change of another step, and nothing was done.
    ///
    /// # Errors
    ///
    /// When the state has outgrown its memory.
    fn restore(&mut self, _changes: &[u8]) -> Result<bool, Error> {
        Ok(false)
    }
}

/// What became of rows, but for those that were refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Rows that went into figures.
    pub folded: u64,
    /// Rows made of figures.
    pub made: u64,
    /// Rows whose key had been seen before.
    pub deduplicated: u64,
}

impl Passed {
    /// Adds another count.
    pub const fn add(&mut self, other: Self) {
        self.folded += other.folded;
        self.made += other.made;
        self.deduplicated += other.deduplicated;
    }
}
