//! Words: the stretches between white space.
//!
//! White space is Unicode's, as [`char::is_whitespace`] knows it. In bytes that are no UTF-8 it is
//! the same sequences of bytes, so that every input has a number of words.

use crate::Level;
use crate::vector::{CHUNK, Kernel, Vector, dispatch, padded};

/// The number of words.
///
/// ```
/// assert_eq!(pelton_simd::words::count(b" one two\nthree"), 3);
/// assert_eq!(pelton_simd::words::count("no\u{a0}break".as_bytes()), 2);
/// ```
#[inline]
#[must_use]
pub fn count(bytes: &[u8]) -> usize {
    count_at(Level::detect(), bytes)
}

/// [`count`] at a level of choice.
#[must_use]
pub fn count_at(level: Level, bytes: &[u8]) -> usize {
    dispatch(level, Words { bytes })
}

/// How many bytes of white space `bytes` begin with, as one character; none is 0.
const fn white(bytes: &[u8]) -> usize {
    match bytes {
        [b'\t'..=b'\r' | b' ', ..] => 1,
        [0xc2, 0x85 | 0xa0, ..] => 2,
        [0xe1, 0x9a, 0x80, ..]
        | [0xe2, 0x80, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf, ..]
        | [0xe2, 0x81, 0x9f, ..]
        | [0xe3, 0x80, 0x80, ..] => 3,
        _ => 0,
    }
}

struct Words<'a> {
    bytes: &'a [u8],
}

impl Kernel for Words<'_> {
    type Output = usize;

    fn scalar(self) -> usize {
        let (mut words, mut blank, mut at) = (0, true, 0);
        while at < self.bytes.len() {
            let white = white(&self.bytes[at..]);
            words += usize::from(blank && white == 0);
            blank = white > 0;
            at += white.max(1);
        }
        words
    }

    #[inline(always)]
    fn vector<V: Vector>(self, v: V) -> usize {
        let (chunks, tail) = self.bytes.as_chunks();
        let (last, valid) = padded(tail);
        let mut scan = Scan {
            bytes: self.bytes,
            at: 0,
            before: 1,
            carry: 0,
        };
        let mut words = 0;
        for chunk in chunks {
            words += scan.starts(v, chunk).count_ones() as usize;
        }
        words + (scan.starts(v, &last) & valid).count_ones() as usize
    }
}

/// Where the scan stands between two chunks.
struct Scan<'a> {
    bytes: &'a [u8],
    /// Where the chunk begins.
    at: usize,
    /// One if white space comes right before the chunk.
    before: u64,
    /// Bytes of the chunk that belong to white space begun in the one before.
    carry: u64,
}

impl Scan<'_> {
    /// Marks the first bytes of words.
    #[inline(always)]
    fn starts<V: Vector>(&mut self, v: V, chunk: &[u8; CHUNK]) -> u64 {
        let chunk = v.load(chunk);
        let mut blanks = v.within(chunk, b'\t', b'\r' - b'\t') | v.eq(chunk, b' ') | self.carry;
        self.carry = 0;
        if v.high(chunk) != 0 {
            let leads = v.eq(chunk, 0xc2) | v.within(chunk, 0xe1, 2);
            if leads != 0 {
                blanks |= self.wide(leads);
            }
        }
        let after_blank = blanks << 1 | self.before;
        self.before = blanks >> 63;
        self.at += CHUNK;
        !blanks & after_blank
    }

    /// Marks white space of several bytes, which begins at some of `leads`.
    #[inline(never)]
    fn wide(&mut self, mut leads: u64) -> u64 {
        let mut blanks = 0u128;
        while leads != 0 {
            let place = leads.trailing_zeros();
            let length = white(&self.bytes[self.at + place as usize..]);
            blanks |= ((1u128 << length) - 1) << place;
            leads &= leads - 1;
        }
        self.carry = (blanks >> 64) as u64;
        blanks as u64
    }
}
