//! Rules that rows must keep.

use std::sync::Arc;

use pelton_record::{Batch, RejectedKind, Schema};

use crate::expression::Bound;
use crate::filter::predicate_of;
use crate::{Error, Expression, Stage};

/// Refuses the rows that break a rule, with the name of the first rule that they break.
///
/// A rule is broken when it is false; null keeps it, as with SQL's `CHECK`. A row on which a rule
/// fails is refused as well.
///
/// ```
/// use pelton_record::{Batch, Column, DataType, RejectedKind, Schema};
/// use pelton_stage::{Expression, Stage, Validate};
///
/// let schema = Schema::of([("quantity", DataType::Int64)]).into();
/// let rules = [("positive", Expression::parse("quantity > 0")?)];
/// let validate = Validate::new(rules, &schema)?;
/// let mut batch = Batch::from_columns(schema, vec![Column::int64([1, -1])]);
/// validate.apply(&mut batch)?;
/// assert_eq!(batch.rows(), 1);
/// assert_eq!(batch.rejected()[0].kind, RejectedKind::Rule);
/// assert_eq!(batch.rejected()[0].reason, "positive");
/// # Ok::<(), pelton_stage::Error>(())
/// ```
#[derive(Debug)]
pub struct Validate {
    name: Arc<str>,
    rules: Vec<(String, Bound)>,
    output: Arc<Schema>,
}

impl Validate {
    /// Holds batches with `input`'s columns to `rules`: names and conditions.
    ///
    /// # Errors
    ///
    /// When a condition does not bind, or is not bool.
    pub fn new<N: Into<String>>(
        rules: impl IntoIterator<Item = (N, Expression)>,
        input: &Arc<Schema>,
    ) -> Result<Self, Error> {
        let rule = |(name, condition): (N, Expression)| {
            Ok((name.into(), predicate_of(&condition, input)?))
        };
        Ok(Self {
            name: "validate".into(),
            rules: rules.into_iter().map(rule).collect::<Result<_, Error>>()?,
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

impl Stage for Validate {
    fn name(&self) -> &str {
        &self.name
    }

    fn output(&self) -> &Arc<Schema> {
        &self.output
    }

    fn apply(&self, batch: &mut Batch) -> Result<(), Error> {
        for (name, condition) in &self.rules {
            let tested = condition.test(batch);
            if tested.failures.is_empty() && !tested.no.any() {
                continue;
            }
            let mut broken = tested.no;
            // Failed rows go first; the rows that broke the rule are counted anew without them.
            if !tested.failures.is_empty() {
                let failed = crate::filter::rows_of(&tested.failures, batch.rows());
                crate::filter::refuse(batch, &self.name, condition.text(), tested.failures);
                broken.retain(&failed.not());
            }
            // A batch comes from a block of less than 4 GiB, so a row's number fits.
            let rows = broken
                .ones()
                .map(|row| (row as u32, name.clone()))
                .collect();
            batch.reject(&self.name, RejectedKind::Rule, rows);
        }
        Ok(())
    }
}
