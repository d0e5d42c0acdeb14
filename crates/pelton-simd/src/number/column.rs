//! Whole columns of fields.
//!
//! A field of at most sixteen bytes is read in one 128-bit register that ends where the field
//! ends (four of them in one of 512 bits, eight where all have at most eight bytes), so that
//! neither its length nor the place of its point costs a mispredicted branch. Longer ones, and
//! those in the block's first bytes, go to the functions for single fields.

use super::float::scaled;
use super::{DECIMAL_DIGITS, POWERS, parse_decimal_scaled, parse_f64, parse_i64};
use crate::Level;
use crate::vector::{Decimal, Kernel, Vector, dispatch};
use crate::view::View;

/// Appends to `out` the [`parse_i64`] of each view, zero where there is none, and overwrites
/// `valid` with a bit for each view that is a number.
///
/// ```
/// use pelton_simd::{number::i64_column, view::View};
///
/// let views = [View { start: 0, len: 2 }, View { start: 3, len: 1 }, View { start: 5, len: 2 }];
/// let (mut out, mut valid) = (Vec::new(), Vec::new());
/// i64_column(b"17,x,-4\n", &views, &mut out, &mut valid);
/// assert_eq!((out, valid), (vec![17, 0, -4], vec![0b101]));
/// ```
///
/// # Panics
///
/// If a view reaches past the block.
#[inline]
pub fn i64_column(block: &[u8], views: &[View], out: &mut Vec<i64>, valid: &mut Vec<u64>) {
    i64_column_at(Level::detect(), block, views, out, valid);
}

/// [`i64_column`] at a level of choice.
///
/// # Panics
///
/// As [`i64_column`].
pub fn i64_column_at(
    level: Level,
    block: &[u8],
    views: &[View],
    out: &mut Vec<i64>,
    valid: &mut Vec<u64>,
) {
    // Plain words read a short integer faster than a register that holds one field.
    let level = if level.min(Level::detect()) < Level::Avx512 {
        Level::Scalar
    } else {
        level
    };
    let short = |number: Decimal| {
        (!number.pointed).then(|| signed(number.minus, number.size.cast_signed()))
    };
    dispatch(
        level,
        Column {
            block,
            views,
            out,
            valid,
            short,
            single: parse_i64,
        },
    );
}

/// Appends to `out` the [`parse_decimal_scaled`] of each view, zero where there is none, and
/// overwrites `valid` with a bit for each view that is one.
///
/// Ask [`parse_decimal_scaled`] what is wrong with a view that is none.
///
/// # Panics
///
/// If a view reaches past the block, or `scale` is above 38.
#[inline]
pub fn decimal_column(
    block: &[u8],
    views: &[View],
    scale: u8,
    out: &mut Vec<i128>,
    valid: &mut Vec<u64>,
) {
    decimal_column_at(Level::detect(), block, views, scale, out, valid);
}

/// [`decimal_column`] at a level of choice.
///
/// # Panics
///
/// As [`decimal_column`].
pub fn decimal_column_at(
    level: Level,
    block: &[u8],
    views: &[View],
    scale: u8,
    out: &mut Vec<i128>,
    valid: &mut Vec<u64>,
) {
    assert!(
        usize::from(scale) <= DECIMAL_DIGITS,
        "the scale of a decimal is at most 38"
    );
    let short = |number: Decimal| {
        let power = POWERS.get(usize::from(scale.checked_sub(number.scale)?))?;
        let size = (u128::from(number.size) * u128::from(*power)).cast_signed();
        Some(if number.minus { -size } else { size })
    };
    let single = |field: &[u8]| parse_decimal_scaled(field, scale).ok();
    dispatch(
        level,
        Column {
            block,
            views,
            out,
            valid,
            short,
            single,
        },
    );
}

/// Appends to `out` the [`parse_f64`] of each view, zero where there is none, and overwrites
/// `valid` with a bit for each view that is a number.
///
/// # Panics
///
/// If a view reaches past the block.
#[inline]
pub fn f64_column(block: &[u8], views: &[View], out: &mut Vec<f64>, valid: &mut Vec<u64>) {
    f64_column_at(Level::detect(), block, views, out, valid);
}

/// [`f64_column`] at a level of choice.
///
/// # Panics
///
/// As [`f64_column`].
pub fn f64_column_at(
    level: Level,
    block: &[u8],
    views: &[View],
    out: &mut Vec<f64>,
    valid: &mut Vec<u64>,
) {
    let short = |number: Decimal| {
        let size = (number.size <= 1 << 53).then_some(number.size as f64)?;
        let value = scaled(size, -i32::from(number.scale))?;
        Some(if number.minus { -value } else { value })
    };
    dispatch(
        level,
        Column {
            block,
            views,
            out,
            valid,
            short,
            single: parse_f64,
        },
    );
}

