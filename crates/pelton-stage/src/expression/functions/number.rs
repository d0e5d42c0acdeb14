//! Functions of numbers.

use pelton_record::spare::Part;
use pelton_record::{DataType, Decimal, Values};

use super::{Arguments, Function, call, function};
use crate::Error;
use crate::expression::arithmetic::{Fault, ranged, zip};
use crate::expression::node::{Args, Kind, Node};
use crate::expression::operand::{Lane, Outcome, decimal};
use crate::expression::syntax::Arithmetic;
use crate::expression::text::{self, Step};
use crate::expression::types::promoted;
use crate::expression::wide;

pub(super) const FUNCTIONS: [Function; 19] = [
    function("abs", 1, 1, abs),
    function("sign", 1, 1, sign),
    function("round", 1, 2, |args| rounded(args, Rounding::Nearest)),
    function("trunc", 1, 2, |args| rounded(args, Rounding::Zero)),
    function("ceil", 1, 1, |args| rounded(args, Rounding::Up)),
    function("ceiling", 1, 1, |args| rounded(args, Rounding::Up)),
    function("floor", 1, 1, |args| rounded(args, Rounding::Down)),
    function("mod", 2, 2, modulo),
    function("sqrt", 1, 1, |args| floats(args, sqrt)),
    function("cbrt", 1, 1, |args| floats(args, |x| Ok(x.cbrt()))),
    function("exp", 1, 1, |args| floats(args, exp)),
    function("ln", 1, 1, |args| floats(args, |x| logarithm(x, f64::ln))),
    function("log", 1, 1, |args| {
        floats(args, |x| logarithm(x, f64::log10))
    }),
    function("log10", 1, 1, |args| {
        floats(args, |x| logarithm(x, f64::log10))
    }),
    function("log2", 1, 1, |args| {
        floats(args, |x| logarithm(x, f64::log2))
    }),
    function("power", 2, 2, power),
    function("pow", 2, 2, power),
    function("isnan", 1, 1, is_nan),
    function("to_hex", 1, 1, to_hex),
];

type Bound = Result<Node, Error>;

/// `each` of a number of any type, which keeps its type.
fn map<A: Copy, R: Part>(
    lane: Lane<'_, A>,
    args: &Args<'_>,
    values: impl Fn(Vec<R>) -> Values,
    each: impl Fn(A) -> (R, Fault),
) -> Outcome<'static> {
    let unit = Lane {
        values: &[()],
        constant: true,
    };
    let (mapped, failures) = zip(lane, unit, args, |value, ()| each(value));
    Outcome::of(values(mapped), args.validity.clone(), failures)
}

fn abs(args: &mut Arguments<'_, '_>) -> Bound {
    let operand = args.number(0)?;
    let data_type = operand.data_type;
    Ok(call(vec![operand], data_type, move |args| {
        let operand = &args.operands[0];
        match data_type {
            DataType::Int64 => map(operand.ints(), args, Values::Int64, |value| {
                let (value, overflow) = value.overflowing_abs();
                (value, Fault::Integer.when(overflow))
            }),
            DataType::Decimal { scale } => {
                let decimals = |mantissas| Values::Decimal { mantissas, scale };
                map(operand.mantissas(), args, decimals, |value| {
                    let (value, overflow) = value.overflowing_abs();
                    (value, Fault::Numeric.when(overflow))
                })
            }
            _ => map(operand.floats(), args, Values::Float64, |value| {
                (value.abs(), Fault::None)
            }),
        }
    }))
}

