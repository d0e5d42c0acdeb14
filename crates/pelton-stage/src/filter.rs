//! Rows for which a predicate is true.

use std::sync::Arc;

use pelton_record::{Batch, Bitmap, DataType, RejectedKind, Schema};

use crate::expression::{Bound, Failure};
use crate::{Error, ErrorKind, Expression, Stage};

/// Keeps the rows for which a predicate is true; those for which it is false or null are dropped,
/// those on which it fails are refused.
///
/// ```
/// use pelton_record::{Batch, Column, DataType, Schema};
/// use pelton_stage::{Expression, Filter, Stage};
///
/// let schema = Schema::of([("x", DataType::Int64)]).into();
/// let filter = Filter::new(&Expression::parse("100 / x > 20")?, &schema)?;
/// let mut batch = Batch::from_columns(schema, vec![Column::int64([4, 5, 0])]);
/// filter.apply(&mut batch)?;
/// assert_eq!(batch.rows(), 1);
/// assert_eq!(batch.rejected()[0].reason, "100 / x > 20: division by zero");
/// # Ok::<(), pelton_stage::Error>(())
/// ```
#[derive(Debug)]
pub struct Filter {
    name: Arc<str>,
    predicate: Bound,
    output: Arc<Schema>,
}

impl Filter {
    /// A filter of batches with `input`'s columns.
    ///
    /// # Errors
    ///
    /// When the predicate does not bind to them, or is not bool.
    pub fn new(predicate: &Expression, input: &Arc<Schema>) -> Result<Self, Error> {
        Ok(Self {
            name: "filter".into(),
            predicate: predicate_of(predicate, input)?,
            output: input.clone(),
        })
    }

    /// The same stage under another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }
}

impl Stage for Filter {
    fn name(&self) -> &str {
        &self.name
    }

    fn output(&self) -> &Arc<Schema> {
        &self.output
    }

    fn apply(&self, batch: &mut Batch) -> Result<(), Error> {
        let tested = self.predicate.test(batch);
        let mut keep = tested.yes;
        if !tested.failures.is_empty() {
            let failed = rows_of(&tested.failures, batch.rows());
            refuse(batch, &self.name, self.predicate.text(), tested.failures);
            keep.retain(&failed.not());
        }
        batch.retain(&keep);
        Ok(())
    }
}

/// `expression` bound as a predicate.
pub(crate) fn predicate_of(expression: &Expression, input: &Schema) -> Result<Bound, Error> {
    let bound = expression.bind(input)?;
    if bound.data_type() == DataType::Bool {
        return Ok(bound);
    }
    let message = format!("`{expression}` is {}, not a condition", bound.data_type());
    let error = Error::new(ErrorKind::Type, message);
    Err(match expression.position() {
        Some(position) => error.at(position),
        None => error,
    })
}

/// A bit for each row that failed.
pub(crate) fn rows_of(failures: &[Failure], rows: usize) -> Bitmap {
    let mut bits = Bitmap::new(rows, false);
    failures
        .iter()
        .for_each(|failure| bits.set(failure.row as usize, true));
    bits
}

/// Refuses the rows on which the expression `text` failed.
#[cold]
pub(crate) fn refuse(batch: &mut Batch, stage: &Arc<str>, text: &str, failures: Vec<Failure>) {
    let reason = |failure: Failure| (failure.row, format!("{text}: {}", failure.reason));
    let rows = failures.into_iter().map(reason).collect();
    batch.reject(stage, RejectedKind::Expression, rows);
}
