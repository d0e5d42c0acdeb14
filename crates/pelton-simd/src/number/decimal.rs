//! Decimals: a whole number and the place of its point, nothing lost to binary fractions.

use super::digits::{nineteen, pointed};
use super::{DECIMAL_DIGITS, POWERS, WIDE_POWERS, split_sign};
use std::fmt;

/// Why a field is no decimal of the wanted scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberError {
    /// Something other than digits after an optional sign with at most one point among them.
    Malformed,
    /// The fraction is finer than the scale; zeros at its end do not count.
    TooManyFractionDigits,
    /// More than 38 digits.
    Overflow,
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a decimal number",
            Self::TooManyFractionDigits => "more digits after the point than the scale allows",
            Self::Overflow => "more than 38 digits",
        })
    }
}

impl std::error::Error for NumberError {}

/// Digits with an optional sign and point, as (mantissa, scale): the value is
/// `mantissa / 10^scale`.
///
/// `.5` and `5.` are numbers, `.` is none; there is no exponent. `None` also where there are more
/// than 38 digits, leading zeros aside, or more than 38 after the point.
///
/// ```
/// use pelton_simd::number::parse_decimal;
///
/// assert_eq!(parse_decimal(b"-12.50"), Some((-1250, 2)));
/// assert_eq!(parse_decimal(b"1e3"), None);
/// ```
#[inline]
#[must_use]
pub fn parse_decimal(bytes: &[u8]) -> Option<(i128, u8)> {
    let (minus, digits) = split_sign(bytes);
    let (size, scale) = match pointed(digits) {
        Some((size, scale)) => (i128::from(size), scale),
        None if digits.len() > 16 => long(digits).ok()?,
        None => return None,
    };
    Some((if minus { -size } else { size }, scale))
}

/// A decimal of a column whose values all have `scale` digits after the point.
///
/// # Errors
///
/// As the variants of [`NumberError`] say. A malformed field is always called so, whatever else
/// may be wrong with it.
///
/// # Panics
///
/// If `scale` is above 38.
///
/// ```
/// use pelton_simd::number::{NumberError, parse_decimal_scaled};
///
/// assert_eq!(parse_decimal_scaled(b"12.5", 2), Ok(1250));
/// assert_eq!(parse_decimal_scaled(b"12.500", 2), Ok(1250));
/// assert_eq!(parse_decimal_scaled(b"12.505", 2), Err(NumberError::TooManyFractionDigits));
/// ```
#[inline]
pub fn parse_decimal_scaled(bytes: &[u8], scale: u8) -> Result<i128, NumberError> {
    assert!(
        usize::from(scale) <= DECIMAL_DIGITS,
        "the scale of a decimal is at most 38"
    );
    let (minus, digits) = split_sign(bytes);
    let size = match pointed(digits) {
        // Sixteen digits and nineteen zeros make 35, far from any limit.
        Some((size, found)) if found <= scale && scale - found < 20 => {
            (u128::from(size) * u128::from(POWERS[usize::from(scale - found)])).cast_signed()
        }
        _ => scaled_slow(digits, scale)?,
    };
    Ok(if minus { -size } else { size })
}

#[cold]
#[inline(never)]
fn scaled_slow(digits: &[u8], scale: u8) -> Result<i128, NumberError> {
    let (size, found) = match long(digits) {
        Err(NumberError::Overflow) => long(without_idle_zeros(digits))?,
        other => other?,
    };
    let Some(missing) = scale.checked_sub(found) else {
        let power = WIDE_POWERS[usize::from(found - scale)];
        let exact = size % power == 0;
        return exact
            .then_some(size / power)
            .ok_or(NumberError::TooManyFractionDigits);
    };
    let wide = size.checked_mul(WIDE_POWERS[usize::from(missing)]);
    wide.filter(|wide| *wide < 10 * WIDE_POWERS[37])
        .ok_or(NumberError::Overflow)
}

/// A decimal of any length.
fn long(digits: &[u8]) -> Result<(i128, u8), NumberError> {
    let (whole, fraction) = split_point(digits);
    let all_digits = whole.iter().chain(fraction).all(u8::is_ascii_digit);
    if !all_digits || whole.len() + fraction.len() == 0 {
        return Err(NumberError::Malformed);
    }
    if fraction.len() > DECIMAL_DIGITS {
        return Err(NumberError::Overflow);
    }
    let size = append(append(0, whole)?, fraction)?;
    Ok((size, fraction.len() as u8))
}

/// The digits before and after the first point; a second one stays with the fraction.
fn split_point(digits: &[u8]) -> (&[u8], &[u8]) {
    match digits.iter().position(|byte| *byte == b'.') {
        Some(point) => (&digits[..point], &digits[point + 1..]),
        None => (digits, &[]),
    }
}

/// Without the zeros at the end of the fraction, its first digit aside.
fn without_idle_zeros(digits: &[u8]) -> &[u8] {
    let fraction = split_point(digits).1;
    let zeros = fraction
        .iter()
        .rev()
        .take_while(|digit| **digit == b'0')
        .count();
    &digits[..digits.len() - zeros.min(fraction.len().saturating_sub(1))]
}

/// Writes digits behind a number, eighteen at a time.
fn append(size: i128, digits: &[u8]) -> Result<i128, NumberError> {
    digits.chunks(18).try_fold(size, |size, group| {
        let low = nineteen(group).ok_or(NumberError::Malformed)?;
        let high = size
            .checked_mul(WIDE_POWERS[group.len()])
            .ok_or(NumberError::Overflow)?;
        let sum = high + i128::from(low);
        (sum < 10 * WIDE_POWERS[37])
            .then_some(sum)
            .ok_or(NumberError::Overflow)
    })
}
