//! Functions of date and time. All timestamps are UTC.

use pelton_record::{DataType, Values};

use super::{Arguments, Function, call, function};
use crate::Error;
use crate::expression::bind::{described, type_error};
use crate::expression::interval::Interval;
use crate::expression::node::Node;
use crate::expression::operand::Outcome;
use crate::expression::syntax::{Arithmetic, Tree};
use crate::expression::text;
use crate::expression::time::{self, Civil, DAY, SECOND};
use crate::expression::types::Loose;

pub(super) const FUNCTIONS: [Function; 7] = [
    function("date_trunc", 2, 2, date_trunc),
    function("date_part", 2, 2, date_part),
    function("date_bin", 3, 3, date_bin),
    function("epoch", 1, 1, epoch),
    function("epoch_ns", 1, 1, epoch_ns),
    function("to_timestamp", 1, 1, to_timestamp),
    function("make_timestamp", 6, 6, make_timestamp),
];

type Bound = Result<Node, Error>;

const OUT_OF_RANGE: &str = "timestamp out of range";
const HOUR: i64 = 3_600 * SECOND;
const MINUTE: i64 = 60 * SECOND;

/// A part of a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Nanosecond,
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    /// Only to ask for, not to cut at.
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    IsoYear,
    Epoch,
}

const UNITS: [(&str, Unit); 23] = [
    ("nanosecond", Unit::Nanosecond),
    ("microsecond", Unit::Microsecond),
    ("millisecond", Unit::Millisecond),
    ("second", Unit::Second),
    ("minute", Unit::Minute),
    ("hour", Unit::Hour),
    ("day", Unit::Day),
    ("week", Unit::Week),
    ("month", Unit::Month),
    ("quarter", Unit::Quarter),
    ("year", Unit::Year),
    ("decade", Unit::Decade),
    ("century", Unit::Century),
    ("centurie", Unit::Century), // centuries
    ("dow", Unit::DayOfWeek),
    ("dayofweek", Unit::DayOfWeek),
    ("isodow", Unit::IsoDayOfWeek),
    ("doy", Unit::DayOfYear),
    ("dayofyear", Unit::DayOfYear),
    ("isoyear", Unit::IsoYear),
    ("isoweek", Unit::Week),
    ("epoch", Unit::Epoch),
    ("date", Unit::Day),
];

/// The unit that argument 0 names.
fn unit(args: &mut Arguments<'_, '_>) -> Result<Unit, Error> {
    let name = args.constant(0)?.to_ascii_lowercase();
    let singular = name.strip_suffix('s').unwrap_or(&name);
    let known = UNITS
        .iter()
        .find(|(known, _)| *known == singular || *known == name);
    known.map(|&(_, unit)| unit).ok_or_else(|| {
        let names = UNITS.map(|(name, _)| name);
        let hint = match pelton_record::nearest(&name, names) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => String::new(),
        };
        args.refuse(0, format!("unknown unit `{name}`{hint}"))
    })
}

/// A timestamp from a timestamp, which may be out of range.
fn moved_by(
    operands: Vec<Node>,
    each: impl Fn(i64) -> Option<i64> + Send + Sync + 'static,
) -> Node {
    call(operands, DataType::Timestamp, move |args| {
        let lane = args.operands[0].ints();
        let (values, validity, failures) = text::rows(args, |row| match each(lane.at(row)) {
            Some(value) => Ok(Some(value)),
            None => Err(OUT_OF_RANGE.into()),
        });
        Outcome::of(Values::Timestamp(values), validity, failures)
    })
}

/// A whole number from a timestamp.
fn counted(operands: Vec<Node>, each: impl Fn(i64) -> i64 + Send + Sync + 'static) -> Node {
    call(operands, DataType::Int64, move |args| {
        let values = args.operands[0].ints().map(args.context.rows(), &each);
        Outcome::of(Values::Int64(values), args.validity.clone(), Vec::new())
    })
}

