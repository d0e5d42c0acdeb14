//! Whole columns of fields.
//!
//! A field of at most sixteen bytes is read in one 128-bit register that ends where the field
//! ends, so that neither its length nor the place of its point costs a mispredicted branch. Longer
//! ones, and those in the block's first bytes, go to the functions for single fields.

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
    #[inline(always)]
    fn run(self, short: impl Fn(View) -> Option<Decimal>) {
        self.valid.clear();
        self.out.reserve(self.views.len());
        for views in self.views.chunks(64) {
            let mut word = 0;
            for (i, view) in views.iter().enumerate() {
                let number = short(*view).and_then(&self.short);
                let number = number.or_else(|| (self.single)(view.of(self.block)));
                word |= u64::from(number.is_some()) << i;
                self.out.push(number.unwrap_or_default());
            }
            self.valid.push(word);
        }
    }
}

impl<T, F, G> Kernel for Column<'_, T, F, G>
where
    T: Copy + Default,
    F: Fn(Decimal) -> Option<T>,
    G: Fn(&[u8]) -> Option<T>,
{
    type Output = ();

    fn scalar(self) {
        self.run(|_| None);
    }

    #[inline(always)]
    fn vector<V: Vector>(self, v: V) {
        let block = self.block;
        self.run(|view| {
            let len = view.len as usize;
            let end = view.start as usize + len;
            let bytes = block.get(..end)?.last_chunk()?;
            if len == 0 || len > 16 {
                None
            } else {
                v.decimal(bytes, len)
            }
        });
    }
}
