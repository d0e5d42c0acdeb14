//! Timestamps by ISO 8601 and RFC 3339.

use super::POWERS;
use super::digits::{leading_digits, non_digits};

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
    let (date, minutes, rest) = match bytes.split_first_chunk::<16>() {
        Some((head, rest)) => (*head, true, rest),
        None => (alone(bytes)?, false, &[][..]),
    };
    let (low, high) = split(date)?;
    let days = days(low, high)?;
    let (hour, minute) = (pair(high, 3), pair(high, 6));
    let (second, nanos, zone) = if minutes { seconds(rest)? } else { (0, 0, 0) };
    if hour > 23 || minute > 59 {
        return None;
    }
    let time = i64::from(hour * 3600 + minute * 60 + second) - zone;
    in_nanoseconds(i64::from(days) * 86_400 + time, nanos)
}

/// A date without a time, as if midnight stood behind it.
#[inline(always)]
fn alone(bytes: &[u8]) -> Option<[u8; 16]> {
    let date: [u8; 10] = bytes.try_into().ok()?;
    let mut whole = *b"yyyy-mm-ddT00:00";
    whole[..10].copy_from_slice(&date);
    Some(whole)
}

/// Digit values of `yyyy-mm-` and `ddThh:mm`, zeros between them, once every byte is known to be
/// what it should.
#[inline(always)]
fn split(mut date: [u8; 16]) -> Option<(u64, u64)> {
    if !matches!(date[10], b'T' | b't' | b' ') {
        return None;
    }
    date[10] = b'T';
    let word = u128::from_le_bytes(date) ^ u128::from_le_bytes(*b"0000-00-00T00:00");
    let (low, high) = (word as u64, (word >> 64) as u64);
    let between = low & 0xff00_00ff_0000_0000 | high & 0x0000_ff00_00ff_0000;
    (between | non_digits(low) | non_digits(high) == 0).then_some((low, high))
}

/// The number of two digits, the first at byte `at`.
#[inline(always)]
fn pair(digits: u64, at: u32) -> u32 {
    let word = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    (word >> (8 * at)) as u32 & 0xff
}

/// Seconds may lie up to one beyond the range if the nanoseconds bring them back.
#[inline(always)]
fn in_nanoseconds(seconds: i64, nanos: u32) -> Option<i64> {
    let (seconds, nanos) = match seconds {
        0.. => (seconds, i64::from(nanos)),
        _ => (seconds + 1, i64::from(nanos) - SECOND_NS),
    };
    seconds.checked_mul(SECOND_NS)?.checked_add(nanos)
}

/// Two digits.
#[inline(always)]
fn two(tens: u8, ones: u8) -> Option<u32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| u32::from(tens * 10 + ones))
}

/// Two digits below a limit.
#[inline(always)]
fn two_below(tens: u8, ones: u8, limit: u32) -> Option<u32> {
    two(tens, ones).filter(|value| *value < limit)
}

/// Days since the epoch.
#[inline(always)]
fn days(low: u64, high: u64) -> Option<i32> {
    let year = pair(low, 0) * 100 + pair(low, 2);
    let (month, day) = (pair(low, 5), pair(high, 0));
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

/// What follows the minutes: seconds, nanoseconds, and seconds that the zone is ahead.
#[inline(always)]
fn seconds(rest: &[u8]) -> Option<(u32, u32, i64)> {
    let [b':', tens, ones, rest @ ..] = rest else {
        return Some((0, 0, zone(rest)?));
    };
    let second = two_below(*tens, *ones, 60)?;
    let (nanos, rest) = fraction(rest)?;
    Some((second, nanos, zone(rest)?))
}

/// Nanoseconds of a fraction of one to nine digits, if there is one, and what follows.
#[inline(always)]
fn fraction(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let [b'.', rest @ ..] = bytes else {
        return Some((0, bytes));
    };
    let (count, value) = leading_digits(rest);
    let (count, value) = match rest.get(8).map(|byte| byte.wrapping_sub(b'0')) {
        Some(ninth @ 0..=9) if count == 8 => (9, value * 10 + u64::from(ninth)),
        _ => (count, value),
    };
    (count > 0).then(|| ((value * POWERS[9 - count]) as u32, &rest[count..]))
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
    let seconds = i64::from(two_below(h, o, 24)? * 3600 + two_below(m, n, 60)? * 60);
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}
