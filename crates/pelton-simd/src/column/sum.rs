//! Sums that do not overflow, and do not depend on the level.

use super::{WORD, check, is_valid, words};
use crate::Level;
use crate::vector::{Kernel, Vector, dispatch};

/// The sum of the valid values, exact for any length.
///
/// ```
/// use pelton_simd::column::sum_i64;
///
/// assert_eq!(sum_i64(&[i64::MAX, i64::MAX], None), 2 * i128::from(i64::MAX));
/// assert_eq!(sum_i64(&[1, 2, 4], Some(&[0b101])), 5);
/// ```
///
/// # Panics
///
/// If the bitmap does not fit the column.
#[inline]
#[must_use]
pub fn sum_i64(values: &[i64], validity: Option<&[u64]>) -> i128 {
    sum_i64_at(Level::detect(), values, validity)
}

/// [`sum_i64`] at a level of choice.
///
/// # Panics
///
/// As [`sum_i64`].
#[must_use]
pub fn sum_i64_at(level: Level, values: &[i64], validity: Option<&[u64]>) -> i128 {
    check(values.len(), validity);
    dispatch(level, Exact { values, validity })
}

/// The sum of the valid values; `None` if it, or a sum on the way, leaves the range of `i128`.
///
/// # Panics
///
/// If the bitmap does not fit the column.
#[must_use]
pub fn sum_i128(values: &[i128], validity: Option<&[u64]>) -> Option<i128> {
    check(values.len(), validity);
    let mut sum = 0i128;
    let mut lost = false;
    for (rows, valid) in words(values, validity) {
        for (row, value) in rows.iter().enumerate() {
            let kept = value & -i128::from(valid >> row & 1);
            let (next, overflow) = sum.overflowing_add(kept);
            (sum, lost) = (next, lost | overflow);
        }
    }
    (!lost).then_some(sum)
}

/// The sum of the valid values, rounded in a fixed order: row `i` is added to lane `i % 8`, and
/// the lanes are added pairwise at the end.
///
/// The same rows give the same bits at every level and on every machine.
///
/// # Panics
///
/// If the bitmap does not fit the column.
#[inline]
#[must_use]
pub fn sum_f64(values: &[f64], validity: Option<&[u64]>) -> f64 {
    sum_f64_at(Level::detect(), values, validity)
}

/// [`sum_f64`] at a level of choice.
///
/// # Panics
///
/// As [`sum_f64`].
#[must_use]
pub fn sum_f64_at(level: Level, values: &[f64], validity: Option<&[u64]>) -> f64 {
    check(values.len(), validity);
    dispatch(level, Rounded { values, validity })
}

struct Exact<'a> {
    values: &'a [i64],
    validity: Option<&'a [u64]>,
}

impl Kernel for Exact<'_> {
    type Output = i128;

    fn scalar(self) -> i128 {
        let rows = self
            .values
            .iter()
            .enumerate()
            .filter(|(row, _)| is_valid(self.validity, *row));
        rows.map(|(_, value)| i128::from(*value)).sum()
    }

    /// Adds the halves of the words apart, so that neither sum overflows for 2^32 rows.
    ///
    /// A value is taken with its sign bit turned round, as unsigned: 2^63 too much for each row.
    #[inline(always)]
    fn vector<V: Vector>(self, _: V) -> i128 {
        let mut sum = 0;
        let bits = self.validity.map(|bits| bits.chunks(1 << 20));
        let mut bits = bits.into_iter().flatten();
        for rows in self.values.chunks(WORD << 20) {
            sum += sum_block(rows, bits.next());
        }
        sum
    }
}

#[inline(always)]
fn sum_block(values: &[i64], validity: Option<&[u64]>) -> i128 {
    let (mut low, mut high, mut count) = (0u64, 0u64, 0u64);
    for (rows, valid) in words(values, validity) {
        let flipped = |value: &i64| value.cast_unsigned() ^ (1 << 63);
        if valid == !0 {
            for word in rows.iter().map(flipped) {
                low += word & 0xffff_ffff;
                high += word >> 32;
            }
            count += rows.len() as u64;
        } else if valid != 0 {
            for (row, word) in rows.iter().map(flipped).enumerate() {
                let word = word & (valid >> row & 1).wrapping_neg();
                low += word & 0xffff_ffff;
                high += word >> 32;
            }
            count += u64::from(valid.count_ones());
        }
    }
    i128::from(low) + (i128::from(high) << 32) - (i128::from(count) << 63)
}

struct Rounded<'a> {
    values: &'a [f64],
    validity: Option<&'a [u64]>,
}

impl Kernel for Rounded<'_> {
    type Output = f64;

    fn scalar(self) -> f64 {
        let mut lanes = [0.0; 8];
        for (row, value) in self.values.iter().enumerate() {
            lanes[row % 8] += if is_valid(self.validity, row) {
                *value
            } else {
                0.0
            };
        }
        pairwise(lanes)
    }

    #[inline(always)]
    fn vector<V: Vector>(self, _: V) -> f64 {
        let mut lanes = [0.0; 8];
        for (rows, valid) in words(self.values, self.validity) {
            if valid == !0 {
                add_rows(rows, &mut lanes, |value, _| value);
            } else {
                add_rows(rows, &mut lanes, |value, row| {
                    if valid >> row & 1 == 1 { value } else { 0.0 }
                });
            }
        }
        pairwise(lanes)
    }
}

#[inline(always)]
fn add_rows(rows: &[f64], lanes: &mut [f64; 8], kept: impl Fn(f64, usize) -> f64) {
    let (groups, rest) = rows.as_chunks::<8>();
    for (step, group) in groups.iter().enumerate() {
        for i in 0..8 {
            lanes[i] += kept(group[i], step * 8 + i);
        }
    }
    for (i, value) in rest.iter().enumerate() {
        lanes[i] += kept(*value, groups.len() * 8 + i);
    }
}

#[inline(always)]
fn pairwise(lanes: [f64; 8]) -> f64 {
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}
