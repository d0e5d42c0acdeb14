//! Comparisons, each one loop that packs its answers into a bitmap.

use std::cmp::Ordering;

use pelton_record::{Bitmap, DataType, Values, View, spare};
use pelton_simd::column::{Compare, Number, columns, with_constant};

use super::node::Args;
use super::operand::{Lane, Operand, Outcome, Texts, decimal};
use super::syntax::Comparison;
use super::wide;

/// Null when either side is.
pub(crate) fn compare(comparison: Comparison, args: &Args<'_>) -> Outcome<'static> {
    let bits = bits(
        comparison,
        &args.operands[0],
        &args.operands[1],
        args.context.rows(),
    );
    Outcome::of(Values::Bool(bits), args.validity.clone(), Vec::new())
}

/// Like `<>` (or `=` when negated), but null is a value, equal to itself.
pub(crate) fn distinct(negated: bool, args: &Args<'_>) -> Outcome<'static> {
    let rows = args.context.rows();
    let mut equal = bits(Comparison::Eq, &args.operands[0], &args.operands[1], rows);
    if let Some(both) = &args.validity {
        let [left, right] = [0, 1].map(|side: usize| args.operands[side].validity(rows));
        let either = match (&left, &right) {
            (Some(left), Some(right)) => left.or(right),
            _ => Bitmap::new(rows, true),
        };
        equal = equal.and(both).or(&either.not());
    }
    let holds = if negated { equal } else { equal.not() };
    Outcome::of(Values::Bool(holds), None, Vec::new())
}

/// The answers without regard to nulls.
pub(crate) fn bits(
    comparison: Comparison,
    left: &Operand<'_>,
    right: &Operand<'_>,
    rows: usize,
) -> Bitmap {
    match left.column().data_type() {
        DataType::Bool => bools(comparison, left, right, rows),
        DataType::Int64 | DataType::Timestamp => {
            numbers(comparison, left.ints(), right.ints(), rows)
        }
        DataType::Float64 => numbers(comparison, left.floats(), right.floats(), rows),
        DataType::Decimal { scale } => decimals(comparison, scale, left, right, rows),
        _ => strings(comparison, left.texts(), right.texts(), rows),
    }
}

/// A bit for each row, from a loop over 64 rows at a time without a branch between them.
#[inline]
fn pack(rows: usize, holds: impl Fn(usize) -> bool) -> Bitmap {
    let mut words = spare::take(rows.div_ceil(64));
    for base in (0..rows).step_by(64) {
        let mut flags = [0u8; 64];
        let count = (rows - base).min(64);
        for (offset, flag) in flags[..count].iter_mut().enumerate() {
            *flag = u8::from(holds(base + offset));
        }
        words.push(word(&flags));
    }
    Bitmap::from_words(words, rows)
}

/// The low bits of 64 bytes. The multiplication moves the bits of eight bytes into the top one.
#[inline]
fn word(flags: &[u8; 64]) -> u64 {
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (chunks, _) = flags.as_chunks::<8>();
    chunks.iter().rev().fold(0, |word, chunk| {
        let byte = u64::from_le_bytes(*chunk).wrapping_mul(GATHER) >> 56;
        word << 8 | byte
    })
}

/// `holds` of two lanes, with a loop of its own where the right one is constant.
#[inline]
fn pairs<T: Copy>(
    left: Lane<'_, T>,
    right: Lane<'_, T>,
    rows: usize,
    holds: impl Fn(T, T) -> bool,
) -> Bitmap {
    match (left.constant, right.constant) {
        (false, true) => {
            let (values, constant) = (&left.values[..rows], right.values[0]);
            pack(rows, |row| holds(values[row], constant))
        }
        (false, false) => {
            let (left, right) = (&left.values[..rows], &right.values[..rows]);
            pack(rows, |row| holds(left[row], right[row]))
        }
        _ => pack(rows, |row| holds(left.at(row), right.at(row))),
    }
}

/// Numbers of one type: NaN is equal to itself and greater than everything else, and the zeros are
/// equal.
fn numbers<T: Number>(
    comparison: Comparison,
    left: Lane<'_, T>,
    right: Lane<'_, T>,
    rows: usize,
) -> Bitmap {
    let mut words = spare::take(rows.div_ceil(64));
    match (left.constant, right.constant) {
        (false, false) => columns(left.values, how(comparison), right.values, &mut words),
        (true, false) => {
            let mirrored = how(mirrored(comparison));
            with_constant(right.values, mirrored, left.values[0], &mut words);
        }
        (false, true) => with_constant(left.values, how(comparison), right.values[0], &mut words),
        (true, true) => {
            with_constant(left.values, how(comparison), right.values[0], &mut words);
            return Bitmap::new(rows, words != [0]);
        }
    }
    Bitmap::from_words(words, rows)
}

const fn how(comparison: Comparison) -> Compare {
    match comparison {
        Comparison::Eq => Compare::Eq,
        Comparison::NotEq => Compare::Ne,
        Comparison::Lt => Compare::Lt,
        Comparison::LtEq => Compare::Le,
        Comparison::Gt => Compare::Gt,
        Comparison::GtEq => Compare::Ge,
    }
}

/// The same comparison with its sides swapped.
const fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Lt => Comparison::Gt,
        Comparison::LtEq => Comparison::GtEq,
        Comparison::Gt => Comparison::Lt,
        Comparison::GtEq => Comparison::LtEq,
        same => same,
    }
}

