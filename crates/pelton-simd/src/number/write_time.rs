//! Timestamps as text.

use super::POWERS;
use super::write::{append, spell};

const DAY_NS: i64 = 86_400_000_000_000;

/// Appends nanoseconds since the epoch by RFC 3339 in UTC, with three, six or nine digits of a
/// second as needed, or none.
///
/// ```
/// let mut out = Vec::new();
/// pelton_simd::number::write_timestamp(&mut out, 500_000_000);
/// assert_eq!(out, b"1970-01-01T00:00:00.500Z");
/// ```
pub fn write_timestamp(out: &mut Vec<u8>, ns: i64) {
    let (year, month, day) = civil_from_days(ns.div_euclid(DAY_NS) as i32);
    let in_day = ns.rem_euclid(DAY_NS).cast_unsigned();
    let (seconds, nanos) = (in_day / POWERS[9], in_day % POWERS[9]);
    let mut text = *b"0000-00-00T00:00:00.000000000Z..";
    put(&mut text, 0, u64::from(year / 100));
    put(&mut text, 2, u64::from(year % 100));
    put(&mut text, 5, u64::from(month));
    put(&mut text, 8, u64::from(day));
    put(&mut text, 11, seconds / 3600);
    put(&mut text, 14, seconds / 60 % 60);
    put(&mut text, 17, seconds % 60);
    let count = 20 + put_fraction(&mut text, nanos);
    text[count - 1] = b'Z';
    append(out, &text, count);
}

/// Two digits.
#[inline(always)]
fn put(text: &mut [u8; 32], at: usize, value: u64) {
    text[at] = b'0' + (value / 10) as u8;
    text[at + 1] = b'0' + (value % 10) as u8;
}

/// The fraction behind its point; returns how many bytes of it are needed, the point included.
#[inline(always)]
fn put_fraction(text: &mut [u8; 32], nanos: u64) -> usize {
    if nanos == 0 {
        return 0;
    }
    text[20] = b'0' + (nanos / POWERS[8]) as u8;
    let rest = spell(nanos % POWERS[8]).to_le_bytes();
    for (byte, digit) in text[21..29].iter_mut().zip(rest) {
        *byte = b'0' + digit;
    }
    match (nanos % 1_000_000, nanos % 1000) {
        (0, _) => 4,
        (_, 0) => 7,
        _ => 10,
    }
}

/// The inverse of the day count, by the same source (Hinnant).
#[inline(always)]
fn civil_from_days(days: i32) -> (u32, u32, u32) {
    let days = (days + 719_468).cast_unsigned();
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + u32::from(month <= 2), month, day)
}
