//! Changing types: the promotions that the binder adds, and CAST and TRY_CAST.

use std::borrow::Cow;

use pelton_record::spare::{self, Part};
use pelton_record::{Batch, Column, DataType, Decimal, Schema, Values};
use pelton_simd::number::{write_decimal, write_i64};
use smallvec::smallvec;

use super::arithmetic::{Fault, zip};
use super::node::Args;
use super::number;
use super::operand::{Context, Lane, Operand, Outcome, decimal};
use super::syntax::Target;
use super::text::{self, Step};
use super::time;
use super::wide;

/// Where a cast leads, and whether what fails is null instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cast {
    pub(crate) target: Target,
    pub(crate) tolerant: bool,
}

impl Cast {
    /// The cast to a type of a decimal with any number of digits.
    pub(crate) const fn to(data_type: DataType) -> Self {
        Self {
            target: Target {
                data_type,
                precision: None,
                date: false,
            },
            tolerant: false,
        }
    }
}

/// Whether there is a cast at all.
pub(crate) const fn possible(from: DataType, to: DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (T::String, _) | (_, T::String) => true,
        (T::Bool, T::Int64) | (T::Int64, T::Bool) => true,
        (T::Bool, T::Bool) | (T::Bytes, T::Bytes) | (T::Timestamp, T::Timestamp) => true,
        (from, to) => from.is_numeric() && to.is_numeric(),
    }
}

/// Casts a column that [`possible`] allows.
pub(crate) fn eval<'a>(cast: Cast, args: Args<'a>) -> Outcome<'a> {
    let from = args.operands[0].column().data_type();
    let Target {
        data_type: to,
        precision,
        date,
    } = cast.target;
    if from == to && precision.is_none() && !date {
        let operand = args.operands.into_iter().next();
        return Outcome::new(operand.expect("a cast has one operand"));
    }
    let outcome = match (from, to) {
        (DataType::String, _) => read(to, precision, date, &args),
        (_, DataType::String) => written(from, &args),
        (_, DataType::Bool) => {
            let bits = args.operands[0]
                .ints()
                .map(args.context.rows(), |value| value != 0);
            plain(Values::Bool(spare::bits(bits)), &args)
        }
        (DataType::Timestamp, _) => {
            let days = args.operands[0]
                .ints()
                .map(args.context.rows(), time::midnight);
            plain(Values::Timestamp(days), &args)
        }
        (_, DataType::Int64) => to_int(from, &args),
        (_, DataType::Float64) => to_float(from, &args),
        (_, DataType::Decimal { scale }) => to_decimal(from, scale, precision, &args),
        _ => unreachable!("the binder refuses a cast from {from} to {to}"),
    };
    if cast.tolerant {
        forgiven(outcome)
    } else {
        outcome
    }
}

