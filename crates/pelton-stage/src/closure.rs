//! Stages made of closures.

use std::fmt;
use std::sync::Arc;

use pelton_record::{Batch, Bitmap, RejectedKind, Schema, Value};

use crate::{Error, Stage};

/// One record, as a closure of [`OnRecord`] sees it.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    batch: &'a Batch,
    row: usize,
}

impl<'a> Row<'a> {
    /// The value of the column `name`; nothing when there is no such column.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        let index = self.batch.schema().index_of(name)?;
        Some(self.at(index))
    }

    /// The value of column `index`.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn at(&self, index: usize) -> Value<'a> {
        self.batch.column(index).value(self.row)
    }
}

/// Asks a closure about every record: whether it stays, or why it is refused.
///
/// ```
/// use pelton_record::{Batch, Column, DataType, Schema, Value};
/// use pelton_stage::{OnRecord, Stage};
///
/// let schema = Schema::of([("n", DataType::Int64)]).into();
/// let small = OnRecord::new("small", &schema, |row| match row.at(0) {
///     Value::Int64(n) if n < 0 => Err(format!("{n} is negative")),
///     Value::Int64(n) => Ok(n < 10),
///     _ => Ok(true),
/// });
/// let mut batch = Batch::from_columns(schema, vec![Column::int64([5, 50, -1])]);
/// small.apply(&mut batch)?;
/// assert_eq!(batch.rows(), 1);
/// assert_eq!(batch.rejected()[0].reason, "-1 is negative");
/// # Ok::<(), pelton_stage::Error>(())
/// ```
pub struct OnRecord<F> {
    name: Arc<str>,
    output: Arc<Schema>,
    keep: F,
}

impl<F: Fn(Row<'_>) -> Result<bool, String> + Send + Sync> OnRecord<F> {
    /// A stage called `name` for batches with `input`'s columns: `keep` says for each record
    /// whether it stays, or the reason why it is refused.
    pub fn new(name: &str, input: &Arc<Schema>, keep: F) -> Self {
        Self {
            name: name.into(),
            output: input.clone(),
            keep,
        }
    }
}

impl<F> fmt::Debug for OnRecord<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnRecord")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<F: Fn(Row<'_>) -> Result<bool, String> + Send + Sync> Stage for OnRecord<F> {
    fn name(&self) -> &str {
        &self.name
    }

    fn output(&self) -> &Arc<Schema> {
        &self.output
    }

    fn apply(&self, batch: &mut Batch) -> Result<(), Error> {
        let mut refused = Vec::new();
        let rows = batch.rows();
        let mut keep = Bitmap::from_fn(rows, |row| {
            (self.keep)(Row { batch, row }).unwrap_or_else(|reason| {
                // A batch comes from a block of less than 4 GiB, so a row's number fits.
                refused.push((row as u32, reason));
                false
            })
        });
        if !refused.is_empty() {
            let mut left = Bitmap::new(rows, true);
            refused
                .iter()
                .for_each(|(row, _)| left.set(*row as usize, false));
            batch.reject(&self.name, RejectedKind::Rule, refused);
            keep.retain(&left);
        }
        batch.retain(&keep);
        Ok(())
    }
}

/// Gives every batch to a closure, which drops rows, refuses them, or replaces columns by others
/// of the same types.
///
/// ```
/// use pelton_record::{Batch, Column, DataType, Schema, Value};
/// use pelton_stage::{OnBatch, Stage};
///
/// let schema = Schema::of([("n", DataType::Int64)]).into();
/// let doubled = OnBatch::new("doubled", &schema, |batch| {
///     let doubled = |row| match batch.column(0).value(row) {
///         Value::Int64(n) => 2 * n,
///         _ => 0,
///     };
///     let column = Column::int64((0..batch.rows()).map(doubled));
///     let schema = batch.schema().clone();
///     batch.set_columns(schema, vec![column]);
///     Ok(())
/// });
/// let mut batch = Batch::from_columns(schema, vec![Column::int64([5, 50])]);
/// doubled.apply(&mut batch)?;
/// assert_eq!(batch.column(0).value(1), Value::Int64(100));
/// # Ok::<(), pelton_stage::Error>(())
/// ```
pub struct OnBatch<F> {
    name: Arc<str>,
    output: Arc<Schema>,
    work: F,
}

impl<F: Fn(&mut Batch) -> Result<(), Error> + Send + Sync> OnBatch<F> {
    /// A stage called `name` for batches with `input`'s columns, which `work` leaves as they are
    /// called and typed.
    pub fn new(name: &str, input: &Arc<Schema>, work: F) -> Self {
        Self {
            name: name.into(),
            output: input.clone(),
            work,
        }
    }
}

impl<F> fmt::Debug for OnBatch<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnBatch")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<F: Fn(&mut Batch) -> Result<(), Error> + Send + Sync> Stage for OnBatch<F> {
    fn name(&self) -> &str {
        &self.name
    }

    fn output(&self) -> &Arc<Schema> {
        &self.output
    }

    fn apply(&self, batch: &mut Batch) -> Result<(), Error> {
        (self.work)(batch)
    }
}
