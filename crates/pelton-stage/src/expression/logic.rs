//! AND, OR, NOT and IS: logic of three values, with failure as a fourth.
//!
//! A failed row is unknown like a null one until something else decides it: `false AND failed` is
//! false, whichever side the failure stands on. What stays undecided stays failed.

use pelton_record::{Bitmap, Values};

use super::node::Node;
use super::operand::{Context, Failure, Operand, Outcome, merged};
use super::syntax::Test;

/// Rows that are true and rows that are false; the others are null or failed.
pub(crate) struct Truth {
    pub(crate) yes: Bitmap,
    pub(crate) no: Bitmap,
}

impl Truth {
    pub(crate) fn of(operand: &Operand<'_>, rows: usize) -> Self {
        let bits = operand.bools();
        if operand.is_constant() {
            let known = !operand.column().is_null(0);
            return Self {
                yes: Bitmap::new(rows, known && bits.get(0)),
                no: Bitmap::new(rows, known && !bits.get(0)),
            };
        }
        match operand.column().validity() {
            None => Self {
                yes: bits.clone(),
                no: bits.not(),
            },
            Some(validity) => Self {
                yes: validity.and(bits),
                no: validity.and_not(bits),
            },
        }
    }

    pub(crate) fn into_outcome(self, failures: Vec<Failure>) -> Outcome<'static> {
        let validity = self.yes.or(&self.no);
        Outcome::of(Values::Bool(self.yes), Some(validity), failures)
    }

    fn swapped(self) -> Self {
        Self {
            yes: self.no,
            no: self.yes,
        }
    }
}

/// True when all are, false when one is.
pub(crate) fn and<'a>(operands: &'a [Node], context: Context<'a>) -> Outcome<'a> {
    let (truth, failures) = all(operands, context, |truth| truth);
    truth.into_outcome(failures)
}

/// False when all are, true when one is: AND with both truths swapped.
pub(crate) fn or<'a>(operands: &'a [Node], context: Context<'a>) -> Outcome<'a> {
    let (truth, failures) = all(operands, context, Truth::swapped);
    truth.swapped().into_outcome(failures)
}

/// AND of `view` of each operand. An operand is asked only about rows not decided before it.
fn all(
    operands: &[Node],
    context: Context<'_>,
    view: impl Fn(Truth) -> Truth,
) -> (Truth, Vec<Failure>) {
    let rows = context.rows();
    let mut sum = Truth {
        yes: Bitmap::new(rows, true),
        no: Bitmap::new(rows, false),
    };
    let mut failures = Vec::new();
    for operand in operands {
        let open = match context.active {
            Some(active) => active.and_not(&sum.no),
            None => sum.no.not(),
        };
        if !open.any() {
            break;
        }
        let outcome = operand.eval(context.only(&open));
        let truth = view(Truth::of(&outcome.operand, rows));
        sum.yes = sum.yes.and(&truth.yes);
        // Rows that did not matter may have come out as anything, but those are decided already.
        sum.no = sum.no.or(&truth.no);
        failures = merged(failures, outcome.failures);
    }
    failures.retain(|failure| !sum.no.get(failure.row as usize));
    (sum, failures)
}

pub(crate) fn not(outcome: Outcome<'_>, rows: usize) -> Outcome<'static> {
    Truth::of(&outcome.operand, rows)
        .swapped()
        .into_outcome(outcome.failures)
}

/// `IS NULL`, `IS TRUE`, `IS FALSE` and their negations.
pub(crate) fn is(test: Test, negated: bool, outcome: Outcome<'_>, rows: usize) -> Outcome<'static> {
    let holds = match test {
        Test::Null => match outcome.operand.validity(rows) {
            Some(validity) => validity.not(),
            None => Bitmap::new(rows, false),
        },
        Test::True => Truth::of(&outcome.operand, rows).yes,
        Test::False => Truth::of(&outcome.operand, rows).no,
    };
    let holds = if negated { holds.not() } else { holds };
    Outcome::of(Values::Bool(holds), None, outcome.failures)
}