#[inline(always)]
fn signed(minus: bool, size: i64) -> i64 {
    if minus { -size } else { size }
}

struct Column<'a, T, F, G> {
    block: &'a [u8],
    views: &'a [View],
    out: &'a mut Vec<T>,
    valid: &'a mut Vec<u64>,
    /// What a short field is worth; `None` leaves it to `single`.
    short: F,
    single: G,
}

impl<T, F, G> Column<'_, T, F, G>
where
    T: Copy + Default,
    F: Fn(Decimal) -> Option<T>,
    G: Fn(&[u8]) -> Option<T>,
{
    /// The sixteen bytes that end where the view ends, and its length, if it is at most as long.
    #[inline(always)]
    fn last_sixteen(&self, view: View) -> Option<(&[u8; 16], usize)> {
        let len = view.len as usize;
        let bytes = self.block.get(..view.start as usize + len)?.last_chunk()?;
        (1..=16).contains(&len).then_some((bytes, len))
    }

    /// The value of a view, of which `short` is the number if it has a fast way.
    #[inline(always)]
    fn value(&self, view: View, short: Option<Decimal>) -> Option<T> {
        match short.and_then(&self.short) {
            Some(value) => Some(value),
            None => self.value_slow(view),
        }
    }

    #[inline(never)]
    fn value_slow(&self, view: View) -> Option<T> {
        (self.single)(view.of(self.block))
    }

    /// Reads eight views; returns their bits.
    #[inline(always)]
    fn eight<V: Vector>(&self, v: V, views: &[View; 8], values: &mut [T; 8]) -> u64 {
        let mut bits = 0;
        if let Some(numbers) = v.short_decimals(self.block, views) {
            for k in 0..8 {
                bits |= put(&mut values[k], self.value(views[k], numbers.lane(k))) << k;
            }
            return bits;
        }
        let (fours, quads) = (views.as_chunks::<4>().0, values.as_chunks_mut::<4>().0);
        for k in 0..2 {
            bits |= self.four(v, fours[k], &mut quads[k]) << (4 * k);
        }
        bits
    }

    /// Reads four views, of which those with a fast way share a register; returns their bits.
    #[inline(always)]
    fn four<V: Vector>(&self, v: V, views: [View; 4], values: &mut [T; 4]) -> u64 {
        let mut ends = [IDLE; 4];
        let mut usable = [false; 4];
        for k in 0..4 {
            if let Some(end) = self.last_sixteen(views[k]) {
                (ends[k], usable[k]) = (end, true);
            }
        }
        let numbers = v.decimals(ends);
        let mut bits = 0;
        for k in 0..4 {
            let number = if usable[k] { numbers[k] } else { None };
            bits |= put(&mut values[k], self.value(views[k], number)) << k;
        }
        bits
    }
}

/// Writes a value, zero for none; returns one if there is a value, else zero.
#[inline(always)]
fn put<T: Default>(place: &mut T, value: Option<T>) -> u64 {
    let found = u64::from(value.is_some());
    *place = value.unwrap_or_default();
    found
}

/// Stands in for a field that has no fast way.
const IDLE: (&[u8; 16], usize) = (&[b'0'; 16], 1);

impl<T, F, G> Kernel for Column<'_, T, F, G>
where
    T: Copy + Default,
    F: Fn(Decimal) -> Option<T>,
    G: Fn(&[u8]) -> Option<T>,
{
    type Output = ();

    fn scalar(self) {
        self.valid.clear();
        for views in self.views.chunks(64) {
            let mut word = 0;
            for (i, view) in views.iter().enumerate() {
                let value = self.value_slow(*view);
                word |= u64::from(value.is_some()) << i;
                self.out.push(value.unwrap_or_default());
            }
            self.valid.push(word);
        }
    }

    #[inline(always)]
    fn vector<V: Vector>(self, v: V) {
        self.valid.clear();
        let start = self.out.len();
        self.out.resize(start + self.views.len(), T::default());
        let mut out = std::mem::take(self.out);
        for (views, values) in self.views.chunks(64).zip(out[start..].chunks_mut(64)) {
            let (eights, rest) = views.as_chunks::<8>();
            let (octets, last) = values.as_chunks_mut::<8>();
            let mut word = 0;
            for i in 0..eights.len() {
                word |= self.eight(v, &eights[i], &mut octets[i]) << (8 * i);
            }
            for (i, view) in rest.iter().enumerate() {
                word |= put(&mut last[i], self.value_slow(*view)) << (8 * eights.len() + i);
            }
            self.valid.push(word);
        }
        *self.out = out;
    }
}
