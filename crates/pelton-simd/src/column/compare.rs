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
    /// The same for rows `start` and on, `count` of them.
    fn from(self, start: usize, count: usize) -> Self;

    /// Its value in a row.
    fn at(self, row: usize) -> T;
}

#[derive(Clone, Copy)]
struct Constant<T>(T);

impl<T: Number> Right<T> for Constant<T> {
    #[inline(always)]
    fn from(self, _: usize, _: usize) -> Self {
        self
    }

    #[inline(always)]
    fn at(self, _: usize) -> T {
        self.0
    }
}

#[derive(Clone, Copy)]
struct Rows<'a, T>(&'a [T]);

impl<T: Number> Right<T> for Rows<'_, T> {
    #[inline(always)]
    fn from(self, start: usize, count: usize) -> Self {
        Self(&self.0[start..][..count])
    }

    #[inline(always)]
    fn at(self, row: usize) -> T {
        self.0[row]
    }
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
        let (whole, rest) = self.left.as_chunks::<WORD>();
        for (i, rows) in whole.iter().enumerate() {
            let right = self.right.from(i * WORD, WORD);
            self.out.push(word(rows, right, &holds) ^ but_not);
        }
        if !rest.is_empty() {
            let right = self.right.from(whole.len() * WORD, rest.len());
            let past = (WORD - rest.len()) as u32;
            self.out
                .push((word(rest, right, &holds) ^ but_not) << past >> past);
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

/// A bit for each of at most 64 rows.
#[inline(always)]
fn word<T: Number>(left: &[T], right: impl Right<T>, holds: &impl Fn(T, T) -> bool) -> u64 {
    let mut bits = 0;
    for (row, value) in left.iter().enumerate() {
        bits |= u64::from(holds(*value, right.at(row))) << row;
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
