//! New columns computed from the others.

use std::sync::Arc;

use pelton_record::{Batch, Column, Field, RejectedKind, Schema};

use crate::expression::Bound;
use crate::{Error, Expression, Stage};

/// Adds columns, each of which may use those before it. A column whose name is there already is
/// replaced where it stands. Rows on which an expression fails are refused.
///
/// ```
/// use pelton_record::{Batch, Column, DataType, Schema, Value};
/// use pelton_stage::{Derive, Expression, Stage};
///
/// let schema = Schema::of([("net", DataType::Decimal { scale: 2 })]).into();
/// let columns = [
///     ("tax", Expression::parse("round(net * 0.19, 2)")?),
///     ("gross", Expression::parse("net + tax")?),
/// ];
/// let derive = Derive::new(columns, &schema)?;
/// let mut batch = Batch::from_columns(schema, vec![Column::decimal([1000], 2)]);
/// derive.apply(&mut batch)?;
/// assert_eq!(batch.column(2).value(0).to_string(), "11.90");
/// # Ok::<(), pelton_stage::Error>(())
/// ```
#[derive(Debug)]
pub struct Derive {
    name: Arc<str>,
    steps: Vec<Step>,
    output: Arc<Schema>,
}

/// One column, and the schema once it is there.
#[derive(Debug)]
struct Step {
    expression: Bound,
    index: usize,
    schema: Arc<Schema>,
}

impl Derive {
    /// Computes `columns`, names and expressions, for batches with `input`'s columns.
    ///
    /// # Errors
    ///
    /// When an expression does not bind to the columns before it.
    pub fn new<N: Into<String>>(
        columns: impl IntoIterator<Item = (N, Expression)>,
        input: &Arc<Schema>,
    ) -> Result<Self, Error> {
        let mut output = input.clone();
        let mut steps = Vec::new();
        for (name, expression) in columns {
            let step = Step::new(name.into(), &expression, &output)?;
            output = step.schema.clone();
            steps.push(step);
        }
        Ok(Self {
            name: "derive".into(),
            steps,
            output,
        })
    }

    /// The same stage under another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }
}

impl Step {
    fn new(name: String, expression: &Expression, input: &Schema) -> Result<Self, Error> {
        let expression = expression.bind(input)?;
        let mut fields = input.fields().to_vec();
        let index = fields.iter().position(|field| field.name == name);
        let index = index.unwrap_or(fields.len());
        let field = Field {
            name,
            data_type: expression.data_type(),
        };
        if index == fields.len() {
            fields.push(field);
        } else {
            fields[index] = field;
        }
        Ok(Self {
            expression,
            index,
            schema: Schema::new(fields).into(),
        })
    }

    /// Puts the column in, and lists the rows that failed with their reasons.
    fn apply(&self, batch: &mut Batch, failed: &mut Vec<(u32, String)>) {
        let (column, failures) = self.expression.eval(batch).into_parts();
        let column = column.into_owned();
        let text = self.expression.text();
        let reasons = failures.into_iter();
        failed.extend(reasons.map(|failure| (failure.row, format!("{text}: {}", failure.reason))));
        let mut columns = batch.take_columns();
        put(&mut columns, self.index, column);
        batch.set_columns(self.schema.clone(), columns);
    }
}

fn put(columns: &mut Vec<Column>, index: usize, column: Column) {
    if index == columns.len() {
        columns.push(column);
    } else {
        columns[index] = column;
    }
}

impl Stage for Derive {
    fn name(&self) -> &str {
        &self.name
    }

    fn output(&self) -> &Arc<Schema> {
        &self.output
    }

    fn apply(&self, batch: &mut Batch) -> Result<(), Error> {
        let mut failed = Vec::new();
        for step in &self.steps {
            step.apply(batch, &mut failed);
        }
        batch.reject(&self.name, RejectedKind::Expression, failed);
        Ok(())
    }
}
