//! Numbers as text, eight digits at a time.

use super::DECIMAL_DIGITS;
use std::mem::MaybeUninit;
use std::ops::Range;

const EIGHT: u64 = 100_000_000;
const SIXTEEN: u64 = EIGHT * EIGHT;
/// `0` in every byte.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// Appends an integer.
///
/// ```
/// let mut out = b"n=".to_vec();
/// pelton_simd::number::write_i64(&mut out, -42);
/// assert_eq!(out, b"n=-42");
/// ```
#[inline]
pub fn write_i64(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    let size = value.unsigned_abs();
    if size < EIGHT {
        let digits = spell(size);
        let skipped = leading_zeros(u128::from(digits)).min(7);
        append(
            out,
            &((digits | ZEROS) >> (8 * skipped)).to_le_bytes(),
            8 - skipped,
        );
    } else {
        let digits = Digits::new(u128::from(size));
        digits.append(out, digits.first..Digits::LEN);
    }
}

/// Appends `mantissa / 10^scale` with exactly `scale` digits after the point, and none at all for
/// a scale of zero.
///
/// ```
/// let mut out = Vec::new();
/// pelton_simd::number::write_decimal(&mut out, -5, 2);
/// assert_eq!(out, b"-0.05");
/// ```
///
/// # Panics
///
/// If `scale` is above 38.
#[inline]
pub fn write_decimal(out: &mut Vec<u8>, mantissa: i128, scale: u8) {
    assert!(
        usize::from(scale) <= DECIMAL_DIGITS,
        "the scale of a decimal is at most 38"
    );
    if mantissa < 0 {
        out.push(b'-');
    }
    match u64::try_from(mantissa.unsigned_abs()) {
        Ok(size) if size < EIGHT && scale < 8 => write_tiny(out, size, u32::from(scale)),
        Ok(size) if size < SIXTEEN / 10 && scale < 15 => write_short(out, size, u32::from(scale)),
        _ => write_long(out, mantissa.unsigned_abs(), usize::from(scale)),
    }
}

/// At most eight digits: those before the point in one word, the point and the rest in another.
#[inline(always)]
fn write_tiny(out: &mut Vec<u8>, size: u64, scale: u32) {
    let digits = spell(size);
    let whole = 8 - scale;
    let skipped = (digits.trailing_zeros() / 8).min(whole - 1);
    let text = digits | ZEROS;
    append(
        out,
        &(text >> (8 * skipped)).to_le_bytes(),
        (whole - skipped) as usize,
    );
    if scale > 0 {
        let fraction = text >> (8 * whole) << 8 | u64::from(b'.');
        append(out, &fraction.to_le_bytes(), scale as usize + 1);
    }
}

/// At most fifteen digits, so that with the point there are sixteen bytes.
#[inline(always)]
fn write_short(out: &mut Vec<u8>, size: u64, scale: u32) {
    let digits = (u128::from(spell(size / EIGHT)) | u128::from(spell(size % EIGHT)) << 64) >> 8;
    let whole = 15 - scale;
    let skipped = leading_zeros(digits).min(whole as usize - 1);
    let digits = digits | (u128::from(ZEROS) << 64 | u128::from(ZEROS)) >> 8;
    let below = digits & ((1 << (8 * whole)) - 1);
    let above = digits >> (8 * whole) << 8;
    let text = below | (above | u128::from(b'.')) << (8 * whole);
    let count = 16 - usize::from(scale == 0) - skipped;
    append(out, &(text >> (8 * skipped)).to_le_bytes(), count);
}

#[inline(never)]
fn write_long(out: &mut Vec<u8>, size: u128, scale: usize) {
    let digits = Digits::new(size);
    let point = Digits::LEN - scale;
    digits.append(out, digits.first.min(point - 1)..point);
    if scale > 0 {
        out.push(b'.');
        digits.append(out, point..Digits::LEN);
    }
}

/// Appends the shortest text that reads back as the same double; `inf`, `-inf` and `NaN` for what
/// is no number.
///
/// ```
/// let mut out = Vec::new();
/// pelton_simd::number::write_f64(&mut out, 0.1 + 0.2);
/// assert_eq!(out, b"0.30000000000000004");
/// ```
#[inline]
pub fn write_f64(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(zmij::Buffer::new().format(value).as_bytes());
}

/// The digit values of a number below 10^8, most significant in the lowest byte.
///
/// Splits by multiplication with rounded reciprocals: fours, then pairs, then single digits.
#[inline(always)]
pub(super) fn spell(size: u64) -> u64 {
    let fours = (size / 10_000) | ((size % 10_000) << 32);
    let hundreds = (fours * 10_486) >> 20 & 0x0000_007f_0000_007f;
    let pairs = hundreds | (fours - 100 * hundreds) << 16;
    let tens = (pairs * 103) >> 10 & 0x000f_000f_000f_000f;
    tens | (pairs - 10 * tens) << 8
}

/// The number of zero bytes at the low end.
#[inline(always)]
fn leading_zeros(digits: u128) -> usize {
    digits.trailing_zeros() as usize / 8
}

/// Appends the first `count` of `N` bytes.
#[inline(always)]
pub(super) fn append<const N: usize>(out: &mut Vec<u8>, bytes: &[u8; N], count: usize) {
    out.reserve(N);
    if let Some(spare) = out.spare_capacity_mut().first_chunk_mut::<N>() {
        // All of them are written: a copy of known length is a store or two.
        *spare = bytes.map(MaybeUninit::new);
        // SAFETY: there was room for `N` more bytes, all of them are written, and no more counted.
        unsafe { out.set_len(out.len() + count.min(N)) };
    }
}

/// Forty digits with zeros in front, and as many bytes of nothing behind.
struct Digits {
    bytes: [u8; 2 * Self::LEN],
    /// The place of the first digit that is not zero; the last digit's for zero.
    first: usize,
}

impl Digits {
    const LEN: usize = 40;

    #[inline(always)]
    fn new(mut size: u128) -> Self {
        let mut bytes = [b'0'; 2 * Self::LEN];
        let (words, _) = bytes.as_chunks_mut::<8>();
        for word in words[..Self::LEN / 8].iter_mut().rev() {
            let Ok(small) = u64::try_from(size) else {
                *word = (spell((size % u128::from(EIGHT)) as u64) | ZEROS).to_le_bytes();
                size /= u128::from(EIGHT);
                continue;
            };
            *word = (spell(small % EIGHT) | ZEROS).to_le_bytes();
            size = u128::from(small / EIGHT);
        }
        let zeros = bytes[..Self::LEN - 1]
            .iter()
            .take_while(|digit| **digit == b'0')
            .count();
        Self {
            bytes,
            first: zeros,
        }
    }

    /// Appends the digits at these places.
    #[inline(always)]
    fn append(&self, out: &mut Vec<u8>, places: Range<usize>) {
        if let Some(from) = self.bytes[places.start..].first_chunk::<{ Self::LEN }>() {
            append(out, from, places.len());
        }
    }
}
