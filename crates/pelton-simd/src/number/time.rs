//! Timestamps by ISO 8601 and RFC 3339.

use super::POWERS;

const SECOND_NS: i64 = 1_000_000_000;

/// A date, or a date and a time, in nanoseconds since 1970-01-01T00:00:00Z.
///
/// `2024-01-31`, then optionally `T`, `t` or a space and `12:34` or `12:34:56` with a fraction of
/// one to nine digits, then optionally `Z`, `z`, `+01:00`, `+0100` or `+01`. No zone means UTC.
/// The calendar is checked (Gregorian, leap years, no second 60).
/// `None` for anything else, and outside the years 1677 to 2262 that nanoseconds reach.
///
/// ```
/// use pelton_simd::number::parse_timestamp;
///
/// assert_eq!(parse_timestamp(b"1970-01-02"), Some(86_400_000_000_000));
/// assert_eq!(parse_timestamp(b"1970-01-01T01:00:00.5+01:00"), Some(500_000_000));
/// assert_eq!(parse_timestamp(b"2023-02-29"), None);
/// ```
#[inline]
#[must_use]
pub fn parse_timestamp(bytes: &[u8]) -> Option<i64> {
    let (date, rest) = bytes.split_first_chunk::<10>()?;
    let days = days(date)?;
    let (seconds, nanos) = match rest {
        [] => (0, 0),
        [b'T' | b't' | b' ', time @ ..] => time_of_day(time)?,
        _ => return None,
    };
    let seconds = i128::from(days) * 86_400 + i128::from(seconds);
    i64::try_from(seconds * i128::from(SECOND_NS) + i128::from(nanos)).ok()
}

/// Two digits.
#[inline(always)]
fn two(tens: u8, ones: u8) -> Option<u32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| u32::from(tens * 10 + ones))
}

/// Two digits below a limit.
#[inline(always)]
fn two_below(tens: u8, ones: u8, limit: u32) -> Option<i64> {
    two(tens, ones)
        .filter(|value| *value < limit)
        .map(i64::from)
}

/// Days since the epoch of `yyyy-mm-dd`.
#[inline(always)]
fn days(date: &[u8; 10]) -> Option<i32> {
    let [a, b, c, d, b'-', m, n, b'-', x, y] = *date else {
        return None;
    };
    let year = two(a, b)? * 100 + two(c, d)?;
    let (month, day) = (two(m, n)?, two(x, y)?);
    let valid = (1..=12).contains(&month) && day >= 1 && day <= days_in(year, month);
    valid.then(|| days_from_civil(year.cast_signed(), month, day))
}

#[inline(always)]
fn days_in(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(leap),
        // Odd and even swap their lengths in August.
        _ => 30 + ((month + (month >> 3)) & 1),
    }
}

/// Hinnant, "chrono-compatible low-level date algorithms": the year starts in March, so that the
/// leap day is its last.
#[inline(always)]
fn days_from_civil(year: i32, month: u32, day: u32) -> i32 {
    let year = year - i32::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100;
    era * 146_097 + day_of_era + day_of_year.cast_signed() - 719_468
}

/// Seconds since midnight UTC and nanoseconds of a time with an optional zone.
#[inline(always)]
fn time_of_day(time: &[u8]) -> Option<(i64, u32)> {
    let [h, o, b':', m, n, rest @ ..] = time else {
        return None;
    };
    let minutes = two_below(*h, *o, 24)? * 60 + two_below(*m, *n, 60)?;
    let [b':', s, e, rest @ ..] = rest else {
        return Some((minutes * 60 - zone(rest)?, 0));
    };
    let seconds = minutes * 60 + two_below(*s, *e, 60)?;
    let (nanos, rest) = fraction(rest)?;
    Some((seconds - zone(rest)?, nanos))
}

/// Nanoseconds of a fraction of one to nine digits, if there is one, and what follows.
#[inline(always)]
fn fraction(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let [b'.', rest @ ..] = bytes else {
        return Some((0, bytes));
    };
    let mut nanos = 0;
    let mut count = 0;
    while let Some(digit) = rest.get(count).map(|byte| byte.wrapping_sub(b'0')) {
        if digit > 9 || count == 9 {
            break;
        }
        nanos = nanos * 10 + u32::from(digit);
        count += 1;
    }
    (count > 0).then(|| (nanos * POWERS[9 - count] as u32, &rest[count..]))
}

/// Seconds that a zone is ahead of UTC.
#[inline(always)]
fn zone(bytes: &[u8]) -> Option<i64> {
    let (sign, h, o, m, n) = match *bytes {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign, h, o] => (sign, h, o, b'0', b'0'),
        [sign, h, o, m, n] | [sign, h, o, b':', m, n] => (sign, h, o, m, n),
        _ => return None,
    };
    let seconds = two_below(h, o, 24)? * 3600 + two_below(m, n, 60)? * 60;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}