/// -1, 0 or 1, of the argument's type; decimals have no digits after the point then.
fn sign(args: &mut Arguments<'_, '_>) -> Bound {
    let operand = args.number(0)?;
    let data_type = match operand.data_type {
        DataType::Decimal { .. } => DataType::Decimal { scale: 0 },
        other => other,
    };
    Ok(call(vec![operand], data_type, move |args| {
        let operand = &args.operands[0];
        match data_type {
            DataType::Int64 => map(operand.ints(), args, Values::Int64, |value| {
                (value.signum(), Fault::None)
            }),
            DataType::Decimal { scale } => {
                let decimals = |mantissas| Values::Decimal { mantissas, scale };
                map(operand.mantissas(), args, decimals, |value| {
                    (value.signum(), Fault::None)
                })
            }
            _ => map(operand.floats(), args, Values::Float64, |value| {
                let sign = if value == 0.0 || value.is_nan() {
                    value
                } else {
                    value.signum()
                };
                (sign, Fault::None)
            }),
        }
    }))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rounding {
    Nearest,
    Zero,
    Up,
    Down,
}

impl Rounding {
    /// Floats go to the even neighbour when they lie between two, as PostgreSQL has it.
    fn float(self, value: f64) -> f64 {
        match self {
            Self::Nearest => value.round_ties_even(),
            Self::Zero => value.trunc(),
            Self::Up => value.ceil(),
            Self::Down => value.floor(),
        }
    }

    /// `mantissa / 10^digits` as a whole number; decimals go away from zero when they lie between.
    fn mantissa(self, mantissa: i128, digits: u8) -> i128 {
        let unit = wide::power_of_ten(digits);
        let (whole, rest) = (mantissa / unit, mantissa % unit);
        match self {
            Self::Nearest => decimal(mantissa, digits)
                .rescale(0)
                .map_or(whole, Decimal::mantissa),
            Self::Zero => whole,
            Self::Up => whole + i128::from(0 < rest),
            Self::Down => whole - i128::from(rest < 0),
        }
    }
}

/// `round`, `trunc`, `ceil` and `floor`, with the digits to keep after the point.
fn rounded(args: &mut Arguments<'_, '_>, rounding: Rounding) -> Bound {
    let operand = args.number(0)?;
    if args.len() == 1 {
        return Ok(whole(operand, rounding));
    }
    let digits = args.int(1)?;
    let digits = match digits.as_constant().map(|column| column.value(0)) {
        Some(pelton_record::Value::Int64(digits)) => digits.clamp(-38, 38) as i8,
        _ => return Err(args.refuse(1, format!("the digits for {} must be constant", args.name))),
    };
    Ok(to_digits(operand, rounding, digits))
}

fn whole(operand: Node, rounding: Rounding) -> Node {
    match operand.data_type {
        DataType::Int64 => operand,
        DataType::Decimal { scale } => {
            let data_type = DataType::Decimal { scale: 0 };
            call(vec![operand], data_type, move |args| {
                let decimals = |mantissas| Values::Decimal {
                    mantissas,
                    scale: 0,
                };
                map(args.operands[0].mantissas(), args, decimals, |value| {
                    (rounding.mantissa(value, scale), Fault::None)
                })
            })
        }
        _ => call(vec![operand], DataType::Float64, move |args| {
            map(args.operands[0].floats(), args, Values::Float64, |value| {
                (rounding.float(value), Fault::None)
            })
        }),
    }
}

fn to_digits(operand: Node, rounding: Rounding, digits: i8) -> Node {
    match operand.data_type {
        DataType::Int64 if 0 <= digits => operand,
        DataType::Int64 => {
            let operand = promoted(operand, DataType::Decimal { scale: 0 });
            promoted(to_digits(operand, rounding, digits), DataType::Int64)
        }
        DataType::Decimal { scale } => decimal_digits(operand, rounding, scale, digits),
        _ => call(vec![operand], DataType::Float64, move |args| {
            let factor = 10f64.powi(i32::from(digits));
            map(args.operands[0].floats(), args, Values::Float64, |value| {
                let scaled = value * factor;
                let rounded = rounding.float(scaled) / factor;
                // A number too large to be scaled has no digits to lose.
                (
                    if scaled.is_finite() { rounded } else { value },
                    Fault::None,
                )
            })
        }),
    }
}

/// The result has `digits` after the point, none when that is negative.
fn decimal_digits(operand: Node, rounding: Rounding, scale: u8, digits: i8) -> Node {
    let kept = u8::try_from(digits).unwrap_or(0);
    // Digits cut off, some of them perhaps left of the point and put back as zeros.
    let cut = u8::try_from(i16::from(scale) - i16::from(digits)).unwrap_or(0);
    let zeros = if digits < 0 {
        digits.unsigned_abs()
    } else {
        kept.saturating_sub(scale)
    };
    let data_type = DataType::Decimal { scale: kept };
    call(vec![operand], data_type, move |args| {
        let decimals = |mantissas| Values::Decimal {
            mantissas,
            scale: kept,
        };
        map(args.operands[0].mantissas(), args, decimals, |value| {
            let short = if 38 < cut {
                0
            } else {
                rounding.mantissa(value, cut)
            };
            match short.checked_mul(wide::power_of_ten(zeros)) {
                Some(value) => (value, Fault::None),
                None => (0, Fault::Numeric),
            }
        })
    })
}

fn modulo(args: &mut Arguments<'_, '_>) -> Bound {
    let (a, b) = (args.number(0)?, args.number(1)?);
    let Some(shared) = crate::expression::types::common(a.data_type, b.data_type) else {
        unreachable!("numbers have a common type");
    };
    let operands = Box::new([promoted(a, shared), promoted(b, shared)]);
    Ok(Node::new(
        Kind::Arithmetic(Arithmetic::Modulo, operands),
        shared,
    ))
}

/// A function of one float, which may fail.
fn floats(args: &mut Arguments<'_, '_>, each: fn(f64) -> Result<f64, &'static str>) -> Bound {
    let operands = vec![args.float(0)?];
    Ok(call(operands, DataType::Float64, move |args| {
        let lane = args.operands[0].floats();
        let (values, validity, failures) = text::rows(args, |row| Ok(Some(each(lane.at(row))?)));
        Outcome::of(Values::Float64(values), validity, failures)
    }))
}

fn sqrt(value: f64) -> Result<f64, &'static str> {
    match value < 0.0 {
        true => Err("cannot take square root of a negative number"),
        false => Ok(value.sqrt()),
    }
}

