//! The least and the greatest of a column.

use super::{Number, check, is_valid, words};
use crate::Level;
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
    extreme(level, values, validity, |(_, highest)| highest, Ord::min)
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
    extreme(level, values, validity, |(lowest, _)| lowest, Ord::max)
}

fn extreme<T: Number>(
    level: Level,
    values: &[T],
    validity: Option<&[u64]>,
    idle: impl Fn((T::Key, T::Key)) -> T::Key,
    better: impl Fn(T::Key, T::Key) -> T::Key,
) -> Option<T> {
    check(values.len(), validity);
    let rows = validity.map_or(values.len(), crate::bitmap::count);
    let idle = idle(T::KEYS);
    let found = dispatch(
        level,
        Extreme {
            values,
            validity,
            idle,
            better,
        },
    );
    (rows > 0).then(|| T::of(found))
}

struct Extreme<'a, T: Number, F> {
    values: &'a [T],
    validity: Option<&'a [u64]>,
    /// What every key is better than.
    idle: T::Key,
    better: F,
}

impl<T: Number, F: Fn(T::Key, T::Key) -> T::Key> Kernel for Extreme<'_, T, F> {
    type Output = T::Key;

    fn scalar(self) -> T::Key {
        let rows = (0..self.values.len()).filter(|row| is_valid(self.validity, *row));
        rows.map(|row| self.values[row].key())
            .fold(self.idle, self.better)
    }

    #[inline(always)]
    fn vector<V: Vector>(self, _: V) -> T::Key {
        let mut lanes = [self.idle; 16];
        for (rows, valid) in words(self.values, self.validity) {
            if valid == !0 {
                fold(rows, &mut lanes, |key, _| key, &self.better);
            } else if valid != 0 {
                let idle = self.idle;
                let kept = |key, row| if valid >> row & 1 == 1 { key } else { idle };
                fold(rows, &mut lanes, kept, &self.better);
            }
        }
        lanes.into_iter().fold(self.idle, self.better)
    }
}

/// Folds rows into sixteen lanes, so that no row waits for the one before it.
#[inline(always)]
fn fold<T: Number>(
    rows: &[T],
    lanes: &mut [T::Key; 16],
    kept: impl Fn(T::Key, usize) -> T::Key,
    better: &impl Fn(T::Key, T::Key) -> T::Key,
) {
    for (step, group) in rows.chunks(16).enumerate() {
        for (i, (lane, value)) in lanes.iter_mut().zip(group).enumerate() {
            *lane = better(*lane, kept(value.key(), step * 16 + i));
        }
    }
}
