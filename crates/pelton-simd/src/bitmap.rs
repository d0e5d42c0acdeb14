//! Bitmaps: one bit a row, row `i` in bit `i % 64` of word `i / 64`.
//!
//! Bits past the last row are zero; every function here keeps it so if it found it so.

use crate::Level;
use crate::vector::{CHUNK, Kernel, Vector, dispatch, push_positions};

/// The words that `rows` rows need.
#[must_use]
pub const fn words(rows: usize) -> usize {
    rows.div_ceil(64)
}

/// Fills `out` with `rows` ones.
///
/// ```
/// let mut all = Vec::new();
/// pelton_simd::bitmap::fill(70, &mut all);
/// assert_eq!(all, [u64::MAX, 0b11_1111]);
/// ```
pub fn fill(rows: usize, out: &mut Vec<u64>) {
    out.clear();
    out.resize(rows / 64, !0);
    if !rows.is_multiple_of(64) {
        out.push((1 << (rows % 64)) - 1);
    }
}

/// Keeps the bits that `other` has too.
///
/// # Panics
///
/// If the lengths differ; likewise [`or`] and [`and_not`].
pub fn and(bits: &mut [u64], other: &[u64]) {
    combine(bits, other, |a, b| a & b);
}

/// Adds the bits of `other`.
///
/// # Panics
///
/// If the lengths differ.
pub fn or(bits: &mut [u64], other: &[u64]) {
    combine(bits, other, |a, b| a | b);
}

/// Takes away the bits of `other`.
///
/// # Panics
///
/// If the lengths differ.
pub fn and_not(bits: &mut [u64], other: &[u64]) {
    combine(bits, other, |a, b| a & !b);
}

#[inline(always)]
fn combine(bits: &mut [u64], other: &[u64], with: impl Fn(u64, u64) -> u64) {
    assert_eq!(bits.len(), other.len(), "bitmaps of different lengths");
    bits.iter_mut()
        .zip(other)
        .for_each(|(word, other)| *word = with(*word, *other));
}

/// Turns each of the first `rows` bits round.
///
/// # Panics
///
/// If there are not as many words as `rows` rows need.
pub fn not(bits: &mut [u64], rows: usize) {
    assert_eq!(bits.len(), words(rows), "a bitmap of another length");
    bits.iter_mut().for_each(|word| *word = !*word);
    if let (1.., Some(last)) = (rows % 64, bits.last_mut()) {
        *last &= (1 << (rows % 64)) - 1;
    }
}

/// The number of ones.
#[inline]
#[must_use]
pub fn count(bits: &[u64]) -> usize {
    count_at(Level::detect(), bits)
}

/// [`count`] at a level of choice.
#[must_use]
pub fn count_at(level: Level, bits: &[u64]) -> usize {
    dispatch(level, Count(bits))
}

/// Writes the rows of all ones to `out`, ascending; `out` is cleared first.
///
/// ```
/// let mut rows = Vec::new();
/// pelton_simd::bitmap::indices(&[0b1010, 1], &mut rows);
/// assert_eq!(rows, [1, 3, 64]);
/// ```
///
/// # Panics
///
/// If there are more rows than a `u32` counts.
#[inline]
pub fn indices(bits: &[u64], out: &mut Vec<u32>) {
    indices_at(Level::detect(), bits, out);
}

/// [`indices`] at a level of choice.
///
/// # Panics
///
/// As [`indices`].
pub fn indices_at(level: Level, bits: &[u64], out: &mut Vec<u32>) {
    assert!(
        bits.len() <= (1 << 32) / CHUNK,
        "more rows than a u32 counts"
    );
    out.clear();
    dispatch(level, Indices { bits, out });
}

struct Count<'a>(&'a [u64]);

impl Kernel for Count<'_> {
    type Output = usize;

    #[inline(always)]
    fn scalar(self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    #[inline(always)]
    fn vector<V: Vector>(self, _: V) -> usize {
        self.scalar()
    }
}

struct Indices<'a> {
    bits: &'a [u64],
    out: &'a mut Vec<u32>,
}

impl Kernel for Indices<'_> {
    type Output = ();

    fn scalar(self) {
        for row in 0..self.bits.len() * 64 {
            if self.bits[row / 64] >> (row % 64) & 1 == 1 {
                self.out.push(row as u32);
            }
        }
    }

    #[inline(always)]
    fn vector<V: Vector>(self, v: V) {
        for (i, word) in self.bits.iter().enumerate() {
            push_positions(v, *word, (i * CHUNK) as u32, self.out);
        }
    }
}