fn date_trunc(args: &mut Arguments<'_, '_>) -> Bound {
    let unit = unit(args)?;
    if matches!(
        unit,
        Unit::DayOfWeek | Unit::IsoDayOfWeek | Unit::DayOfYear | Unit::IsoYear | Unit::Epoch
    ) {
        return Err(args.refuse(0, "a timestamp cannot be cut at this unit"));
    }
    let operands = vec![args.timestamp(1)?];
    Ok(moved_by(operands, move |timestamp| {
        truncated(timestamp, unit)
    }))
}

/// The start of the unit that `timestamp` lies in.
fn truncated(timestamp: i64, unit: Unit) -> Option<i64> {
    let step = match unit {
        Unit::Nanosecond => 1,
        Unit::Microsecond => 1_000,
        Unit::Millisecond => 1_000_000,
        Unit::Second => SECOND,
        Unit::Minute => MINUTE,
        Unit::Hour => HOUR,
        Unit::Day => DAY,
        _ => return truncated_days(timestamp.div_euclid(DAY), unit)?.checked_mul(DAY),
    };
    timestamp.checked_sub(timestamp.rem_euclid(step))
}

/// The first day of the unit that the day lies in.
fn truncated_days(day: i64, unit: Unit) -> Option<i64> {
    let Civil { year, month, .. } = time::civil(day);
    let first = |year, month| {
        Some(time::days(Civil {
            year,
            month,
            day: 1,
        }))
    };
    match unit {
        Unit::Week => Some(day - (iso_weekday(day) - 1)),
        Unit::Month => first(year, month),
        Unit::Quarter => first(year, month - (month - 1) % 3),
        Unit::Year => first(year, 1),
        Unit::Decade => first(year - year.rem_euclid(10), 1),
        _ => first(year - (year - 1).rem_euclid(100), 1),
    }
}

/// 1 is Monday, 7 Sunday.
const fn iso_weekday(day: i64) -> i64 {
    (day + 3).rem_euclid(7) + 1
}

fn date_part(args: &mut Arguments<'_, '_>) -> Bound {
    let unit = unit(args)?;
    let operands = vec![args.timestamp(1)?];
    Ok(match unit {
        Unit::Second => nanoseconds(operands, |timestamp| timestamp.rem_euclid(MINUTE)),
        Unit::Epoch => nanoseconds(operands, |timestamp| timestamp),
        _ => counted(operands, move |timestamp| part(timestamp, unit)),
    })
}

/// Nanoseconds as decimal seconds.
fn nanoseconds(operands: Vec<Node>, each: impl Fn(i64) -> i64 + Send + Sync + 'static) -> Node {
    call(operands, DataType::Decimal { scale: 9 }, move |args| {
        let lane = args.operands[0].ints();
        let mantissas = lane.map(args.context.rows(), |value| i128::from(each(value)));
        let values = Values::Decimal {
            mantissas,
            scale: 9,
        };
        Outcome::of(values, args.validity.clone(), Vec::new())
    })
}

fn part(timestamp: i64, unit: Unit) -> i64 {
    let in_minute = timestamp.rem_euclid(MINUTE);
    match unit {
        Unit::Nanosecond => in_minute,
        Unit::Microsecond => in_minute / 1_000,
        Unit::Millisecond => in_minute / 1_000_000,
        Unit::Minute => timestamp.div_euclid(MINUTE).rem_euclid(60),
        Unit::Hour => timestamp.div_euclid(HOUR).rem_euclid(24),
        _ => day_part(timestamp.div_euclid(DAY), unit),
    }
}

fn day_part(day: i64, unit: Unit) -> i64 {
    let date = time::civil(day);
    let month = i64::from(date.month);
    match unit {
        Unit::Day => i64::from(date.day),
        Unit::Week => iso_week(day).1,
        Unit::IsoYear => iso_week(day).0,
        Unit::Month => month,
        Unit::Quarter => (month - 1) / 3 + 1,
        Unit::Decade => date.year.div_euclid(10),
        Unit::Century => (date.year - 1).div_euclid(100) + 1,
        Unit::DayOfWeek => iso_weekday(day) % 7,
        Unit::IsoDayOfWeek => iso_weekday(day),
        Unit::DayOfYear => {
            day - time::days(Civil {
                month: 1,
                day: 1,
                ..date
            }) + 1
        }
        _ => date.year,
    }
}

