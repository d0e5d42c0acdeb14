//! Digits, eight and sixteen at a time.

use crate::load::load_short;

/// `0` in every byte.
const ZEROS: u64 = 0x3030_3030_3030_3030;
/// The point, after the digits have been brought to 0..=9 by an exclusive or with `0`.
const POINT: u64 = (b'.' ^ b'0') as u64;

/// Marks the high bit of the lowest byte that is no digit value, perhaps with others above it.
#[inline(always)]
pub(super) fn non_digits(word: u64) -> u64 {
    (word.wrapping_add(0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080
}

/// The number whose eight digit values are the bytes of `word`, most significant lowest.
#[inline(always)]
fn combine(word: u64) -> u64 {
    let pairs = word.wrapping_mul(10).wrapping_add(word >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff
}

/// The number of one to eight digits; `None` if there is a byte that is no digit.
#[inline(always)]
fn eight(bytes: &[u8]) -> Option<u64> {
    let word = align(bytes)?;
    (non_digits(word) == 0).then(|| combine(word))
}

/// The number of one to nineteen digits; `None` if there are fewer or more, or something else.
#[inline(always)]
pub(super) fn nineteen(bytes: &[u8]) -> Option<u64> {
    if bytes.len() <= 8 {
        return eight(bytes);
    }
    let (head, tail) = bytes.split_at(bytes.len() - 8);
    let tail = eight(tail)?;
    if head.len() <= 8 {
        return Some(eight(head)? * 100_000_000 + tail);
    }
    let (top, middle) = head.split_at(head.len() - 8);
    if top.len() > 3 {
        return None;
    }
    let head = eight(top)? * 100_000_000 + eight(middle)?;
    Some(head * 100_000_000 + tail)
}

/// How many of the first eight bytes are digits before anything else, and their number.
#[inline(always)]
pub(super) fn leading_digits(bytes: &[u8]) -> (usize, u64) {
    let word = load_short(bytes) ^ ZEROS;
    let count = non_digits(word).trailing_zeros() as usize / 8;
    let digits = if count == 0 {
        0
    } else {
        word << (8 * (8 - count))
    };
    (count, combine(digits))
}

/// Digit values with the last in the highest byte; `None` unless there are one to eight.
#[inline(always)]
fn align(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || bytes.len() > 8 {
        return None;
    }
    Some((load_short(bytes) ^ ZEROS) << (8 * (8 - bytes.len())))
}

/// Digits with at most one point among them, at most sixteen bytes: the number without the point,
/// and how many digits follow it.
///
/// `None` if there are more bytes, no digit, or anything else.
#[inline(always)]
pub(super) fn pointed(bytes: &[u8]) -> Option<(u64, u8)> {
    if bytes.len() <= 8 {
        return pointed_eight(bytes);
    }
    pointed_sixteen(bytes)
}

#[inline(always)]
fn pointed_eight(bytes: &[u8]) -> Option<(u64, u8)> {
    let word = align(bytes)?;
    let marks = non_digits(word);
    if marks == 0 {
        return Some((combine(word), 0));
    }
    let point = marks.trailing_zeros() & !7;
    let below = word & ((1 << point) - 1);
    let above = word >> point >> 8 << point << 8;
    // Closing the gap from below leaves a zero in front, which changes nothing.
    let digits = below << 8 | above;
    let valid = word >> point & 0xff == POINT && non_digits(digits) == 0 && bytes.len() > 1;
    valid.then(|| (combine(digits), 7 - (point / 8) as u8))
}

/// As [`pointed_eight`], for nine to sixteen bytes.
#[inline(always)]
fn pointed_sixteen(bytes: &[u8]) -> Option<(u64, u8)> {
    let low = u64::from_le_bytes(*bytes.first_chunk()?);
    let high = u64::from_le_bytes(*bytes.last_chunk()?);
    // The shift drops from the low word what the high word has seen too.
    let missing = 16usize.checked_sub(bytes.len())?;
    let word = u128::from(high ^ ZEROS) << 64 | u128::from((low ^ ZEROS) << (8 * missing));
    pointed_word(word, bytes.len())
}

/// Digit values with the last in the highest byte and zeros below the first.
#[inline(always)]
fn pointed_word(word: u128, len: usize) -> Option<(u64, u8)> {
    let marks = wide_non_digits(word);
    if marks == 0 {
        return Some((combine_sixteen(word), 0));
    }
    let point = marks.trailing_zeros() & !7;
    let below = word & ((1 << point) - 1);
    let above = word >> point >> 8 << point << 8;
    let digits = below << 8 | above;
    let found = (word >> point) as u64 & 0xff == POINT;
    let valid = found && wide_non_digits(digits) == 0 && len > 1;
    valid.then(|| (combine_sixteen(digits), 15 - (point / 8) as u8))
}

#[inline(always)]
fn wide_non_digits(word: u128) -> u128 {
    u128::from(non_digits((word >> 64) as u64)) << 64 | u128::from(non_digits(word as u64))
}

#[inline(always)]
fn combine_sixteen(word: u128) -> u64 {
    combine(word as u64) * 100_000_000 + combine((word >> 64) as u64)
}
