//! Floating point numbers, correctly rounded.

use super::digits::pointed;
use super::split_sign;

/// Powers of ten that a double holds exactly.
const EXACT: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// A number as people and programs write it, rounded to the nearest double.
///
/// Sign, digits with an optional point, and an exponent; `inf`, `infinity` and `nan` in any case,
/// signed or not. What is too large becomes infinite, as everywhere.
///
/// Up to sixteen digits whose value is exact as a double are divided by an exact power of ten: one
/// correctly rounded operation (Clinger, "How to read floating point numbers accurately", 1990).
/// Everything else is left to the standard library, which is exact too.
///
/// ```
/// use pelton_simd::number::parse_f64;
///
/// assert_eq!(parse_f64(b"-1.5e3"), Some(-1500.0));
/// assert_eq!(parse_f64(b"0.1"), Some(0.1));
/// assert_eq!(parse_f64(b"0x1"), None);
/// ```
#[inline]
#[must_use]
pub fn parse_f64(bytes: &[u8]) -> Option<f64> {
    let (minus, digits) = split_sign(bytes);
    let (mantissa, exponent) = split_exponent(digits);
    match pointed(mantissa) {
        Some((size, scale)) if size <= 1 << 53 => {
            let power = exponent.map(|exponent| exponent - i32::from(scale));
            match power.and_then(|power| scaled(size as f64, power)) {
                Some(value) => Some(if minus { -value } else { value }),
                None => parse_slow(bytes),
            }
        }
        _ => parse_slow(bytes),
    }
}

/// `size * 10^power` where both are exact.
#[inline(always)]
pub(super) fn scaled(size: f64, power: i32) -> Option<f64> {
    let exact = EXACT.get(power.unsigned_abs() as usize)?;
    Some(if power < 0 {
        size / exact
    } else {
        size * exact
    })
}

/// What stands before an `e`, and the number after it, zero if there is none.
///
/// The number is `None` where it is not a sign and one to three digits.
#[inline(always)]
fn split_exponent(bytes: &[u8]) -> (&[u8], Option<i32>) {
    let from = bytes.len().saturating_sub(5);
    let Some(place) = bytes[from..].iter().position(|byte| *byte | 0x20 == b'e') else {
        return (bytes, Some(0));
    };
    let (minus, digits) = split_sign(&bytes[from + place + 1..]);
    let size = pointed(digits).filter(|(_, scale)| *scale == 0 && !digits.contains(&b'.'));
    let exponent = size.map(|(size, _)| size as i32);
    (
        &bytes[..from + place],
        exponent.map(|size| if minus { -size } else { size }),
    )
}

#[cold]
#[inline(never)]
fn parse_slow(bytes: &[u8]) -> Option<f64> {
    if !bytes.is_ascii() {
        return None;
    }
    // SAFETY: ASCII is UTF-8; checking for it costs a third of checking for UTF-8.
    unsafe { std::str::from_utf8_unchecked(bytes) }.parse().ok()
}
