//! The least and the greatest of a column.

use super::{Number, check, is_valid, words};
use crate::Level;
use crate::bitmap;
use crate::vector::{Kernel, Vector, dispatch};

/// The least valid value; `None` if there is none.
///
/// ```
/// use pelton_simd::column::min;
///
/// assert_eq!(min(&[3i64, 1, 2], None), Some(1));
/// assert_eq!(min(&[f64::NAN, 2.5], None), Some(2.5));
/// assert_eq!(min(&[3i64, 1, 2], Some(&[0b101])), Some(2));
/// ```
///
/// # Panics
///
/// If the bitmap does not fit the column.
#[inline]
#[must_use]
pub fn min<T: Number>(values: &[T], validity: Option<&[u64]>) -> Option<T> {
    min_at(Level::detect(), values, validity)
}

/// [`min`] at a level of choice.
///
/// # Panics
///
/// As [`min`].
#[must_use]
pub fn min_at<T: Number>(level: Level, values: &[T], validity: Option<&[u64]>) -> Option<T> {
    extreme(level, values, validity, T::GREATEST, T::less)
}

/// The greatest valid value, which is NaN where there is one; `None` if there is none.
///
/// # Panics
///
/// If the bitmap does not fit the column.
#[inline]
#[must_use]
pub fn max<T: Number>(values: &[T], validity: Option<&[u64]>) -> Option<T> {
    max_at(Level::detect(), values, validity)
}

/// [`max`] at a level of choice.
///
/// # Panics
///
/// As [`max`].
#[must_use]
pub fn max_at<T: Number>(level: Level, values: &[T], validity: Option<&[u64]>) -> Option<T> {
    extreme(level, values, validity, T::LEAST, |a, b| T::less(b, a))
}

fn extreme<T: Number>(
    level: Level,
    values: &[T],
    validity: Option<&[u64]>,
    idle: T,
    better: impl Fn(T, T) -> bool,
) -> Option<T> {
    check(values.len(), validity);
    let rows = validity.map_or(values.len(), bitmap::count);
    let found = dispatch(
        level,
        Extreme {
            values,
            validity,
            idle,
            better,
        },
    );
    (rows > 0).then(|| found.canonical())
}

struct Extreme<'a, T, F> {
    values: &'a [T],
    validity: Option<&'a [u64]>,
    /// What every other value is better than.
    idle: T,
    better: F,
}

impl<T: Number, F: Fn(T, T) -> bool> Extreme<'_, T, F> {
    #[inline(always)]
    fn best(&self, a: T, b: T) -> T {
        if (self.better)(a, b) { a } else { b }
    }

    /// Folds rows into sixteen lanes, so that no row waits for the one before it.
    #[inline(always)]
    fn fold(&self, rows: &[T], lanes: &mut [T; 16], kept: impl Fn(T, usize) -> T) {
        let (groups, rest) = rows.as_chunks::<16>();
        for (step, group) in groups.iter().enumerate() {
            for i in 0..16 {
                lanes[i] = self.best(kept(group[i], step * 16 + i), lanes[i]);
            }
        }
        for (i, value) in rest.iter().enumerate() {
            lanes[i] = self.best(kept(*value, groups.len() * 16 + i), lanes[i]);
        }
    }
}

impl<T: Number, F: Fn(T, T) -> bool> Kernel for Extreme<'_, T, F> {
    type Output = T;

    fn scalar(self) -> T {
        let rows = (0..self.values.len()).filter(|row| is_valid(self.validity, *row));
        rows.fold(self.idle, |best, row| self.best(self.values[row], best))
    }

    #[inline(always)]
    fn vector<V: Vector>(self, _: V) -> T {
        let mut lanes = [self.idle; 16];
        for (rows, valid) in words(self.values, self.validity) {
            if valid == !0 {
                self.fold(rows, &mut lanes, |value, _| value);
            } else if valid != 0 {
                let kept = |value, row| {
                    if valid >> row & 1 == 1 {
                        value
                    } else {
                        self.idle
                    }
                };
                self.fold(rows, &mut lanes, kept);
            }
        }
        lanes
            .into_iter()
            .fold(self.idle, |best, lane| self.best(lane, best))
    }
}
