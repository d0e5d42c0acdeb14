//! Comparisons: a bit for each row that satisfies one.

use super::{Number, WORD};
use crate::Level;
use crate::vector::{Kernel, Vector, dispatch};

/// A comparison, left side first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compare {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
}

/// Writes a bit for each value: whether it compares so with the constant. `out` is overwritten.
///
/// ```
/// use pelton_simd::column::{Compare, with_constant};
///
/// let mut bits = Vec::new();
/// with_constant(&[1i64, 5, 9], Compare::Ge, 5, &mut bits);
/// assert_eq!(bits, [0b110]);
/// ```
#[inline]
pub fn with_constant<T: Number>(values: &[T], how: Compare, constant: T, out: &mut Vec<u64>) {
    with_constant_at(Level::detect(), values, how, constant, out);
}

/// [`with_constant`] at a level of choice.
pub fn with_constant_at<T: Number>(
    level: Level,
    values: &[T],
    how: Compare,
    constant: T,
    out: &mut Vec<u64>,
) {
    dispatch(
        level,
        Comparison {
            left: values,
            right: Constant(constant),
            how,
            out,
        },
    );
}

/// Writes a bit for each row: whether the left value compares so with the right one. `out` is
/// overwritten.
///
/// # Panics
///
/// If the columns differ in length.
#[inline]
pub fn columns<T: Number>(left: &[T], how: Compare, right: &[T], out: &mut Vec<u64>) {
    columns_at(Level::detect(), left, how, right, out);
}

/// [`columns`] at a level of choice.
///
/// # Panics
///
/// As [`columns`].
pub fn columns_at<T: Number>(
    level: Level,
    left: &[T],
    how: Compare,
    right: &[T],
    out: &mut Vec<u64>,
) {
    assert_eq!(left.len(), right.len(), "columns of different lengths");
    dispatch(
        level,
        Comparison {
            left,
            right: Rows(right),
            how,
            out,
        },
    );
}

/// The right side of a comparison.
trait Right<T>: Copy {
    /// Its values for the rows of word `word`, the first `count` of them of use.
    fn rows(self, word: usize, count: usize) -> [T; WORD];
}

#[derive(Clone, Copy)]
struct Constant<T>(T);

impl<T: Number> Right<T> for Constant<T> {
    #[inline(always)]
    fn rows(self, _: usize, _: usize) -> [T; WORD] {
        [self.0; WORD]
    }
}

#[derive(Clone, Copy)]
struct Rows<'a, T>(&'a [T]);

impl<T: Number> Right<T> for Rows<'_, T> {
    #[inline(always)]
    fn rows(self, word: usize, count: usize) -> [T; WORD] {
        full(&self.0[word * WORD..][..count])
    }
}

/// 64 rows; what is missing at the end repeats the first.
#[inline(always)]
fn full<T: Number>(rows: &[T]) -> [T; WORD] {
    if let Ok(rows) = rows.try_into() {
        return rows;
    }
    let mut all = [rows[0]; WORD];
    all[..rows.len()].copy_from_slice(rows);
    all
}

struct Comparison<'a, T, R> {
    left: &'a [T],
    right: R,
    how: Compare,
    out: &'a mut Vec<u64>,
}

impl<T: Number, R: Right<T>> Comparison<'_, T, R> {
    /// Writes the bits of a relation, each turned round where `but_not` is all ones.
    #[inline(always)]
    fn run(self, but_not: u64, holds: impl Fn(T, T) -> bool) {
        self.out.clear();
        self.out.reserve(self.left.len().div_ceil(WORD));
        for (i, rows) in self.left.chunks(WORD).enumerate() {
            let bits = word(&full(rows), &self.right.rows(i, rows.len()), &holds) ^ but_not;
            let past = (WORD - rows.len()) as u32;
            self.out.push(bits << past >> past);
        }
    }

    #[inline(always)]
    fn choose(self) {
        match self.how {
            Compare::Eq => self.run(0, T::same),
            Compare::Ne => self.run(!0, T::same),
            Compare::Lt => self.run(0, T::less),
            Compare::Ge => self.run(!0, T::less),
            Compare::Gt => self.run(0, |a, b| b.less(a)),
            Compare::Le => self.run(!0, |a, b| b.less(a)),
        }
    }
}

#[inline(always)]
fn word<T: Number>(left: &[T; WORD], right: &[T; WORD], holds: &impl Fn(T, T) -> bool) -> u64 {
    let mut bits = 0;
    for row in 0..WORD {
        bits |= u64::from(holds(left[row], right[row])) << row;
    }
    bits
}

impl<T: Number, R: Right<T>> Kernel for Comparison<'_, T, R> {
    type Output = ();

    fn scalar(self) {
        self.choose();
    }

    #[inline(always)]
    fn vector<V: Vector>(self, _: V) {
        self.choose();
    }
}