fn bools(comparison: Comparison, left: &Operand<'_>, right: &Operand<'_>, rows: usize) -> Bitmap {
    let spread = |operand: &Operand<'_>| match operand.is_constant() {
        true => Bitmap::new(rows, operand.bools().get(0)),
        false => operand.bools().clone(),
    };
    let (a, b) = (spread(left), spread(right));
    match comparison {
        Comparison::Eq => a.zip(&b, |a, b| !(a ^ b)),
        Comparison::NotEq => a.zip(&b, |a, b| a ^ b),
        Comparison::Lt => a.zip(&b, |a, b| !a & b),
        Comparison::LtEq => a.zip(&b, |a, b| !a | b),
        Comparison::Gt => a.zip(&b, |a, b| a & !b),
        Comparison::GtEq => a.zip(&b, |a, b| a | !b),
    }
}

fn decimals(
    comparison: Comparison,
    scale: u8,
    left: &Operand<'_>,
    right: &Operand<'_>,
    rows: usize,
) -> Bitmap {
    let DataType::Decimal { scale: other } = right.column().data_type() else {
        unreachable!("both sides were bound as decimals");
    };
    let (a, b) = (left.mantissas(), right.mantissas());
    if scale == other {
        return numbers(comparison, a, b, rows);
    }
    let lift = (other.saturating_sub(scale), scale.saturating_sub(other));
    let factors = (wide::power_of_ten(lift.0), wide::power_of_ten(lift.1));
    let order = |a: i128, b: i128| match (a.checked_mul(factors.0), b.checked_mul(factors.1)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => decimal(a, scale).cmp(&decimal(b, other)),
    };
    match comparison {
        Comparison::Eq => pairs(a, b, rows, |a, b| order(a, b).is_eq()),
        Comparison::NotEq => pairs(a, b, rows, |a, b| order(a, b).is_ne()),
        Comparison::Lt => pairs(a, b, rows, |a, b| order(a, b).is_lt()),
        Comparison::LtEq => pairs(a, b, rows, |a, b| order(a, b).is_le()),
        Comparison::Gt => pairs(a, b, rows, |a, b| order(a, b).is_gt()),
        Comparison::GtEq => pairs(a, b, rows, |a, b| order(a, b).is_ge()),
    }
}

fn strings(comparison: Comparison, left: Texts<'_>, right: Texts<'_>, rows: usize) -> Bitmap {
    let order =
        |test: fn(Ordering) -> bool| pack(rows, |row| test(left.at(row).cmp(right.at(row))));
    match comparison {
        Comparison::Eq => equal(left, right, rows),
        Comparison::NotEq => equal(left, right, rows).not(),
        Comparison::Lt => order(Ordering::is_lt),
        Comparison::LtEq => order(Ordering::is_le),
        Comparison::Gt => order(Ordering::is_gt),
        Comparison::GtEq => order(Ordering::is_ge),
    }
}

fn equal(left: Texts<'_>, right: Texts<'_>, rows: usize) -> Bitmap {
    match (left.views.constant, right.views.constant) {
        (false, true) => equal_to(left, right.at(0), rows),
        (true, false) => equal_to(right, left.at(0), rows),
        _ => pack(rows, |row| left.at(row) == right.at(row)),
    }
}

/// The bytes that a literal is compared by at once.
const SHORT: usize = 16;

/// A short literal is compared as one number, without a call and without a loop: lengths first,
/// then the bytes where the base has 16 of them left.
fn equal_to(texts: Texts<'_>, literal: &[u8], rows: usize) -> Bitmap {
    let views = &texts.views.values[..rows];
    if SHORT < literal.len() {
        return pack(rows, |row| texts.at(row) == literal);
    }
    let length = literal.len() as u32; // at most SHORT
    let mut padded = [0; SHORT];
    padded[..literal.len()].copy_from_slice(literal);
    let wanted = u128::from_le_bytes(padded);
    let mask = 1u128.checked_shl(8 * length).map_or(!0, |bit| bit - 1);
    let matches = |view: View| match texts.base.get(view.start as usize..) {
        Some(rest) => match rest.first_chunk::<SHORT>() {
            Some(chunk) => u128::from_le_bytes(*chunk) & mask == wanted,
            None => view.of(texts.base) == literal,
        },
        None => false,
    };
    pack(rows, |row| views[row].len == length && matches(views[row]))
}
