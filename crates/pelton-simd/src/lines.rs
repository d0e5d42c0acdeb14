//! Newlines: where they are, how many, and the last one.

use crate::Level;
use crate::search::FindLast;
use crate::vector::{CHUNK, Kernel, Vector, dispatch, padded, push_positions};

/// Writes the positions of all newlines to `out`, which is cleared first.
///
/// ```
/// let mut ends = Vec::new();
/// pelton_simd::lines::positions(b"one\ntwo\n", &mut ends);
/// assert_eq!(ends, [3, 7]);
/// ```
///
/// # Panics
///
/// If the block is 4 GiB or longer.
#[inline]
pub fn positions(bytes: &[u8], out: &mut Vec<u32>) {
    positions_at(Level::detect(), bytes, out);
}

/// [`positions`] at a level of choice.
///
/// # Panics
///
/// As [`positions`].
pub fn positions_at(level: Level, bytes: &[u8], out: &mut Vec<u32>) {
    assert!(
        bytes.len() < u32::MAX as usize,
        "a block must be shorter than 4 GiB"
    );
    out.clear();
    dispatch(level, Positions { bytes, out });
}

/// The position of the last newline.
#[inline]
#[must_use]
pub fn last(bytes: &[u8]) -> Option<usize> {
    last_at(Level::detect(), bytes)
}

/// [`last`] at a level of choice.
#[must_use]
pub fn last_at(level: Level, bytes: &[u8]) -> Option<usize> {
    dispatch(level, FindLast { bytes, byte: b'\n' })
}

/// The number of newlines.
#[inline]
#[must_use]
pub fn count(bytes: &[u8]) -> usize {
    count_at(Level::detect(), bytes)
}

/// [`count`] at a level of choice.
#[must_use]
pub fn count_at(level: Level, bytes: &[u8]) -> usize {
    dispatch(level, Count { bytes })
}

struct Positions<'a> {
    bytes: &'a [u8],
    out: &'a mut Vec<u32>,
}

impl Kernel for Positions<'_> {
    type Output = ();

    fn scalar(self) {
        let ends = self
            .bytes
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n');
        self.out.extend(ends.map(|(place, _)| place as u32));
    }

    #[inline(always)]
    fn vector<V: Vector>(self, v: V) {
        let (chunks, tail) = self.bytes.as_chunks();
        let (last, valid) = padded(tail);
        for (i, chunk) in chunks.iter().enumerate() {
            push_positions(v, v.eq(v.load(chunk), b'\n'), (i * CHUNK) as u32, self.out);
        }
        let rest = v.eq(v.load(&last), b'\n') & valid;
        push_positions(v, rest, (chunks.len() * CHUNK) as u32, self.out);
    }
}

struct Count<'a> {
    bytes: &'a [u8],
}

impl Kernel for Count<'_> {
    type Output = usize;

    fn scalar(self) -> usize {
        self.bytes.iter().filter(|byte| **byte == b'\n').count()
    }

    #[inline(always)]
    fn vector<V: Vector>(self, v: V) -> usize {
        let (chunks, tail) = self.bytes.as_chunks();
        let (last, valid) = padded(tail);
        let mut whole = 0;
        for chunk in chunks {
            whole += v.eq(v.load(chunk), b'\n').count_ones() as usize;
        }
        whole + (v.eq(v.load(&last), b'\n') & valid).count_ones() as usize
    }
}
