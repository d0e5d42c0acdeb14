//! Groups of rows, and what is computed from each.

mod accumulator;
mod cardinality;
mod count;
mod distinct;
mod exact;
mod external;
mod extreme;
mod function;
mod groups;
mod moments;
mod pick;
mod quantile;
mod rows;
mod state;
mod sum;
mod truth;

use std::sync::Arc;

use pelton_pool::Budget;
use pelton_record::{Column, DataType, Field, Schema, Values};

pub use function::{Call, Function};

use self::accumulator::{Accumulator, Each};
use self::cardinality::Cardinality;
use self::count::Count;
use self::extreme::{Extreme, ExtremeBytes, Greatest, Least};
use self::function::column_type;
use self::moments::Moments;
use self::pick::{Mode, Pick};
use self::quantile::{Quantile, Sketch};
use self::rows::DistinctRows;
use self::state::State;
use self::sum::{FloatSum, IntegerSum};
use self::truth::Truth;
use crate::fold::keys::Seed;
use crate::fold::spill::Spill;
use crate::{Error, ErrorKind, Fold, FoldState};

/// Groups rows by columns and computes aggregates of each group: SQL's `GROUP BY`.
///
/// Rows whose keys are equal form a group; nulls equal each other, as do all NaNs, and the two
/// zeros. Groups come out in the order in which they first appear in the input. Neither that nor
/// any value depends on the number of workers or on how the input is cut into batches. Without
/// keys, all rows are one group, which is there even when they are none.
///
/// ```
/// use pelton_pool::Budget;
/// use pelton_record::{Batch, Column, DataType, Schema, Value};
/// use pelton_stage::{Aggregate, Call, Fold, Function};
///
/// let schema = Schema::of([("city", DataType::String), ("trips", DataType::Int64)]).into();
/// let calls = vec![Call::new(Function::Sum, 1, "sum"), Call::count_rows("count")];
/// let aggregate = Aggregate::new(vec![0], calls, &schema)?;
///
/// let columns = vec![Column::strings(["Oslo", "Bern", "Oslo"]), Column::int64([7, 12, 3])];
/// let mut state = aggregate.state(&Budget::unlimited());
/// state.fold(&mut Batch::from_columns(schema, columns))?;
///
/// let groups = state.finish()?.next().unwrap()?;
/// assert_eq!(groups.column(0).value(0), Value::String("Oslo"));
/// assert_eq!(groups.column(1).value(0).to_string(), "10");
/// assert_eq!(groups.column(2).value(1), Value::Int64(1));
/// # Ok::<(), pelton_stage::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Aggregate {
    plan: Arc<Plan>,
}

/// What all states of one aggregate share.
#[derive(Clone, Debug)]
struct Plan {
    name: Arc<str>,
    by: Vec<usize>,
    key_types: Vec<DataType>,
    /// What is kept for each group: several calls may be answered from one of these.
    summaries: Vec<Kind>,
    /// For each call its function and which of the summaries answers it.
    calls: Vec<(Function, usize)>,
    output: Arc<Schema>,
    seed: Seed,
    spill: Spill,
}

/// What kind of summary of which argument.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Kind {
    /// One function that it answers; the others of its family are answered too.
    family: Function,
    argument: Option<(usize, DataType)>,
    distinct: bool,
}

impl Aggregate {
    /// Groups batches of `input` by the columns `by`, and makes `calls` for each group.
    ///
    /// # Errors
    ///
    /// When there is no such column, a function does not take its argument, or two columns of the
    /// result have one name.
    pub fn new(by: Vec<usize>, calls: Vec<Call>, input: &Arc<Schema>) -> Result<Self, Error> {
        let types = by.iter().map(|&index| column_type(input, index));
        let key_types = types.collect::<Result<Vec<_>, _>>()?;
        let output = output(&by, &calls, input)?;
        let mut plan = Plan {
            name: "aggregate".into(),
            by,
            key_types,
            summaries: Vec::new(),
            calls: Vec::new(),
            output: output.into(),
            seed: Seed::random(),
            spill: Spill::forbidden(),
        };
        calls.iter().for_each(|call| plan.add(call, input));
        Ok(Self {
            plan: Arc::new(plan),
        })
    }

    /// The same under another name in reports and errors; it is `aggregate` otherwise.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        Arc::make_mut(&mut self.plan).name = name.into();
        self
    }
}

impl Plan {
    fn add(&mut self, call: &Call, input: &Schema) {
        let argument = call
            .argument
            .map(|index| (index, input.fields()[index].data_type));
        let kind = Kind {
            family: match call.function {
                // Of different values, the count alone needs none of them.
                Function::Count if call.distinct => Function::Count,
                function => family(function, argument.map(|(_, data_type)| data_type)),
            },
            argument,
            distinct: call.distinct,
        };
        let known = self.summaries.iter().position(|&summary| summary == kind);
        let index = known.unwrap_or_else(|| {
            self.summaries.push(kind);
            self.summaries.len() - 1
        });
        self.calls.push((call.function, index));
    }
}

