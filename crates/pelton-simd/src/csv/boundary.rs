//! The scan that only asks where the last complete record ends.

use super::Dialect;
use super::quotes::{Masks, Quotes};
use crate::Level;
use crate::search::{Find, FindLast};
use crate::vector::{CHUNK, Kernel, Vector, dispatch, padded};

/// Where the complete records of a block end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Boundary {
    /// One past the newline of the last complete record; `None` if no record is complete.
    pub last_record_end: Option<usize>,
    /// As [`Structure::misplaced`](super::Structure::misplaced).
    pub misplaced: Option<usize>,
    /// The block ends inside a quoted field.
    pub open_at_end: bool,
    /// The block holds a quote somewhere.
    pub quotes: bool,
}

/// Finds the end of the last complete record of a block that starts at a record's start.
///
/// A block without quotes costs a search for one and a search for the last newline; from the
/// first quote on it costs about half of [`scan`](super::scan).
///
/// ```
/// use pelton_simd::csv::{Dialect, boundary};
///
/// let block = b"a,b\n1,\"two\nlines\"\n2,\"cut off he";
/// assert_eq!(boundary(block, Dialect::CSV).last_record_end, Some(18));
/// ```
///
/// # Panics
///
/// If delimiter, quote and newline are not three bytes.
#[inline]
#[must_use]
pub fn boundary(bytes: &[u8], dialect: Dialect) -> Boundary {
    boundary_at(Level::detect(), bytes, dialect)
}

/// [`boundary`] at a level of choice.
///
/// # Panics
///
/// As [`boundary`].
#[must_use]
pub fn boundary_at(level: Level, bytes: &[u8], dialect: Dialect) -> Boundary {
    dialect.check();
    dispatch(level, Search { bytes, dialect })
}

struct Search<'a> {
    bytes: &'a [u8],
    dialect: Dialect,
}

impl Kernel for Search<'_> {
    type Output = Boundary;

    fn scalar(self) -> Boundary {
        let mut structure = super::Structure::new();
        super::scan_at(Level::Scalar, self.bytes, self.dialect, &mut structure);
        let last = structure.row_ends.last();
        Boundary {
            last_record_end: last.map(|&end| structure.separators[end as usize] as usize + 1),
            misplaced: structure.misplaced,
            open_at_end: structure.open_at_end,
            quotes: structure.quotes,
        }
    }

    #[inline(always)]
    fn vector<V: Vector>(self, v: V) -> Boundary {
        let find = |byte| {
            Find {
                bytes: self.bytes,
                byte,
            }
            .vector(v)
        };
        match self
            .dialect
            .quote
            .and_then(|quote| Some((quote, find(quote)?)))
        {
            Some((quote, first)) => self.quoted(v, quote, first),
            None => Boundary {
                last_record_end: last_line(v, self.bytes),
                ..Boundary::default()
            },
        }
    }
}

#[inline(always)]
fn last_line<V: Vector>(v: V, bytes: &[u8]) -> Option<usize> {
    FindLast { bytes, byte: b'\n' }
        .vector(v)
        .map(|last| last + 1)
}

impl Search<'_> {
    /// The answer for a block whose first quote is at `first`.
    #[inline(always)]
    fn quoted<V: Vector>(self, v: V, quote: u8, first: usize) -> Boundary {
        // The chunk before the first quote is scanned too: its last byte may not allow a quote.
        let start = (first / CHUNK * CHUNK).saturating_sub(CHUNK);
        let (chunks, tail) = self.bytes[start..].as_chunks();
        let (last, valid) = padded(tail);
        let mut pass = Pass {
            v,
            delimiter: self.dialect.delimiter,
            quote,
            quotes: Quotes::new(),
            newlines: 0,
            newlines_base: start,
        };
        for (i, chunk) in chunks.iter().enumerate() {
            pass.step(v.load(chunk), start + i * CHUNK, !0);
        }
        if valid != 0 {
            pass.step(v.load(&last), start + chunks.len() * CHUNK, valid);
        }
        Boundary {
            last_record_end: pass.end().or_else(|| last_line(v, &self.bytes[..start])),
            misplaced: pass.quotes.misplaced,
            open_at_end: pass.quotes.open(),
            quotes: true,
        }
    }
}

struct Pass<V> {
    v: V,
    delimiter: u8,
    quote: u8,
    quotes: Quotes,
    /// The record ends of the last chunk that had any, and where it starts.
    newlines: u64,
    newlines_base: usize,
}

impl<V: Vector> Pass<V> {
    #[inline(always)]
    fn step(&mut self, chunk: V::Chunk, base: usize, valid: u64) {
        let v = self.v;
        let newlines = v.eq(chunk, b'\n') & valid;
        let masks = Masks {
            quotes: v.eq(chunk, self.quote) & valid,
            separators: (v.eq(chunk, self.delimiter) & valid) | newlines,
            valid,
        };
        let ends = newlines & self.quotes.outside_quoted(v, &masks, chunk, base);
        if ends != 0 {
            self.newlines = ends;
            self.newlines_base = base;
        }
    }

    #[inline(always)]
    fn end(&self) -> Option<usize> {
        let last = self.newlines.checked_ilog2()?;
        Some(self.newlines_base + last as usize + 1)
    }
}
