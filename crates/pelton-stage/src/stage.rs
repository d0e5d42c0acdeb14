//! What a stage is.

use std::sync::Arc;

use pelton_record::{Batch, Schema};

use crate::Error;

/// Where rows went that a stage took out of a batch without refusing them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dropped {
    /// A predicate did not hold.
    #[default]
    Filtered,
    /// The key had been seen before.
    Deduplicated,
}

/// A step that works on one batch at a time and remembers nothing about it.
///
/// One instance serves all workers at once. Rows leave in one of two ways, and both are counted:
/// dropped ([`Batch::retain`]) or refused with a reason ([`Batch::reject`]).
pub trait Stage: Send + Sync {
    /// The name in reports and errors.
    fn name(&self) -> &str;

    /// The columns of every batch that leaves it.
    fn output(&self) -> &Arc<Schema>;

    /// What it means when rows are missing afterwards that were not refused.
    fn dropped(&self) -> Dropped {
        Dropped::Filtered
    }

    /// Works on `batch` in place.
    ///
    /// # Errors
    ///
    /// When the stage cannot go on at all (out of its memory budget, say); what is wrong with
    /// single rows is no error, those are refused.
    fn apply(&self, batch: &mut Batch) -> Result<(), Error>;
}
