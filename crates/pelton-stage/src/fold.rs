//! Steps that take in all rows before they give any.

pub(crate) mod crew;
pub(crate) mod keys;
pub(crate) mod log;
pub(crate) mod memory;
pub(crate) mod note;
pub(crate) mod ordered_keys;
pub(crate) mod pieces;
pub(crate) mod position;
pub(crate) mod runs;
pub(crate) mod set;
pub(crate) mod spill;
pub(crate) mod table;

use std::any::Any;
use std::sync::Arc;

use pelton_pool::Budget;
use pelton_record::{Batch, Schema};

use self::crew::Crew;
use crate::{Dropped, Error, Ordered};

/// A step that folds all its input into state and gives rows at the end: an aggregate, a sort.
///
/// Every worker folds into a state of its own; the states are merged at the end. The outcome must
/// not depend on which worker saw which batch: where order matters, states go by
/// [`Batch::origin`].
pub trait Fold: Send + Sync {
    /// The name in reports and errors.
    fn name(&self) -> &str;

    /// The columns of the batches that come out.
    fn output(&self) -> &Arc<Schema>;

    /// What it means when fewer rows come out than went in; absent when the rows that come out
    /// are not those that went in.
    fn dropped(&self) -> Option<Dropped> {
        None
    }

    /// True when rows must be taken in in the order of the input, which no worker sees on its own:
    /// then [`ordered`](Self::ordered) state is what is to be used.
    fn needs_order(&self) -> bool {
        false
    }

    /// Empty state for one worker, whose memory is taken from `budget`.
    fn state(&self, budget: &Budget) -> Box<dyn FoldState>;

    /// State for an input without an end, which gives rows while the input comes; nothing when
    /// this fold has to see the end.
    fn ordered(&self, _budget: &Budget) -> Option<Box<dyn Ordered>> {
        None
    }
}

/// What one worker has folded so far.
pub trait FoldState: Send {
    /// Takes in the rows of `batch`, refusing those that fail.
    ///
    /// # Errors
    ///
    /// When the state has outgrown its memory.
    fn fold(&mut self, batch: &mut Batch) -> Result<(), Error>;

    /// Takes in the state of another worker, made by the same [`Fold`].
    ///
    /// # Errors
    ///
    /// When the state has outgrown its memory.
    fn merge(&mut self, other: Box<dyn FoldState>) -> Result<(), Error>;

    /// False when no row of block `sequence`, or of a later one, can change the outcome any more,
    /// so that reading may stop there.
    fn wants(&self, _sequence: u64) -> bool {
        true
    }

    /// Gives the rows, in batches of bounded size.
    ///
    /// # Errors
    ///
    /// When there is no memory for a batch, or a result cannot be represented.
    fn finish(
        self: Box<Self>,
    ) -> Result<Box<dyn Iterator<Item = Result<Batch, Error>> + Send>, Error>;

    /// Merges `others` into itself and gives the rows: the same as one after the other, with what
    /// can be done in pieces left to `crew`.
    ///
    /// # Errors
    ///
    /// As [`merge`](Self::merge) and [`finish`](Self::finish).
    fn finish_with(
        mut self: Box<Self>,
        others: Vec<Box<dyn FoldState>>,
        _crew: &dyn Crew,
    ) -> Result<Box<dyn Iterator<Item = Result<Batch, Error>> + Send>, Error> {
        others.into_iter().try_for_each(|other| self.merge(other))?;
        self.finish()
    }

    /// Itself, for [`merge`](Self::merge) to take apart.
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

/// The state of another worker as what it is.
///
/// # Panics
///
/// When it was made by a fold of another kind, which is a caller's mistake.
pub(crate) fn own<S: FoldState + 'static>(state: Box<dyn FoldState>) -> S {
    let state = state.into_any().downcast();
    *state.expect("states of one fold are merged")
}