fn exp(value: f64) -> Result<f64, &'static str> {
    in_range(
        value.exp(),
        value.is_finite(),
        value.is_finite() && value.exp() == 0.0,
    )
}

fn in_range(value: f64, finite: bool, underflow: bool) -> Result<f64, &'static str> {
    match ranged(value, finite, underflow) {
        (value, Fault::None) => Ok(value),
        (_, fault) => Err(fault.reason()),
    }
}

fn logarithm(value: f64, of: fn(f64) -> f64) -> Result<f64, &'static str> {
    if value == 0.0 {
        return Err("cannot take logarithm of zero");
    }
    match value < 0.0 {
        true => Err("cannot take logarithm of a negative number"),
        false => Ok(of(value)),
    }
}

fn power(args: &mut Arguments<'_, '_>) -> Bound {
    let operands = vec![args.float(0)?, args.float(1)?];
    Ok(call(operands, DataType::Float64, |args| {
        let (bases, exponents) = (args.operands[0].floats(), args.operands[1].floats());
        let each = |row| -> Step<f64> { Ok(Some(raised(bases.at(row), exponents.at(row))?)) };
        let (values, validity, failures) = text::rows(args, each);
        Outcome::of(Values::Float64(values), validity, failures)
    }))
}

fn raised(base: f64, exponent: f64) -> Result<f64, &'static str> {
    if base == 0.0 && exponent < 0.0 {
        return Err("zero raised to a negative power is undefined");
    }
    if base < 0.0 && exponent.is_finite() && exponent.fract() != 0.0 {
        return Err("a negative number raised to a non-integer power yields a complex result");
    }
    let value = base.powf(exponent);
    let finite = base.is_finite() && exponent.is_finite();
    in_range(value, finite, finite && value == 0.0 && base != 0.0)
}

fn is_nan(args: &mut Arguments<'_, '_>) -> Bound {
    let operands = vec![args.float(0)?];
    Ok(call(operands, DataType::Bool, |args| {
        let lane = args.operands[0].floats();
        let bits = lane
            .map(args.context.rows(), f64::is_nan)
            .into_iter()
            .collect();
        Outcome::of(Values::Bool(bits), args.validity.clone(), Vec::new())
    }))
}

fn to_hex(args: &mut Arguments<'_, '_>) -> Bound {
    let operands = vec![args.int(0)?];
    Ok(call(operands, DataType::String, |args| {
        let lane = args.operands[0].ints();
        text::build(args, |row, out| {
            out.extend_from_slice(format!("{:x}", lane.at(row)).as_bytes());
            Ok(Some(()))
        })
    }))
}