/// The year and week of ISO 8601: a week belongs to the year of its Thursday.
fn iso_week(day: i64) -> (i64, i64) {
    let thursday = day - iso_weekday(day) + 4;
    let year = time::civil(thursday).year;
    let first = time::days(Civil {
        year,
        month: 1,
        day: 1,
    });
    (year, (thursday - first) / 7 + 1)
}

/// The start of the interval of a length of days or less that a timestamp lies in.
fn date_bin(args: &mut Arguments<'_, '_>) -> Bound {
    let (loose, tree) = args.take(0);
    let stride = match loose {
        Loose::Interval(interval) => Some(interval),
        Loose::Text(text) => Interval::parse(&text, None),
        Loose::Known(_) | Loose::Null => None,
    };
    let length = stride
        .filter(|stride| stride.months == 0)
        .and_then(|stride| {
            let days = i64::from(stride.days).checked_mul(DAY)?;
            days.checked_add(stride.nanoseconds)
                .filter(|&length| 0 < length)
        });
    let Some(length) = length else {
        let message =
            "date_bin needs a constant interval of days or less, like INTERVAL '15 minutes'";
        return Err(type_error(message, tree));
    };
    let operands = vec![args.timestamp(1)?, args.timestamp(2)?];
    Ok(call(operands, DataType::Timestamp, move |args| {
        let (lane, origins) = (args.operands[0].ints(), args.operands[1].ints());
        let (values, validity, failures) = text::rows(args, |row| {
            let (at, origin) = (i128::from(lane.at(row)), i128::from(origins.at(row)));
            let start = at - (at - origin).rem_euclid(i128::from(length));
            i64::try_from(start)
                .map(Some)
                .map_err(|_| OUT_OF_RANGE.into())
        });
        Outcome::of(Values::Timestamp(values), validity, failures)
    }))
}

fn epoch(args: &mut Arguments<'_, '_>) -> Bound {
    Ok(counted(vec![args.timestamp(0)?], |timestamp| {
        timestamp.div_euclid(SECOND)
    }))
}

fn epoch_ns(args: &mut Arguments<'_, '_>) -> Bound {
    Ok(counted(vec![args.timestamp(0)?], |timestamp| timestamp))
}

/// Seconds since 1970, whole or with a fraction.
fn to_timestamp(args: &mut Arguments<'_, '_>) -> Bound {
    let seconds = args.number(0)?;
    let data_type = seconds.data_type;
    Ok(call(vec![seconds], DataType::Timestamp, move |args| {
        let operand = &args.operands[0];
        let (values, validity, failures) = text::rows(args, |row| {
            let timestamp = match data_type {
                DataType::Int64 => operand.ints().at(row).checked_mul(SECOND),
                DataType::Float64 => from_float(operand.floats().at(row)),
                DataType::Decimal { scale } => {
                    let seconds =
                        crate::expression::operand::decimal(operand.mantissas().at(row), scale);
                    let nanoseconds = seconds.rescale(9).map(pelton_record::Decimal::mantissa);
                    nanoseconds.and_then(|value| i64::try_from(value).ok())
                }
                other => unreachable!("bound as a number, found {other}"),
            };
            timestamp.map(Some).ok_or_else(|| OUT_OF_RANGE.into())
        });
        Outcome::of(Values::Timestamp(values), validity, failures)
    }))
}

/// A float has digits for microseconds, and no more.
fn from_float(seconds: f64) -> Option<i64> {
    let microseconds = (seconds * 1e6).round_ties_even();
    let inside = microseconds.abs() < 9.3e15;
    (inside.then_some(microseconds as i64)?).checked_mul(1_000)
}