/// The function that stands for all that are answered from one summary.
fn family(function: Function, argument: Option<DataType>) -> Function {
    let numeric = argument.is_some_and(DataType::is_numeric);
    match function {
        Function::Avg | Function::Sum => Function::Sum,
        Function::Count if numeric => Function::Sum,
        Function::VarPop | Function::StddevPop | Function::StddevSamp => Function::VarSamp,
        Function::Quantile(_) => Function::Quantile(0.5),
        Function::ApproxQuantile(_) => Function::ApproxQuantile(0.5),
        Function::BoolAnd => Function::BoolOr,
        Function::TopK(_) => Function::Mode,
        other => other,
    }
}

/// The columns of the result, which all have different names.
fn output(by: &[usize], calls: &[Call], input: &Schema) -> Result<Schema, Error> {
    let mut fields: Vec<Field> = by
        .iter()
        .map(|&index| input.fields()[index].clone())
        .collect();
    for call in calls {
        fields.push(Field {
            name: call.name.clone(),
            data_type: call.output(input)?,
        });
    }
    for (index, field) in fields.iter().enumerate() {
        if fields[..index].iter().any(|other| other.name == field.name) {
            let message = format!("two columns of the result are called `{}`", field.name);
            return Err(Error::new(ErrorKind::Duplicate, message));
        }
    }
    Ok(Schema::new(fields))
}

impl Kind {
    fn accumulator(self) -> Box<dyn Accumulator> {
        let data_type = self
            .argument
            .map_or(DataType::Int64, |(_, data_type)| data_type);
        accumulator(self.family, data_type)
    }
}

/// The accumulator of a family of functions, over all values of `data_type`.
fn accumulator(family: Function, data_type: DataType) -> Box<dyn Accumulator> {
    let (like, _) = Column::nulls(data_type, 0).into_parts();
    match (family, &like) {
        (Function::Sum, Values::Float64(_)) => Box::new(Each::<FloatSum>::new(like)),
        (Function::Sum, _) => Box::new(Each::<IntegerSum>::new(like)),
        (Function::Min, _) => extreme::<Least>(like),
        (Function::Max, _) => extreme::<Greatest>(like),
        (Function::First, _) => Box::new(Each::<Pick<Least>>::new(like)),
        (Function::Last, _) => Box::new(Each::<Pick<Greatest>>::new(like)),
        (Function::Mode, _) => Box::new(Each::<Mode>::new(like)),
        (Function::VarSamp, _) => Box::new(Each::<Moments>::new(like)),
        (Function::Quantile(_), _) => Box::new(Each::<Quantile>::new(like)),
        (Function::ApproxQuantile(_), _) => Box::new(Each::<Sketch>::new(like)),
        (Function::ApproxCountDistinct, _) => Box::new(Each::<Cardinality>::new(like)),
        (Function::BoolOr, _) => Box::new(Each::<Truth>::new(like)),
        _ => Box::new(Each::<Count>::new(like)),
    }
}

fn extreme<S: extreme::Side>(like: Values) -> Box<dyn Accumulator> {
    match like {
        Values::Int64(_) | Values::Timestamp(_) => Box::new(Each::<Extreme<i64, S>>::new(like)),
        Values::Float64(_) => Box::new(Each::<Extreme<f64, S>>::new(like)),
        Values::Decimal { .. } => Box::new(Each::<Extreme<i128, S>>::new(like)),
        _ => Box::new(Each::<ExtremeBytes<S>>::new(like)),
    }
}

impl Fold for Aggregate {
    fn name(&self) -> &str {
        &self.plan.name
    }

    fn output(&self) -> &Arc<Schema> {
        &self.plan.output
    }

    fn state(&self, budget: &Budget) -> Box<dyn FoldState> {
        let plan = self.plan.clone();
        let enough = rows::BUDGET_MIN <= budget.limit();
        if plan.summaries.is_empty() && plan.spill.is_allowed() && enough {
            return Box::new(DistinctRows::new(plan, budget));
        }
        Box::new(State::new(plan, budget))
    }
}

/// The first `N` bytes of what was written.
fn take<const N: usize>(input: &mut &[u8]) -> [u8; N] {
    let (taken, rest) = input
        .split_first_chunk()
        .expect("a summary is read as it was written");
    *input = rest;
    *taken
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn read_bytes<'a>(input: &mut &'a [u8]) -> &'a [u8] {
    let len = u32::from_le_bytes(take(input)) as usize;
    let (taken, rest) = input.split_at(len);
    *input = rest;
    taken
}
