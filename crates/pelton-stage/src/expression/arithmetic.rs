//! `+`, `-`, `*`, `/`, `%` and the sign, on columns of one numeric type.
//!
//! Each operation is one loop that computes all rows and remembers only whether any of them
//! failed; the failed rows are looked for in a second, rare pass.

use pelton_record::spare::Part;
use pelton_record::{Bitmap, DataType, Decimal, Values};

use super::node::Args;
use super::operand::{Failure, Lane, Outcome};
use super::syntax::Arithmetic;
use super::wide;

/// Why a row has no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fault {
    None = 0,
    Integer = 1,
    Numeric = 2,
    Zero = 3,
    Overflow = 4,
    Underflow = 5,
}

impl Fault {
    /// This fault if `failed`.
    #[inline]
    pub(crate) const fn when(self, failed: bool) -> Self {
        if failed { self } else { Self::None }
    }

    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Integer => "integer out of range",
            Self::Numeric => "numeric overflow",
            Self::Zero => "division by zero",
            Self::Overflow => "value out of range: overflow",
            Self::Underflow => "value out of range: underflow",
        }
    }
}

/// `each` of all rows, and the rows of `validity` where it failed.
pub(crate) fn zip<A: Copy, B: Copy, R: Part>(
    a: Lane<'_, A>,
    b: Lane<'_, B>,
    args: &Args<'_>,
    each: impl Fn(A, B) -> (R, Fault),
) -> (Vec<R>, Vec<Failure>) {
    let rows = args.context.rows();
    let mut seen = 0;
    let values = a.zip(b, rows, |a, b| {
        let (value, fault) = each(a, b);
        seen |= fault as u8;
        value
    });
    if seen == Fault::None as u8 {
        return (values, Vec::new());
    }
    let fault = |row| each(a.at(row), b.at(row)).1;
    (values, faults(rows, args.validity.as_ref(), fault))
}

/// The rows of `validity` that failed.
#[cold]
fn faults(rows: usize, validity: Option<&Bitmap>, fault: impl Fn(usize) -> Fault) -> Vec<Failure> {
    let failed = |row| match fault(row) {
        Fault::None => None,
        fault => Some(Failure::new(row, fault.reason())),
    };
    match validity {
        Some(validity) => validity.ones().filter_map(failed).collect(),
        None => (0..rows).filter_map(failed).collect(),
    }
}

