//! CASE and COALESCE: each row takes its value from one of several columns.

use pelton_record::{Bitmap, Column, DataType, Strings, Values};

use super::logic::Truth;
use super::node::Node;
use super::operand::{Context, Failure, Lane, Operand, Outcome, merged};
use super::text::append;

/// The rows that have not taken a value yet, and what the others took.
struct Choice<'a> {
    open: Bitmap,
    taken: Vec<(Bitmap, Operand<'a>)>,
    failures: Vec<Failure>,
}

impl<'a> Choice<'a> {
    fn new(context: Context<'_>) -> Self {
        let open = match context.active {
            Some(active) => active.clone(),
            None => Bitmap::new(context.rows(), true),
        };
        Self {
            open,
            taken: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Rows of `rows` take their value from `outcome`; failures of others do not count.
    fn take(&mut self, rows: Bitmap, outcome: Outcome<'a>) {
        self.fail(&rows, outcome.failures);
        self.open = self.open.and_not(&rows);
        self.taken.push((rows, outcome.operand));
    }

    /// Failures within `rows` count.
    fn fail(&mut self, rows: &Bitmap, mut failures: Vec<Failure>) {
        failures.retain(|failure| rows.get(failure.row as usize));
        self.failures = merged(std::mem::take(&mut self.failures), failures);
    }

    fn finish(self, data_type: DataType, rows: usize) -> Outcome<'static> {
        let column = gather(&self.taken, data_type, rows);
        let (values, validity) = column.into_parts();
        Outcome::of(values, validity, self.failures)
    }
}

/// `CASE WHEN .. THEN .. ELSE .. END`; a condition is asked only about rows that get to it, a
/// value computed only for rows that take it.
pub(crate) fn case<'a>(
    arms: &'a [(Node, Node)],
    otherwise: &'a Node,
    data_type: DataType,
    context: Context<'a>,
) -> Outcome<'a> {
    let mut choice = Choice::new(context);
    for (when, then) in arms {
        if !choice.open.any() {
            break;
        }
        let (yes, failed) = {
            let open = choice.open.clone();
            let outcome = when.eval(context.only(&open));
            let yes = Truth::of(&outcome.operand, context.rows()).yes.and(&open);
            (yes, outcome.failures)
        };
        let failed = rows_of(&choice.open, &failed, &mut choice.failures);
        choice.open = choice.open.and_not(&failed);
        evaluate(&mut choice, yes, then, context);
    }
    let rest = choice.open.clone();
    evaluate(&mut choice, rest, otherwise, context);
    choice.finish(data_type, context.rows())
}

/// The first value that is not null.
pub(crate) fn coalesce<'a>(
    operands: &'a [Node],
    data_type: DataType,
    context: Context<'a>,
) -> Outcome<'a> {
    let rows = context.rows();
    let mut choice = Choice::new(context);
    for operand in operands {
        if !choice.open.any() {
            break;
        }
        let open = choice.open.clone();
        let outcome = owned(operand, &open, context);
        let failed = rows_of(&open, &outcome.failures, &mut choice.failures);
        choice.open = open.and_not(&failed);
        let valid = outcome
            .operand
            .validity(rows)
            .map(|validity| validity.and(&choice.open));
        let valid = valid.unwrap_or_else(|| choice.open.clone());
        choice.take(valid, outcome);
    }
    choice.finish(data_type, rows)
}

fn evaluate<'a>(choice: &mut Choice<'a>, rows: Bitmap, node: &'a Node, context: Context<'a>) {
    if rows.any() {
        let outcome = owned(node, &rows, context);
        choice.take(rows, outcome);
    }
}

/// The value of `node` on `rows`, free of the borrow of `rows`.
fn owned<'a>(node: &'a Node, rows: &Bitmap, context: Context<'a>) -> Outcome<'a> {
    match node.as_constant() {
        Some(column) => Outcome::new(Operand::Constant(column)),
        None => {
            let outcome = node.eval(context.only(rows));
            Outcome {
                operand: Operand::rows(outcome.operand.spread(context.rows()).into_owned()),
                failures: outcome.failures,
            }
        }
    }
}

/// Adds the failures within `open` to `all`, and says which rows they are.
fn rows_of(open: &Bitmap, failures: &[Failure], all: &mut Vec<Failure>) -> Bitmap {
    let mut rows = Bitmap::new(open.len(), false);
    let within = failures
        .iter()
        .filter(|failure| open.get(failure.row as usize));
    let within: Vec<Failure> = within.cloned().collect();
    within
        .iter()
        .for_each(|failure| rows.set(failure.row as usize, true));
    *all = merged(std::mem::take(all), within);
    rows
}

/// One column of what the rows took; null where none took anything.
pub(crate) fn gather(taken: &[(Bitmap, Operand<'_>)], data_type: DataType, rows: usize) -> Column {
    let mut validity = Bitmap::new(rows, false);
    for (chosen, operand) in taken {
        let valid = operand.validity(rows).map(|valid| valid.and(chosen));
        validity = validity.or(valid.as_ref().unwrap_or(chosen));
    }
    let values = match data_type {
        DataType::Bool => Values::Bool(bools(taken, rows)),
        DataType::Int64 => Values::Int64(spread(taken, rows, |operand| operand.ints())),
        DataType::Timestamp => Values::Timestamp(spread(taken, rows, |operand| operand.ints())),
        DataType::Float64 => Values::Float64(spread(taken, rows, |operand| operand.floats())),
        DataType::Decimal { scale } => Values::Decimal {
            mantissas: spread(taken, rows, |operand| operand.mantissas()),
            scale,
        },
        DataType::String => Values::String(strings(taken, rows)),
        _ => Values::Bytes(strings(taken, rows)),
    };
    Column::new(values, Some(validity))
}

fn spread<'b, T: Copy + Default + 'b>(
    taken: &'b [(Bitmap, Operand<'_>)],
    rows: usize,
    lane: impl Fn(&'b Operand<'_>) -> Lane<'b, T>,
) -> Vec<T> {
    let mut values = vec![T::default(); rows];
    for (chosen, operand) in taken {
        let lane = lane(operand);
        chosen.ones().for_each(|row| values[row] = lane.at(row));
    }
    values
}

fn bools(taken: &[(Bitmap, Operand<'_>)], rows: usize) -> Bitmap {
    taken
        .iter()
        .fold(Bitmap::new(rows, false), |all, (chosen, operand)| {
            let bits = operand.bools();
            match operand.is_constant() {
                true if bits.get(0) => all.or(chosen),
                true => all,
                false => all.or(&bits.and(chosen)),
            }
        })
}

fn strings(taken: &[(Bitmap, Operand<'_>)], rows: usize) -> Strings {
    let mut heap = Vec::new();
    let mut views = vec![pelton_record::View::default(); rows];
    for (chosen, operand) in taken {
        let texts = operand.texts();
        if operand.is_constant() {
            let view = append(&mut heap, texts.at(0));
            chosen.ones().for_each(|row| views[row] = view);
            continue;
        }
        for row in chosen.ones() {
            views[row] = append(&mut heap, texts.at(row));
        }
    }
    Strings::in_heap(heap, views)
}
