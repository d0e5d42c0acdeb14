//! Integers.

use super::digits::nineteen;
use super::split_sign;

/// Digits after an optional sign.
///
/// `None` for anything else, spaces included, and for numbers past the range of `i64`.
///
/// ```
/// use pelton_simd::number::parse_i64;
///
/// assert_eq!(parse_i64(b"-1234"), Some(-1234));
/// assert_eq!(parse_i64(b"12.5"), None);
/// assert_eq!(parse_i64(b"9223372036854775808"), None);
/// ```
#[inline]
#[must_use]
pub fn parse_i64(bytes: &[u8]) -> Option<i64> {
    let (minus, digits) = split_sign(bytes);
    let size = match digits.len() {
        0..=19 => nineteen(digits)?,
        _ => nineteen(without_zeros(digits))?,
    };
    if minus {
        0i64.checked_sub_unsigned(size)
    } else {
        i64::try_from(size).ok()
    }
}

/// The digits from the first that counts; at least one stays.
#[cold]
fn without_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    &digits[zeros.min(digits.len() - 1)..]
}