/// Evaluates `op` on two columns of one type; decimals may differ in scale.
pub(crate) fn eval(op: Arithmetic, args: &Args<'_>) -> Outcome<'static> {
    let (values, failures) = match args.operands[0].column().data_type() {
        DataType::Int64 => {
            let (values, failures) = ints(op, args);
            (Values::Int64(values), failures)
        }
        DataType::Float64 => {
            let (values, failures) = floats(op, args);
            (Values::Float64(values), failures)
        }
        _ => decimals(op, args),
    };
    Outcome::of(values, args.validity.clone(), failures)
}

fn ints(op: Arithmetic, args: &Args<'_>) -> (Vec<i64>, Vec<Failure>) {
    let (a, b) = (args.operands[0].ints(), args.operands[1].ints());
    let ranged = |(value, overflow)| (value, Fault::Integer.when(overflow));
    match op {
        Arithmetic::Add => zip(a, b, args, |a, b| ranged(i64::overflowing_add(a, b))),
        Arithmetic::Subtract => zip(a, b, args, |a, b| ranged(i64::overflowing_sub(a, b))),
        Arithmetic::Multiply => zip(a, b, args, |a, b| ranged(i64::overflowing_mul(a, b))),
        Arithmetic::Divide => zip(a, b, args, |a, b| match b {
            0 => (0, Fault::Zero),
            b => ranged(a.overflowing_div(b)),
        }),
        // The remainder of the smallest integer by -1 is 0; only the quotient overflows.
        Arithmetic::Modulo => zip(a, b, args, |a, b| match b {
            0 => (0, Fault::Zero),
            b => (a.wrapping_rem(b), Fault::None),
        }),
    }
}

/// A finite result of finite operands, or how it went out of range.
pub(crate) fn ranged(value: f64, finite: bool, underflow: bool) -> (f64, Fault) {
    if value.is_infinite() && finite {
        (value, Fault::Overflow)
    } else {
        (value, Fault::Underflow.when(underflow))
    }
}

fn floats(op: Arithmetic, args: &Args<'_>) -> (Vec<f64>, Vec<Failure>) {
    let (a, b) = (args.operands[0].floats(), args.operands[1].floats());
    let finite = |a: f64, b: f64| a.is_finite() && b.is_finite();
    match op {
        Arithmetic::Add => zip(a, b, args, |a, b| ranged(a + b, finite(a, b), false)),
        Arithmetic::Subtract => zip(a, b, args, |a, b| ranged(a - b, finite(a, b), false)),
        Arithmetic::Multiply => zip(a, b, args, |a, b| {
            let product = a * b;
            ranged(
                product,
                finite(a, b),
                product == 0.0 && a != 0.0 && b != 0.0,
            )
        }),
        Arithmetic::Divide => zip(a, b, args, |a, b| {
            let quotient = a / b;
            if b == 0.0 && !a.is_nan() {
                return (0.0, Fault::Zero);
            }
            ranged(
                quotient,
                finite(a, b),
                quotient == 0.0 && a != 0.0 && b.is_finite(),
            )
        }),
        Arithmetic::Modulo => zip(a, b, args, |a, b| match b == 0.0 && !a.is_nan() {
            true => (0.0, Fault::Zero),
            false => (a % b, Fault::None),
        }),
    }
}

/// The scale of a decimal result; the table is in the documentation of the crate.
pub(crate) fn result_scale(op: Arithmetic, a: u8, b: u8) -> u8 {
    match op {
        Arithmetic::Add | Arithmetic::Subtract | Arithmetic::Modulo => a.max(b),
        Arithmetic::Multiply => (a + b).min(Decimal::SCALE_MAX),
        Arithmetic::Divide => a.max(b).max(QUOTIENT_SCALE),
    }
}

/// Digits after the point that a quotient has at least: PostgreSQL keeps 16 that matter.
const QUOTIENT_SCALE: u8 = 16;

fn decimals(op: Arithmetic, args: &Args<'_>) -> (Values, Vec<Failure>) {
    let scale_of = |side: usize| match args.operands[side].column().data_type() {
        DataType::Decimal { scale } => scale,
        other => unreachable!("bound as decimal, found {other}"),
    };
    let (a, b) = (scale_of(0), scale_of(1));
    let scale = result_scale(op, a, b);
    let (mantissas, failures) = match op {
        Arithmetic::Multiply => multiply(args, a + b - scale),
        Arithmetic::Divide => divide(args, scale + b - a),
        _ if a == b => additive(op, args),
        _ => aligned(op, args, (scale - a, scale - b)),
    };
    (Values::Decimal { mantissas, scale }, failures)
}

fn numeric((value, overflow): (i128, bool)) -> (i128, Fault) {
    (value, Fault::Numeric.when(overflow))
}

/// Addition, subtraction or remainder of mantissas of one scale.
#[inline]
fn combine(op: Arithmetic, a: i128, b: i128) -> (i128, Fault) {
    match op {
        Arithmetic::Add => numeric(a.overflowing_add(b)),
        Arithmetic::Subtract => numeric(a.overflowing_sub(b)),
        _ if b == 0 => (0, Fault::Zero),
        _ => (a.wrapping_rem(b), Fault::None),
    }
}

fn additive(op: Arithmetic, args: &Args<'_>) -> (Vec<i128>, Vec<Failure>) {
    let (a, b) = (args.operands[0].mantissas(), args.operands[1].mantissas());
    match op {
        Arithmetic::Add => zip(a, b, args, |a, b| combine(Arithmetic::Add, a, b)),
        Arithmetic::Subtract => zip(a, b, args, |a, b| combine(Arithmetic::Subtract, a, b)),
        _ => zip(a, b, args, |a, b| combine(Arithmetic::Modulo, a, b)),
    }
}

/// The same after each side is brought to the larger scale by `digits` more.
fn aligned(op: Arithmetic, args: &Args<'_>, digits: (u8, u8)) -> (Vec<i128>, Vec<Failure>) {
    let (a, b) = (args.operands[0].mantissas(), args.operands[1].mantissas());
    let factors = (wide::power_of_ten(digits.0), wide::power_of_ten(digits.1));
    zip(a, b, args, move |a, b| {
        match (a.checked_mul(factors.0), b.checked_mul(factors.1)) {
            (Some(a), Some(b)) => combine(op, a, b),
            _ => (0, Fault::Numeric),
        }
    })
}

/// Products less `excess` digits, rounded half away from zero.
fn multiply(args: &Args<'_>, excess: u8) -> (Vec<i128>, Vec<Failure>) {
    let (a, b) = (args.operands[0].mantissas(), args.operands[1].mantissas());
    if excess == 0 {
        return zip(a, b, args, |a, b| numeric(wide::overflowing_mul(a, b)));
    }
    zip(a, b, args, move |a, b| {
        let rounded = a
            .checked_mul(b)
            .and_then(|product| wide::divide(product, wide::power_of_ten(excess), 0));
        rounded.map_or((0, Fault::Numeric), |value| (value, Fault::None))
    })
}

/// Quotients with `digits` more than the whole part, rounded half away from zero.
fn divide(args: &Args<'_>, digits: u8) -> (Vec<i128>, Vec<Failure>) {
    let (a, b) = (args.operands[0].mantissas(), args.operands[1].mantissas());
    zip(a, b, args, move |a, b| match b {
        0 => (0, Fault::Zero),
        b => wide::divide(a, b, digits).map_or((0, Fault::Numeric), |value| (value, Fault::None)),
    })
}
