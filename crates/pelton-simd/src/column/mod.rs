//! Columns of numbers: sums, extremes, comparisons and selections.
//!
//! The rules are SQL's. A row whose validity bit is zero is null and takes no part; floats are
//! ordered as PostgreSQL orders them: NaN equals itself and is greater than every number, and the
//! two zeros are equal.
//!
//! Here a kernel is a plain loop over 64 rows at a time, shaped so that the compiler turns it into
//! vector code, and compiled once for each level.

mod compare;
mod extreme;
mod number;
mod select;
mod sum;

pub use compare::{Compare, columns, columns_at, with_constant, with_constant_at};
pub use extreme::{max, max_at, min, min_at};
pub use number::Number;
pub use select::{compact, compact_at, gather};
pub use sum::{sum_f64, sum_f64_at, sum_i64, sum_i64_at, sum_i128};

/// Rows to a word of a bitmap.
const WORD: usize = 64;

/// Panics unless the bitmap is as long as the rows need.
fn check(rows: usize, validity: Option<&[u64]>) {
    let fits = validity.is_none_or(|bits| bits.len() == rows.div_ceil(WORD));
    assert!(
        fits,
        "the validity bitmap has another length than the column"
    );
}

/// The rows of each word with their validity; the last word may have fewer than 64.
#[inline(always)]
fn words<'a, T>(
    values: &'a [T],
    validity: Option<&'a [u64]>,
) -> impl Iterator<Item = (&'a [T], u64)> {
    let valid = move |(i, rows)| (rows, validity.map_or(!0, |bits| bits[i]));
    values.chunks(WORD).enumerate().map(valid)
}

/// The row takes part.
fn is_valid(validity: Option<&[u64]>, row: usize) -> bool {
    validity.is_none_or(|bits| bits[row / WORD] >> (row % WORD) & 1 == 1)
}
