//! Figures for stretches of time.

mod keyed;
mod session;
mod span;
mod state;

use std::sync::Arc;
use std::time::Duration;

use pelton_pool::Budget;
use pelton_record::{Batch, Column, DataType, Field, Schema};

use crate::{Aggregate, Call, Error, ErrorKind, Fold, FoldState, Ordered, Spill};

pub use span::Span;

use session::Sessions;
use state::{Folded, Stretches};

/// The columns that a window puts in front of its rows.
pub(crate) const START: &str = "window_start";
pub(crate) const END: &str = "window_end";

/// Groups rows by stretches of their own time and by columns, and computes figures for each group.
///
/// In an input without an end a window is given when the *watermark* passes its end: the latest
/// time seen, less the lateness allowed. Rows that come after that are refused as late. An input
/// with an end is taken in whole; nothing is late.
///
/// Rows come out by window start, and within a window in the order of their groups' first rows.
///
/// ```
/// use std::time::Duration;
///
/// use pelton_pool::Budget;
/// use pelton_record::{Batch, Column, DataType, Schema, Value};
/// use pelton_stage::{Call, Fold, Span, Window};
///
/// let schema = Schema::of([("at", DataType::Timestamp)]).into();
/// let span = Span::Tumbling(Duration::from_secs(60));
/// let window = Window::new(0, span, vec![], vec![Call::count_rows("hits")], &schema)?
///     .lateness(Duration::from_secs(5));
///
/// let second = 1_000_000_000;
/// let mut state = window.ordered(&Budget::unlimited()).expect("a window can be ordered");
/// let mut out = Vec::new();
/// for times in [[1, 59], [61, 58], [66, 70]] {
///     let column = Column::timestamps(times.map(|at| at * second));
///     state.pass(&mut Batch::from_columns(schema.clone(), vec![column]), &mut out)?;
/// }
/// // The first minute was given when a row of 1:06 came: 3 rows, the one of 0:58 in time.
/// assert_eq!(out.len(), 1);
/// assert_eq!(out[0].column(2).value(0), Value::Int64(3));
/// # Ok::<(), pelton_stage::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Window {
    plan: Arc<Plan>,
}

#[derive(Clone, Debug)]
struct Plan {
    name: Arc<str>,
    /// The column of the rows' time.
    time: usize,
    span: Span,
    /// Nanoseconds that a row may come after a later one.
    lateness: i64,
    by: Vec<usize>,
    /// Groups rows with their window's columns in front.
    aggregate: Aggregate,
    /// Those rows' columns.
    widened: Arc<Schema>,
}

impl Window {
    /// Groups batches of `input` by stretches of the timestamp column `time` and by the columns
    /// `by`, and makes `calls` for each group. The output has `window_start` and `window_end` in
    /// front of the groups' columns.
    ///
    /// # Errors
    ///
    /// When `time` is no timestamp, the span makes no sense, or as [`Aggregate::new`].
    pub fn new(
        time: usize,
        span: Span,
        by: Vec<usize>,
        calls: Vec<Call>,
        input: &Arc<Schema>,
    ) -> Result<Self, Error> {
        let wrong = |message: String| Err(Error::new(ErrorKind::Type, message));
        match input.fields().get(time) {
            Some(field) if field.data_type != DataType::Timestamp => {
                return wrong(format!(
                    "window needs a timestamp, but {} is {}",
                    field.name, field.data_type
                ));
            }
            None => return wrong("window has no column of time".to_owned()),
            Some(_) => {}
        }
        span.check()?;
        let bounds = [START, END].map(|name| Field {
            name: name.to_owned(),
            data_type: DataType::Timestamp,
        });
        let fields = bounds.into_iter().chain(input.fields().iter().cloned());
        let widened: Arc<Schema> = Schema::new(fields.collect()).into();
        let moved = |call: Call| Call {
            argument: call.argument.map(|index| index + 2),
            ..call
        };
        let keys = [0, 1].into_iter().chain(by.iter().map(|&index| index + 2));
        let aggregate = Aggregate::new(
            keys.collect(),
            calls.into_iter().map(moved).collect(),
            &widened,
        )?
        .named("window");
        Ok(Self {
            plan: Arc::new(Plan {
                name: "window".into(),
                time,
                span,
                lateness: 0,
                by,
                aggregate,
                widened,
            }),
        })
    }

    /// The same, which waits so long for rows that come late. Not at all unless given.
    #[must_use]
    pub fn lateness(mut self, lateness: Duration) -> Self {
        let nanoseconds = i64::try_from(lateness.as_nanos()).unwrap_or(i64::MAX);
        Arc::make_mut(&mut self.plan).lateness = nanoseconds;
        self
    }

    /// The same under another name in reports and errors; it is `window` otherwise.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        let plan = Arc::make_mut(&mut self.plan);
        plan.name = name.into();
        plan.aggregate = plan.aggregate.clone().named(name);
        self
    }

    /// The same, which writes groups to disk when they outgrow their memory.
    #[must_use]
    pub fn spilling(mut self, spill: Spill) -> Self {
        let plan = Arc::make_mut(&mut self.plan);
        plan.aggregate = plan.aggregate.clone().spilling(spill);
        self
    }

    fn stretches(&self, budget: &Budget) -> Box<dyn Stretches> {
        let plan = self.plan.clone();
        match plan.span {
            Span::Session(_) => Box::new(Sessions::new(plan, budget)),
            _ => Box::new(keyed::Fixed::new(plan, budget)),
        }
    }
}

impl Fold for Window {
    fn name(&self) -> &str {
        &self.plan.name
    }

    fn output(&self) -> &Arc<Schema> {
        self.plan.aggregate.output()
    }

    fn state(&self, budget: &Budget) -> Box<dyn FoldState> {
        Box::new(Folded::new(self.plan.clone(), self.stretches(budget)))
    }

    fn ordered(&self, budget: &Budget) -> Option<Box<dyn Ordered>> {
        Some(Box::new(state::Watermarked::new(
            self.plan.clone(),
            self.stretches(budget),
        )))
    }
}

impl Plan {
    /// The rows of `batch` with the bounds of their window in front.
    fn widen(&self, mut batch: Batch, start: i64, end: i64) -> Batch {
        let rows = batch.rows();
        let bound = |at: i64| Column::timestamps(std::iter::repeat_n(at, rows));
        let columns = [bound(start), bound(end)]
            .into_iter()
            .chain(batch.take_columns())
            .collect();
        batch.set_columns(self.widened.clone(), columns);
        batch
    }
}