/// Failures become nulls; they are null already.
fn forgiven(outcome: Outcome<'static>) -> Outcome<'static> {
    Outcome::new(outcome.operand)
}

fn plain(values: Values, args: &Args<'_>) -> Outcome<'static> {
    Outcome::of(values, args.validity.clone(), Vec::new())
}

/// `each` of a lane, with the rows that failed.
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

fn to_int(from: DataType, args: &Args<'_>) -> Outcome<'static> {
    let operand = &args.operands[0];
    let range = |value: Option<i64>| match value {
        Some(value) => (value, Fault::None),
        None => (0, Fault::Integer),
    };
    match from {
        DataType::Bool => {
            let bits = operand.bools();
            let constant = operand.is_constant();
            let bit = |row| i64::from(bits.get(if constant { 0 } else { row }));
            plain(
                Values::Int64((0..args.context.rows()).map(bit).collect()),
                args,
            )
        }
        DataType::Float64 => map(operand.floats(), args, Values::Int64, |value| {
            let rounded = value.round_ties_even();
            let inside = (-(2f64.powi(63))..2f64.powi(63)).contains(&rounded);
            range(inside.then_some(rounded as i64))
        }),
        DataType::Decimal { scale } => map(operand.mantissas(), args, Values::Int64, |mantissa| {
            let whole = decimal(mantissa, scale).rescale(0);
            range(whole.and_then(|whole| i64::try_from(whole.mantissa()).ok()))
        }),
        _ => unreachable!("the binder refuses a cast from {from} to int64"),
    }
}

fn to_float(from: DataType, args: &Args<'_>) -> Outcome<'static> {
    let operand = &args.operands[0];
    let rows = args.context.rows();
    let floats = match from {
        DataType::Decimal { scale } => operand
            .mantissas()
            .map(rows, |mantissa| decimal(mantissa, scale).to_f64()),
        _ => operand.ints().map(rows, |value| value as f64),
    };
    plain(Values::Float64(floats), args)
}

fn to_decimal(
    from: DataType,
    scale: u8,
    precision: Option<u8>,
    args: &Args<'_>,
) -> Outcome<'static> {
    let operand = &args.operands[0];
    let decimals = move |mantissas| Values::Decimal { mantissas, scale };
    let range = move |mantissa: Option<i128>| match mantissa {
        Some(mantissa) if fits(mantissa, precision) => (mantissa, Fault::None),
        _ => (0, Fault::Numeric),
    };
    match from {
        DataType::Int64 if scale == 0 && precision.is_none() => {
            map(operand.ints(), args, decimals, |value| {
                (i128::from(value), Fault::None)
            })
        }
        DataType::Int64 => {
            let factor = wide::power_of_ten(scale);
            map(operand.ints(), args, decimals, move |value| {
                range(i128::from(value).checked_mul(factor))
            })
        }
        DataType::Float64 => map(operand.floats(), args, decimals, |value| {
            range(number::float_mantissa(value, scale))
        }),
        DataType::Decimal { scale: old } => map(operand.mantissas(), args, decimals, |mantissa| {
            range(decimal(mantissa, old).rescale(scale).map(Decimal::mantissa))
        }),
        _ => unreachable!("the binder refuses a cast from {from} to decimal"),
    }
}

/// Whether a mantissa has at most `precision` digits.
fn fits(mantissa: i128, precision: Option<u8>) -> bool {
    precision.is_none_or(|digits| mantissa.abs() < wide::power_of_ten(digits))
}

/// Text read as another type.
fn read(to: DataType, precision: Option<u8>, date: bool, args: &Args<'_>) -> Outcome<'static> {
    let texts = args.operands[0].texts();
    let named = |row: usize| refusal(texts.at(row), to);
    match to {
        DataType::Bool => {
            let (bools, validity, failures) =
                text::rows(args, |row| parsed(parse_bool(texts.at(row)), || named(row)));
            Outcome::of(Values::Bool(spare::bits(bools)), validity, failures)
        }
        DataType::Int64 => {
            let (ints, validity, failures) = text::rows(args, |row| {
                parsed(number::parse_int(texts.at(row)), || named(row))
            });
            Outcome::of(Values::Int64(ints), validity, failures)
        }
        DataType::Float64 => {
            let (floats, validity, failures) = text::rows(args, |row| {
                parsed(number::parse_float(texts.at(row)), || named(row))
            });
            Outcome::of(Values::Float64(floats), validity, failures)
        }
        DataType::Decimal { scale } => {
            let mantissa = |row| {
                let mantissa = number::parse_mantissa(texts.at(row), scale);
                parsed(mantissa.filter(|&digits| fits(digits, precision)), || {
                    named(row)
                })
            };
            let (mantissas, validity, failures) = text::rows(args, mantissa);
            Outcome::of(Values::Decimal { mantissas, scale }, validity, failures)
        }
        DataType::Timestamp => {
            let cut = |instant| {
                if date {
                    time::midnight(instant)
                } else {
                    instant
                }
            };
            let (instants, validity, failures) = text::rows(args, |row| {
                parsed(time::parse(texts.at(row)).map(cut), || named(row))
            });
            Outcome::of(Values::Timestamp(instants), validity, failures)
        }
        _ => {
            let column = args.operands[0]
                .clone()
                .spread(args.context.rows())
                .into_owned();
            let (values, validity) = column.into_parts();
            let Values::String(strings) = values else {
                unreachable!("read from text");
            };
            Outcome::of(Values::Bytes(strings), validity, Vec::new())
        }
    }
}

fn parsed<T>(value: Option<T>, reason: impl FnOnce() -> Cow<'static, str>) -> Step<T> {
    value.map(Some).ok_or_else(reason)
}

/// Bytes of a value that a reason quotes.
const QUOTED_MAX: usize = 40;

/// `"abc" is not an int64`.
fn refusal(text: &[u8], to: DataType) -> Cow<'static, str> {
    let shown = String::from_utf8_lossy(&text[..text.len().min(QUOTED_MAX)]);
    let more = if QUOTED_MAX < text.len() { "..." } else { "" };
    Cow::Owned(format!("{shown:?}{more} does not read as {to}"))
}

/// `true`, `yes`, `on`, `1` and their opposites, by any of their first letters that decide.
pub(crate) fn parse_bool(text: &[u8]) -> Option<bool> {
    let word = text.trim_ascii().to_ascii_lowercase();
    let begins = |whole: &[u8], least: usize| least <= word.len() && whole.starts_with(&word);
    let yes = begins(b"true", 1) || begins(b"yes", 1) || begins(b"on", 2) || word == b"1";
    let no = begins(b"false", 1) || begins(b"no", 1) || begins(b"off", 2) || word == b"0";
    (yes || no).then_some(yes)
}

/// Values of another type as text.
fn written(from: DataType, args: &Args<'_>) -> Outcome<'static> {
    let operand = &args.operands[0];
    match from {
        DataType::Bool => {
            let (bits, constant) = (operand.bools(), operand.is_constant());
            text::build(args, |row, out| {
                let bit = bits.get(if constant { 0 } else { row });
                out.extend_from_slice(if bit { b"true" } else { b"false" });
                Ok(Some(()))
            })
        }
        DataType::Int64 => {
            let lane = operand.ints();
            text::build(args, |row, out| {
                write_i64(out, lane.at(row));
                Ok(Some(()))
            })
        }
        DataType::Float64 => {
            let lane = operand.floats();
            text::build(args, |row, out| {
                number::write_float(lane.at(row), out);
                Ok(Some(()))
            })
        }
        DataType::Decimal { scale } => {
            let lane = operand.mantissas();
            text::build(args, |row, out| {
                write_decimal(out, lane.at(row), scale);
                Ok(Some(()))
            })
        }
        DataType::Timestamp => {
            let lane = operand.ints();
            text::build(args, |row, out| {
                time::write(lane.at(row), out);
                Ok(Some(()))
            })
        }
        _ => from_bytes(args),
    }
}

/// Bytes that are UTF-8.
fn from_bytes(args: &Args<'_>) -> Outcome<'static> {
    let texts = args.operands[0].texts();
    text::build(args, |row, out| match str::from_utf8(texts.at(row)) {
        Ok(text) => {
            out.extend_from_slice(text.as_bytes());
            Ok(Some(()))
        }
        Err(error) => Err(format!("byte {} is not UTF-8", error.valid_up_to()).into()),
    })
}

/// A constant of one row, cast on its own; `None` when it fails.
pub(crate) fn constant(column: &Column, cast: Cast) -> Result<Column, Cow<'static, str>> {
    let batch = Batch::from_columns(
        Schema::of([("value", column.data_type())]).into(),
        vec![column.clone()],
    );
    let operand = Operand::Rows(Cow::Borrowed(batch.column(0)));
    let validity = operand.validity(1).map(Cow::into_owned);
    let args = Args {
        context: Context::new(&batch),
        operands: smallvec![operand],
        validity,
    };
    let outcome = eval(cast, args);
    match outcome.failures.into_iter().next() {
        Some(failure) => Err(failure.reason),
        None => Ok(outcome.operand.spread(1).into_owned()),
    }
}
