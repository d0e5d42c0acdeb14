//! Rows that differ.

use std::sync::Arc;

use pelton_pool::Budget;
use pelton_record::{Batch, Schema};

use crate::fold::own;
use crate::{Aggregate, Alone, Call, Crew, Dropped, Error, Fold, FoldState, Function, Spill};

/// Of all rows with equal keys keeps the one that comes first in the input: SQL's `DISTINCT ON`,
/// and `DISTINCT` when the keys are all columns.
///
/// Keys are equal as they are in an [`Aggregate`], nulls and NaNs included. Rows come out in the
/// order of the input, whatever the number of workers. A row takes as much memory as its key, and
/// the columns that are no keys on top.
///
/// ```
/// use pelton_pool::Budget;
/// use pelton_record::{Batch, Column, DataType, Schema, Value};
/// use pelton_stage::{Dedup, Fold};
///
/// let schema = Schema::of([("id", DataType::Int64), ("city", DataType::String)]).into();
/// let dedup = Dedup::new(vec![0], &schema)?;
///
/// let columns = vec![Column::int64([7, 7, 3]), Column::strings(["Oslo", "Bern", "Rome"])];
/// let mut state = dedup.state(&Budget::unlimited());
/// state.fold(&mut Batch::from_columns(schema, columns))?;
///
/// let rows = state.finish()?.next().unwrap()?;
/// assert_eq!(rows.rows(), 2);
/// assert_eq!(rows.column(1).value(0), Value::String("Oslo"));
/// # Ok::<(), pelton_stage::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Dedup {
    aggregate: Aggregate,
    /// For each column of the input, where the aggregate has it.
    places: Arc<[usize]>,
    schema: Arc<Schema>,
}

impl Dedup {
    /// Keeps the first row of each key, made of the columns `by` of batches of `input`.
    ///
    /// # Errors
    ///
    /// When there are no such columns, or none at all.
    pub fn new(mut by: Vec<usize>, input: &Arc<Schema>) -> Result<Self, Error> {
        by.sort_unstable();
        by.dedup();
        if by.is_empty() {
            let message = "dedup needs at least one column".to_owned();
            return Err(Error::new(crate::ErrorKind::Type, message));
        }
        let others = (0..input.len()).filter(|index| !by.contains(index));
        let calls = others
            .map(|index| Call::new(Function::First, index, input.fields()[index].name.clone()));
        let calls: Vec<Call> = calls.collect();
        let arguments = calls.iter().filter_map(|call| call.argument);
        let order: Vec<usize> = by.iter().copied().chain(arguments).collect();
        let mut places = vec![0; input.len()];
        let aggregate = Aggregate::new(by, calls, input)?.named("dedup");
        order
            .iter()
            .enumerate()
            .for_each(|(place, &index)| places[index] = place);
        Ok(Self {
            aggregate,
            places: places.into(),
            schema: input.clone(),
        })
    }

    /// Keeps rows that differ in any column.
    ///
    /// # Errors
    ///
    /// When there are no columns.
    pub fn of_rows(input: &Arc<Schema>) -> Result<Self, Error> {
        Self::new((0..input.len()).collect(), input)
    }

    /// The same under another name in reports and errors; it is `dedup` otherwise.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.aggregate = self.aggregate.named(name);
        self
    }

    /// The same, which writes rows to disk when they outgrow their memory. It is an error
    /// otherwise.
    #[must_use]
    pub fn spilling(mut self, spill: Spill) -> Self {
        self.aggregate = self.aggregate.spilling(spill);
        self
    }
}

impl Fold for Dedup {
    fn name(&self) -> &str {
        self.aggregate.name()
    }

    fn output(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn dropped(&self) -> Option<Dropped> {
        Some(Dropped::Deduplicated)
    }

    fn state(&self, budget: &Budget) -> Box<dyn FoldState> {
        Box::new(State {
            groups: self.aggregate.state(budget),
            dedup: self.clone(),
        })
    }
}

struct State {
    groups: Box<dyn FoldState>,
    dedup: Dedup,
}

impl Dedup {
    /// The columns of a batch of groups in the order of the input.
    fn arrange(&self, mut groups: Batch) -> Batch {
        let columns = groups.take_columns();
        let columns = self
            .places
            .iter()
            .map(|&place| columns[place].clone())
            .collect();
        Batch::from_columns(self.schema.clone(), columns).with_origin(groups.origin())
    }
}

impl FoldState for State {
    fn fold(&mut self, batch: &mut Batch) -> Result<(), Error> {
        self.groups.fold(batch)
    }

    fn merge(&mut self, other: Box<dyn FoldState>) -> Result<(), Error> {
        self.groups.merge(own::<Self>(other).groups)
    }

    fn finish(
        self: Box<Self>,
    ) -> Result<Box<dyn Iterator<Item = Result<Batch, Error>> + Send>, Error> {
        self.finish_with(Vec::new(), &Alone)
    }

    fn finish_with(
        self: Box<Self>,
        others: Vec<Box<dyn FoldState>>,
        crew: &dyn Crew,
    ) -> Result<Box<dyn Iterator<Item = Result<Batch, Error>> + Send>, Error> {
        let Self { groups, dedup } = *self;
        let others = others.into_iter().map(|other| own::<Self>(other).groups);
        let groups = groups.finish_with(others.collect(), crew)?;
        Ok(Box::new(groups.map(move |batch| Ok(dedup.arrange(batch?)))))
    }

    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any> {
        self
    }
}