/// Year, month, day, hour, minute and whole seconds.
fn make_timestamp(args: &mut Arguments<'_, '_>) -> Bound {
    let operands = args.all(Arguments::int)?;
    Ok(call(operands, DataType::Timestamp, |args| {
        let (values, validity, failures) = text::rows(args, |row| {
            let [year, month, day, hour, minute, second] =
                [0, 1, 2, 3, 4, 5].map(|index: usize| args.operands[index].ints().at(row));
            let month = u32::try_from(month)
                .ok()
                .filter(|month| (1..=12).contains(month));
            let inside = (0..24).contains(&hour)
                && (0..60).contains(&minute)
                && (0..60).contains(&second)
                && (0..10_000).contains(&year);
            let date = month.filter(|_| inside).and_then(|month| {
                let day = u32::try_from(day).ok()?;
                let last = time::month_days(year, month);
                (1..=last)
                    .contains(&day)
                    .then_some(Civil { year, month, day })
            });
            let Some(date) = date else {
                return Err("no such date or time of day".into());
            };
            let in_day = hour * HOUR + minute * MINUTE + second * SECOND;
            let start = time::days(date).checked_mul(DAY);
            let timestamp = start.and_then(|start| start.checked_add(in_day));
            timestamp.map(Some).ok_or_else(|| OUT_OF_RANGE.into())
        });
        Outcome::of(Values::Timestamp(values), validity, failures)
    }))
}

/// `timestamp + interval`, `interval + timestamp` and `timestamp - interval`; `None` when neither
/// side is a timestamp or an interval.
pub(crate) fn moved(
    op: Arithmetic,
    (a, left): (&mut Loose, &Tree),
    (b, right): (&mut Loose, &Tree),
) -> Option<Bound> {
    let is_timestamp = |loose: &Loose| loose.data_type() == Some(DataType::Timestamp);
    let is_interval = |loose: &Loose| matches!(loose, Loose::Interval(_));
    if ![&*a, &*b]
        .into_iter()
        .any(|loose| is_timestamp(loose) || is_interval(loose))
    {
        return None;
    }
    let (timestamp, interval) = match (op, is_interval(a)) {
        (Arithmetic::Add, true) => (b, a),
        (Arithmetic::Add | Arithmetic::Subtract, false) => (a, b),
        _ => return Some(Err(refused(left, a, right, b))),
    };
    if !is_timestamp(timestamp) || !is_interval(interval) {
        return Some(Err(refused(left, timestamp, right, interval)));
    }
    let (Loose::Known(node), Loose::Interval(interval)) =
        (std::mem::replace(timestamp, Loose::Null), &*interval)
    else {
        unreachable!("checked above");
    };
    let interval = match op {
        Arithmetic::Subtract => interval.negated(),
        _ => Some(*interval),
    };
    let Some(interval) = interval else {
        return Some(Err(type_error("the interval is out of range", right)));
    };
    Some(Ok(moved_by(vec![node], move |timestamp| {
        shifted(timestamp, interval)
    })))
}

fn refused(left: &Tree, a: &Loose, right: &Tree, b: &Loose) -> Error {
    let (a, b) = (described(left, a), described(right, b));
    let hint = "an interval can be added to a timestamp or taken from it, and epoch() makes a \
                number of a timestamp";
    type_error(
        format!("no arithmetic between them: {a}, {b}; {hint}"),
        left,
    )
}

/// Months first, where the day stays within the month, then days, then the rest.
fn shifted(timestamp: i64, interval: Interval) -> Option<i64> {
    let (day, in_day) = (timestamp.div_euclid(DAY), timestamp.rem_euclid(DAY));
    let day = if interval.months == 0 {
        day
    } else {
        let date = time::civil(day);
        let months = date.year * 12 + i64::from(date.month) - 1 + i64::from(interval.months);
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) as u32 + 1);
        let day = date.day.min(time::month_days(year, month));
        time::days(Civil { year, month, day })
    };
    let total = i128::from(day + i64::from(interval.days)) * i128::from(DAY)
        + i128::from(in_day)
        + i128::from(interval.nanoseconds);
    i64::try_from(total).ok()
}
