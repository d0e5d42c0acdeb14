//! Numbers as text.

use std::io::Write;

use pelton_record::Decimal;

use super::wide;

/// A whole number with an optional sign, blanks around it ignored.
pub(crate) fn parse_int(text: &[u8]) -> Option<i64> {
    str::from_utf8(text.trim_ascii()).ok()?.parse().ok()
}

/// A float, also `NaN` and `Infinity` in any case.
pub(crate) fn parse_float(text: &[u8]) -> Option<f64> {
    let text = text.trim_ascii();
    let value: f64 = str::from_utf8(text).ok()?.parse().ok()?;
    // A number too large to hold is not infinite; only the word is.
    let digits = text.iter().any(u8::is_ascii_digit);
    (value.is_finite() || !digits).then_some(value)
}

/// A decimal with as many digits after the point as are written, or an exponent.
pub(crate) fn parse_decimal(text: &[u8]) -> Option<Decimal> {
    let text = str::from_utf8(text.trim_ascii()).ok()?;
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (sign, digits) = match digits.as_bytes().first()? {
        b'-' => (-1, &digits[1..]),
        b'+' => (1, &digits[1..]),
        _ => (1, digits),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = whole.bytes().chain(fraction.bytes());
    if whole.is_empty() && fraction.is_empty() || !all.clone().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mantissa = all
        .map(|byte| i128::from(byte - b'0'))
        .try_fold(0i128, |sum, digit| sum.checked_mul(10)?.checked_add(digit))?;
    let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    scaled(sign * mantissa, scale)
}

/// `mantissa / 10^scale` for a scale of any sign.
fn scaled(mantissa: i128, scale: i32) -> Option<Decimal> {
    let digits = u8::try_from(scale.unsigned_abs()).ok();
    let small = digits.filter(|&digits| digits <= Decimal::SCALE_MAX);
    match (small, scale < 0) {
        (Some(digits), false) => Some(Decimal::new(mantissa, digits)),
        (Some(digits), true) => {
            let mantissa = mantissa.checked_mul(wide::power_of_ten(digits))?;
            Some(Decimal::new(mantissa, 0))
        }
        (None, _) if mantissa == 0 => Some(Decimal::new(0, 0)),
        (None, _) => None,
    }
}

/// The mantissa at `scale` of a text, rounded half away from zero.
pub(crate) fn parse_mantissa(text: &[u8], scale: u8) -> Option<i128> {
    Some(parse_decimal(text)?.rescale(scale)?.mantissa())
}

/// The mantissa at `scale` of a float's first 15 digits, as many as every float keeps.
pub(crate) fn float_mantissa(value: f64, scale: u8) -> Option<i128> {
    if !value.is_finite() {
        return None;
    }
    if value.abs() < 1e-40 {
        return Some(0);
    }
    parse_mantissa(format!("{value:.14e}").as_bytes(), scale)
}

/// Writes the shortest text that reads back as `value`, in PostgreSQL's form: `1e+20`, `NaN`.
pub(crate) fn write_float(value: f64, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = if value.is_nan() {
        write!(out, "NaN")
    } else if value.is_infinite() {
        write!(out, "{}Infinity", if value < 0.0 { "-" } else { "" })
    } else if value == 0.0 || (1e-4..1e15).contains(&value.abs()) {
        write!(out, "{value}")
    } else {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let sign = if exponent.starts_with('-') { '-' } else { '+' };
        write!(
            out,
            "{digits}e{sign}{:0>2}",
            exponent.trim_start_matches('-')
        )
    };
}
