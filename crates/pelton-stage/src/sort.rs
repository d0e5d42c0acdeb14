//! Rows in order, or the first few of them.

mod key;
mod rows;
mod state;

use std::sync::Arc;

use pelton_pool::Budget;
use pelton_record::{DataType, Schema};

use self::state::State;
use crate::{Dropped, Error, ErrorKind, Fold, FoldState, Spill};

/// One column to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// Which column of the input.
    pub column: usize,
    /// Largest first.
    pub descending: bool,
    /// Whether nulls come before all values.
    pub nulls_first: bool,
}

impl SortKey {
    /// Smallest first, nulls last.
    #[must_use]
    pub const fn ascending(column: usize) -> Self {
        Self {
            column,
            descending: false,
            nulls_first: false,
        }
    }

    /// Largest first, and nulls before that, as PostgreSQL has it.
    #[must_use]
    pub const fn descending(column: usize) -> Self {
        Self {
            column,
            descending: true,
            nulls_first: true,
        }
    }

    /// The same, with nulls first or last.
    #[must_use]
    pub const fn nulls_first(self, nulls_first: bool) -> Self {
        Self {
            nulls_first,
            ..self
        }
    }
}

/// Sorts rows: SQL's `ORDER BY`, with or without `LIMIT` and `OFFSET`.
///
/// Rows with equal keys stay in the order of the input, whatever the number of workers. Text and
/// bytes are ordered byte by byte, NaN after all numbers, and false before true. Without keys the
/// order is that of the input, so that a limit gives its first rows.
///
/// With a limit, no more than about twice as many rows are kept. Without, all are: as compact
/// bytes, a few more than their values have.
///
/// ```
/// use pelton_pool::Budget;
/// use pelton_record::{Batch, Column, DataType, Schema, Value};
/// use pelton_stage::{Fold, Sort, SortKey};
///
/// let schema = Schema::of([("city", DataType::String), ("trips", DataType::Int64)]).into();
/// let sort = Sort::new(vec![SortKey::descending(1)], &schema)?.limit(2);
///
/// let columns = vec![Column::strings(["Oslo", "Bern", "Rome"]), Column::int64([7, 3, 12])];
/// let mut state = sort.state(&Budget::unlimited());
/// state.fold(&mut Batch::from_columns(schema, columns))?;
///
/// let rows = state.finish()?.next().unwrap()?;
/// assert_eq!(rows.rows(), 2);
/// assert_eq!(rows.column(0).value(0), Value::String("Rome"));
/// # Ok::<(), pelton_stage::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sort {
    plan: Arc<Plan>,
}

/// What all states of one sort share.
#[derive(Clone, Debug)]
struct Plan {
    name: Arc<str>,
    keys: Vec<SortKey>,
    schema: Arc<Schema>,
    types: Vec<DataType>,
    limit: Option<usize>,
    offset: usize,
    spill: Spill,
}

impl Sort {
    /// Sorts batches of `input` by `keys`, the first of them above all.
    ///
    /// # Errors
    ///
    /// When there are no such columns.
    pub fn new(keys: Vec<SortKey>, input: &Arc<Schema>) -> Result<Self, Error> {
        if let Some(missing) = keys.iter().find(|key| input.len() <= key.column) {
            let name = format!("#{}", missing.column);
            let message = format!(
                "there is no column {} among {}",
                missing.column,
                input.len()
            );
            return Err(Error::new(ErrorKind::UnknownColumn { name }, message));
        }
        Ok(Self::by(keys, input))
    }

    fn by(keys: Vec<SortKey>, input: &Arc<Schema>) -> Self {
        let plan = Plan {
            name: "sort".into(),
            keys,
            types: input.fields().iter().map(|field| field.data_type).collect(),
            schema: input.clone(),
            limit: None,
            offset: 0,
            spill: Spill::forbidden(),
        };
        Self {
            plan: Arc::new(plan),
        }
    }

    /// The first `rows` rows of the input.
    #[must_use]
    pub fn first(rows: usize, input: &Arc<Schema>) -> Self {
        Self::by(Vec::new(), input).limit(rows).named("limit")
    }

    /// Gives `rows` rows at most.
    #[must_use]
    pub fn limit(mut self, rows: usize) -> Self {
        Arc::make_mut(&mut self.plan).limit = Some(rows);
        self
    }

    /// Leaves out the first `rows` rows, before the limit counts.
    #[must_use]
    pub fn offset(mut self, rows: usize) -> Self {
        Arc::make_mut(&mut self.plan).offset = rows;
        self
    }

    /// The same under another name in reports and errors; it is `sort` or `limit` otherwise.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        Arc::make_mut(&mut self.plan).name = name.into();
        self
    }

    /// The same, which writes sorted runs to disk when the rows outgrow their memory. It is an
    /// error otherwise.
    #[must_use]
    pub fn spilling(mut self, spill: Spill) -> Self {
        Arc::make_mut(&mut self.plan).spill = spill;
        self
    }
}

impl Plan {
    /// How many of the sorted rows matter.
    fn kept(&self) -> usize {
        let limit = self.limit.map(|limit| limit.saturating_add(self.offset));
        limit.unwrap_or(usize::MAX)
    }
}

impl Fold for Sort {
    fn name(&self) -> &str {
        &self.plan.name
    }

    fn output(&self) -> &Arc<Schema> {
        &self.plan.schema
    }

    fn dropped(&self) -> Option<Dropped> {
        Some(Dropped::Filtered)
    }

    fn state(&self, budget: &Budget) -> Box<dyn FoldState> {
        Box::new(State::new(self.plan.clone(), budget))
    }
}
