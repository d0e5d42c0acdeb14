//! Selections: the values of some rows, moved together.

use super::{WORD, check};
use crate::Level;
use crate::vector::{Kernel, Vector, dispatch};

/// Appends the values of the rows whose bit is set.
///
/// ```
/// let mut out = Vec::new();
/// pelton_simd::column::compact(&[10i64, 20, 30], &[0b101], &mut out);
/// assert_eq!(out, [10, 30]);
/// ```
///
/// # Panics
///
/// If the bitmap does not fit the column.
#[inline]
pub fn compact<T: Copy>(values: &[T], bits: &[u64], out: &mut Vec<T>) {
    compact_at(Level::detect(), values, bits, out);
}

/// [`compact`] at a level of choice.
///
/// # Panics
///
/// As [`compact`].
pub fn compact_at<T: Copy>(level: Level, values: &[T], bits: &[u64], out: &mut Vec<T>) {
    check(values.len(), Some(bits));
    dispatch(level, Compact { values, bits, out });
}

/// Appends the values at `rows`, in their order.
///
/// # Panics
///
/// If there is no such row.
#[inline]
pub fn gather<T: Copy>(values: &[T], rows: &[u32], out: &mut Vec<T>) {
    out.extend(rows.iter().map(|row| values[*row as usize]));
}

struct Compact<'a, T> {
    values: &'a [T],
    bits: &'a [u64],
    out: &'a mut Vec<T>,
}

impl<T: Copy> Kernel for Compact<'_, T> {
    type Output = ();

    fn scalar(self) {
        for (row, value) in self.values.iter().enumerate() {
            if self.bits[row / 64] >> (row % 64) & 1 == 1 {
                self.out.push(*value);
            }
        }
    }

    #[inline(always)]
    fn vector<V: Vector>(self, _: V) {
        for (rows, bits) in self.values.chunks(WORD).zip(self.bits) {
            match rows.first_chunk::<WORD>() {
                Some(rows) if *bits == !0 => self.out.extend_from_slice(rows),
                Some(rows) => push_selected(rows, *bits, self.out),
                None => push_rest(rows, *bits, self.out),
            }
        }
    }
}

/// Appends the selected rows of a word.
#[inline(always)]
fn push_selected<T: Copy>(rows: &[T; WORD], bits: u64, out: &mut Vec<T>) {
    if bits == 0 {
        return;
    }
    out.reserve(WORD);
    let Some(slots) = out.spare_capacity_mut().first_chunk_mut::<WORD>() else {
        return;
    };
    let mut rest = bits;
    let mut count = 0;
    while rest != 0 {
        slots[count % WORD].write(rows[rest.trailing_zeros() as usize % WORD]);
        rest &= rest - 1;
        count += 1;
    }
    // SAFETY: there was room for 64 more, and the first `count` of them are written.
    unsafe { out.set_len(out.len() + count) };
}

#[inline(always)]
fn push_rest<T: Copy>(rows: &[T], bits: u64, out: &mut Vec<T>) {
    let selected = rows
        .iter()
        .enumerate()
        .filter(|(row, _)| bits >> row & 1 == 1);
    out.extend(selected.map(|(_, value)| *value));
}
