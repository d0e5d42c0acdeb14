//! ASCII: letter case, trimming, and how far a text is ASCII at all.
//!
//! Bytes of 0x80 and above are left alone, so UTF-8 stays UTF-8.

use crate::Level;
use crate::vector::{CHUNK, Kernel, Vector, dispatch, padded};
use std::ops::Range;

/// Makes ASCII letters upper case.
///
/// ```
/// let mut text = "grüße".to_owned().into_bytes();
/// pelton_simd::ascii::make_upper(&mut text);
/// assert_eq!(text, "GRüßE".as_bytes());
/// ```
#[inline]
pub fn make_upper(bytes: &mut [u8]) {
    make_upper_at(Level::detect(), bytes);
}

/// [`make_upper`] at a level of choice.
pub fn make_upper_at(level: Level, bytes: &mut [u8]) {
    dispatch(level, Flip { bytes, from: b'a' });
}

/// Makes ASCII letters lower case.
#[inline]
pub fn make_lower(bytes: &mut [u8]) {
    make_lower_at(Level::detect(), bytes);
}

/// [`make_lower`] at a level of choice.
pub fn make_lower_at(level: Level, bytes: &mut [u8]) {
    dispatch(level, Flip { bytes, from: b'A' });
}

/// Copies, with ASCII letters in upper case.
///
/// # Panics
///
/// If the lengths differ; likewise [`copy_lower`].
#[inline]
pub fn copy_upper(source: &[u8], target: &mut [u8]) {
    copy_upper_at(Level::detect(), source, target);
}

/// [`copy_upper`] at a level of choice.
///
/// # Panics
///
/// If the lengths differ.
pub fn copy_upper_at(level: Level, source: &[u8], target: &mut [u8]) {
    assert_eq!(
        source.len(),
        target.len(),
        "source and target differ in length"
    );
    dispatch(
        level,
        FlipCopy {
            source,
            target,
            from: b'a',
        },
    );
}

/// Copies, with ASCII letters in lower case.
///
/// # Panics
///
/// If the lengths differ.
#[inline]
pub fn copy_lower(source: &[u8], target: &mut [u8]) {
    copy_lower_at(Level::detect(), source, target);
}

/// [`copy_lower`] at a level of choice.
///
/// # Panics
///
/// If the lengths differ.
pub fn copy_lower_at(level: Level, source: &[u8], target: &mut [u8]) {
    assert_eq!(
        source.len(),
        target.len(),
        "source and target differ in length"
    );
    dispatch(
        level,
        FlipCopy {
            source,
            target,
            from: b'A',
        },
    );
}

/// The place of the first byte of 0x80 or above.
#[inline]
#[must_use]
pub fn first_non_ascii(bytes: &[u8]) -> Option<usize> {
    first_non_ascii_at(Level::detect(), bytes)
}

/// [`first_non_ascii`] at a level of choice.
#[must_use]
pub fn first_non_ascii_at(level: Level, bytes: &[u8]) -> Option<usize> {
    dispatch(level, FirstHigh { bytes })
}

/// No byte is 0x80 or above.
#[inline]
#[must_use]
pub fn is_ascii(bytes: &[u8]) -> bool {
    first_non_ascii(bytes).is_none()
}

/// The bytes between the blanks at both ends; blanks are tab, line feed, vertical tab, form feed,
/// carriage return and space.
///
/// ```
/// assert_eq!(pelton_simd::ascii::trim(b"  a b\r\n"), 2..5);
/// assert_eq!(pelton_simd::ascii::trim(b"  ").len(), 0);
/// ```
#[inline]
#[must_use]
pub fn trim(bytes: &[u8]) -> Range<usize> {
    let Some(start) = bytes.iter().position(|byte| !is_blank(*byte)) else {
        return 0..0;
    };
    let last = bytes.iter().rposition(|byte| !is_blank(*byte));
    start..last.map_or(start, |last| last + 1)
}

#[inline(always)]
const fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// The letter in the other case if it is one of the 26 from `from` on.
#[inline(always)]
fn flip(byte: u8, from: u8) -> u8 {
    byte ^ u8::from(byte.wrapping_sub(from) < 26) << 5
}

struct Flip<'a> {
    bytes: &'a mut [u8],
    from: u8,
}

impl Kernel for Flip<'_> {
    type Output = ();

    fn scalar(self) {
        match self.from {
            b'a' => self.bytes.make_ascii_uppercase(),
            _ => self.bytes.make_ascii_lowercase(),
        }
    }

    #[inline(always)]
    fn vector<V: Vector>(self, _: V) {
        self.bytes
            .iter_mut()
            .for_each(|byte| *byte = flip(*byte, self.from));
    }
}

struct FlipCopy<'a> {
    source: &'a [u8],
    target: &'a mut [u8],
    from: u8,
}

impl Kernel for FlipCopy<'_> {
    type Output = ();

    fn scalar(self) {
        self.target.copy_from_slice(self.source);
        Flip {
            bytes: self.target,
            from: self.from,
        }
        .scalar();
    }

    #[inline(always)]
    fn vector<V: Vector>(self, _: V) {
        let pairs = self.target.iter_mut().zip(self.source);
        pairs.for_each(|(target, source)| *target = flip(*source, self.from));
    }
}

struct FirstHigh<'a> {
    bytes: &'a [u8],
}

impl Kernel for FirstHigh<'_> {
    type Output = Option<usize>;

    fn scalar(self) -> Option<usize> {
        self.bytes.iter().position(|byte| !byte.is_ascii())
    }

    #[inline(always)]
    fn vector<V: Vector>(self, v: V) -> Option<usize> {
        let (chunks, tail) = self.bytes.as_chunks();
        for (i, chunk) in chunks.iter().enumerate() {
            let high = v.high(v.load(chunk));
            if high != 0 {
                return Some(i * CHUNK + high.trailing_zeros() as usize);
            }
        }
        let high = v.high(v.load(&padded(tail).0));
        (high != 0).then(|| chunks.len() * CHUNK + high.trailing_zeros() as usize)
    }
}
