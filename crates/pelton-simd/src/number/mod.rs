//! Numbers and timestamps between text and binary, one field at a time.
//!
//! Eight digits are read or written with three multiplications on a plain 64-bit word, so there is
//! no level to choose here: the fields of a record are too short for wider registers to help.
//! The eight-digit reduction is the one described by Lemire, "Quickly parsing eight digits" (2018).
//!
//! Nothing here trims spaces; see [`ascii::trim`](crate::ascii::trim).

mod column;
mod decimal;
mod digits;
mod float;
mod int;
mod time;
mod write;
mod write_time;

pub use column::{
    decimal_column, decimal_column_at, f64_column, f64_column_at, i64_column, i64_column_at,
};
pub use decimal::{NumberError, parse_decimal, parse_decimal_scaled};
pub use float::parse_f64;
pub use int::parse_i64;
pub use time::parse_timestamp;
pub use write::{write_decimal, write_f64, write_i64};
pub use write_time::write_timestamp;

/// The most digits a decimal may have, before and after its point together.
pub const DECIMAL_DIGITS: usize = 38;

/// Powers of ten that fit a `u64`.
const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// Powers of ten that fit an `i128`.
const WIDE_POWERS: [i128; DECIMAL_DIGITS + 1] = {
    let mut powers = [1; DECIMAL_DIGITS + 1];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// Splits a leading sign from the rest; true means minus.
#[inline(always)]
fn split_sign(bytes: &[u8]) -> (bool, &[u8]) {
    match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    }
}
