//! The calendar: the proleptic Gregorian one, UTC, no leap seconds.

/// Nanoseconds of a second.
pub(crate) const SECOND: i64 = 1_000_000_000;
/// Nanoseconds of a day.
pub(crate) const DAY: i64 = 86_400 * SECOND;

/// A date as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: u32,
    /// 1 to 31.
    pub(crate) day: u32,
}

/// The date of a day counted from 1970-01-01.
///
/// Howard Hinnant's `civil_from_days`: years begin in March, so that the leap day comes last.
pub(crate) const fn civil(days: i64) -> Civil {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month + 2) / 5 + 1) as u32;
    let month = if month < 10 { month + 3 } else { month - 9 } as u32;
    Civil {
        year: year_of_era + era * 400 + (month <= 2) as i64,
        month,
        day,
    }
}

/// The day of a date, counted from 1970-01-01. Hinnant's `days_from_civil`.
pub(crate) const fn days(Civil { year, month, day }: Civil) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = (month as i64 + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + day as i64 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The number of days of a month.
pub(crate) const fn month_days(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The start of the day of a timestamp. The first day there is has no start; it stays as it is.
pub(crate) const fn midnight(timestamp: i64) -> i64 {
    match timestamp.checked_sub(timestamp.rem_euclid(DAY)) {
        Some(midnight) => midnight,
        None => timestamp,
    }
}

/// Reads `2024-01-31`, `2024-01-31 12:30`, `2024-01-31T12:30:15.123456789`, each with `Z` or
/// `+01:00` behind if need be; `None` when it is none of these or outside of 1677 to 2262.
pub(crate) fn parse(text: &[u8]) -> Option<i64> {
    let mut text = text.trim_ascii();
    let date = Civil {
        year: i64::from(digits(&mut text, 4)?),
        month: after(&mut text, b'-').and_then(|()| digits(&mut text, 2))?,
        day: after(&mut text, b'-').and_then(|()| digits(&mut text, 2))?,
    };
    let in_year = (1..=12).contains(&date.month);
    if !in_year || !(1..=month_days(date.year, date.month)).contains(&date.day) {
        return None;
    }
    let time = match text.split_first() {
        Some((b'T' | b't' | b' ', rest)) => {
            text = rest.trim_ascii_start();
            time_of_day(&mut text)?
        }
        _ => 0,
    };
    let offset = offset(&mut text)?;
    let total = i128::from(days(date)) * i128::from(DAY) + i128::from(time - offset);
    text.is_empty().then(|| i64::try_from(total).ok())?
}

/// `12:30`, `12:30:15` or `12:30:15.5`, in nanoseconds.
fn time_of_day(text: &mut &[u8]) -> Option<i64> {
    let hour = digits(text, 2)?;
    let minute = after(text, b':').and_then(|()| digits(text, 2))?;
    let second = match after(text, b':') {
        Some(()) => digits(text, 2)?,
        None => 0,
    };
    let fraction = match after(text, b'.') {
        Some(()) => fraction(text)?,
        None => 0,
    };
    let in_day = hour < 24 && minute < 60 && second < 60;
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    in_day.then_some(seconds * SECOND + fraction)
}

/// Digits after the point, in nanoseconds; those past the ninth are cut off.
fn fraction(text: &mut &[u8]) -> Option<i64> {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, rest) = text.split_at(count);
    *text = rest;
    let padded = fraction.iter().copied().chain(std::iter::repeat(b'0'));
    let value = padded
        .take(9)
        .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    (0 < count).then_some(value)
}

/// `Z`, `+01`, `-0130` or `+01:30`, in nanoseconds; nothing is UTC.
fn offset(text: &mut &[u8]) -> Option<i64> {
    *text = text.trim_ascii_start();
    let sign = match text.split_first() {
        None => return Some(0),
        Some((b'Z' | b'z', rest)) => {
            *text = rest;
            return Some(0);
        }
        Some((b'+', rest)) => (1, rest),
        Some((b'-', rest)) => (-1, rest),
        Some(_) => return None,
    };
    *text = sign.1;
    let hours = digits(text, 2)?;
    let minutes = match (after(text, b':'), text.is_empty()) {
        (None, true) => 0,
        _ => digits(text, 2)?,
    };
    let valid = hours < 24 && minutes < 60;
    valid.then_some(sign.0 * i64::from(hours * 3600 + minutes * 60) * SECOND)
}

/// Takes exactly `count` digits.
fn digits(text: &mut &[u8], count: usize) -> Option<u32> {
    let (digits, rest) = text.split_at_checked(count)?;
    *text = rest;
    digits.iter().try_fold(0, |sum, digit| {
        digit
            .is_ascii_digit()
            .then(|| sum * 10 + u32::from(digit - b'0'))
    })
}

/// Takes `byte` if it is next.
fn after(text: &mut &[u8], byte: u8) -> Option<()> {
    *text = text.strip_prefix(&[byte])?;
    Some(())
}

/// Writes `2024-01-31 12:30:15.5`, with as many digits of the fraction as matter.
pub(crate) fn write(timestamp: i64, out: &mut Vec<u8>) {
    use std::io::Write;
    let Civil { year, month, day } = civil(timestamp.div_euclid(DAY));
    let in_day = timestamp.rem_euclid(DAY);
    let seconds = in_day / SECOND;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    // Writing to a vector cannot fail.
    let _ = write!(
        out,
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
    );
    let fraction = in_day % SECOND;
    if fraction != 0 {
        let _ = write!(out, ".{fraction:09}");
        out.truncate(out.trim_ascii_end().len());
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}
