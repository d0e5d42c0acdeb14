//! Which columns a batch has, in which order and under which names.

use std::borrow::Cow;
use std::sync::Arc;

use pelton_record::{Batch, Column, Field, RejectedKind, Schema, spare};

use crate::expression::Bound;
use crate::{Error, ErrorKind, Expression, Stage};

/// Replaces the columns by others, computed or taken over. Rows on which an expression fails are
/// refused.
///
/// ```
/// use pelton_record::{Batch, Column, DataType, Schema};
/// use pelton_stage::{Expression, Select, Stage};
///
/// let schema = Schema::of([("a", DataType::Int64), ("b", DataType::Int64)]).into();
/// let columns = [("b", Expression::column("b")), ("sum", Expression::parse("a + b")?)];
/// let select = Select::new(columns, &schema)?;
/// assert_eq!(select.output().to_string(), "b int64, sum int64");
/// # Ok::<(), pelton_stage::Error>(())
/// ```
#[derive(Debug)]
pub struct Select {
    name: Arc<str>,
    expressions: Vec<Bound>,
    output: Arc<Schema>,
}

impl Select {
    /// Gives batches with `input`'s columns these `columns`: names and expressions, in order.
    ///
    /// # Errors
    ///
    /// When an expression does not bind, or a name comes twice.
    pub fn new<N: Into<String>>(
        columns: impl IntoIterator<Item = (N, Expression)>,
        input: &Arc<Schema>,
    ) -> Result<Self, Error> {
        let mut fields = Vec::new();
        let mut expressions = Vec::new();
        for (name, expression) in columns {
            let bound = expression.bind(input)?;
            let data_type = bound.data_type();
            fields.push(Field {
                name: name.into(),
                data_type,
            });
            expressions.push(bound);
        }
        Self::of("select", fields, expressions)
    }

    /// Gives columns other names, as pairs of old and new; the others stay as they are.
    ///
    /// # Errors
    ///
    /// When a column is unknown, or a name comes twice.
    pub fn rename<F: AsRef<str>, T: Into<String>>(
        names: impl IntoIterator<Item = (F, T)>,
        input: &Arc<Schema>,
    ) -> Result<Self, Error> {
        let mut fields = input.fields().to_vec();
        for (from, to) in names {
            fields[known(from.as_ref(), input)?].name = to.into();
        }
        Self::of("rename", fields, all(input, |_| true)?)
    }

    /// Leaves out the columns `names`.
    ///
    /// # Errors
    ///
    /// When a column is unknown.
    pub fn without<N: AsRef<str>>(
        names: impl IntoIterator<Item = N>,
        input: &Arc<Schema>,
    ) -> Result<Self, Error> {
        let mut kept = vec![true; input.len()];
        for name in names {
            kept[known(name.as_ref(), input)?] = false;
        }
        let fields = input.fields().iter().zip(&kept);
        let fields = fields
            .filter(|(_, kept)| **kept)
            .map(|(field, _)| field.clone());
        Self::of("drop", fields.collect(), all(input, |index| kept[index])?)
    }

    /// The same stage under another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    fn of(name: &str, fields: Vec<Field>, expressions: Vec<Bound>) -> Result<Self, Error> {
        for (index, field) in fields.iter().enumerate() {
            if fields[..index].iter().any(|other| other.name == field.name) {
                let message = format!("two columns would be called `{}`", field.name);
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        }
        Ok(Self {
            name: name.into(),
            expressions,
            output: Schema::new(fields).into(),
        })
    }
}

/// The index of a column that must be there.
fn known(name: &str, input: &Schema) -> Result<usize, Error> {
    match input.index_of(name) {
        Some(index) => Ok(index),
        None => Expression::column(name)
            .bind(input)
            .map(|_| unreachable!("it is unknown")),
    }
}

/// The columns of `input` that `kept` wants, as they are.
fn all(input: &Schema, kept: impl Fn(usize) -> bool) -> Result<Vec<Bound>, Error> {
    let fields = input
        .fields()
        .iter()
        .enumerate()
        .filter(|(index, _)| kept(*index));
    fields
        .map(|(_, field)| Expression::column(&field.name).bind(input))
        .collect()
}

impl Stage for Select {
    fn name(&self) -> &str {
        &self.name
    }

    fn output(&self) -> &Arc<Schema> {
        &self.output
    }

    fn apply(&self, batch: &mut Batch) -> Result<(), Error> {
        let mut failed = Vec::new();
        let mut computed = Vec::with_capacity(self.expressions.len());
        for expression in &self.expressions {
            if let Some(index) = expression.as_column() {
                computed.push(Source::Input(index));
                continue;
            }
            let (column, failures) = expression.eval(batch).into_parts();
            computed.push(Source::Computed(Cow::into_owned(column)));
            let text = expression.text();
            let reasons = failures.into_iter();
            failed.extend(
                reasons.map(|failure| (failure.row, format!("{text}: {}", failure.reason))),
            );
        }
        replace(batch, computed, &self.output);
        batch.reject(&self.name, RejectedKind::Expression, failed);
        Ok(())
    }
}

/// Where a column of the output comes from.
enum Source {
    Input(usize),
    Computed(Column),
}

/// Puts the columns of `sources` in. A column of the input is moved out by the last that wants it.
fn replace(batch: &mut Batch, sources: Vec<Source>, output: &Arc<Schema>) {
    let mut left = vec![0; batch.columns().len()];
    for source in &sources {
        if let Source::Input(index) = source {
            left[*index] += 1;
        }
    }
    let mut inputs: Vec<Option<Column>> = batch.take_columns().into_iter().map(Some).collect();
    let mut take = |index: usize| {
        left[index] -= 1;
        let input = &mut inputs[index];
        let column = if left[index] == 0 {
            input.take()
        } else {
            input.clone()
        };
        column.expect("a column is there until the last that wants it")
    };
    let column = |source| match source {
        Source::Input(index) => take(index),
        Source::Computed(column) => column,
    };
    let columns = spare::collect(sources.into_iter().map(column));
    batch.set_columns(output.clone(), columns);
}
