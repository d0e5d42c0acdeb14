//! The scan that only asks where the last complete record ends.

use super::Dialect;
use super::quotes::{Masks, Quotes};
use crate::Level;
use crate::search::FindLast;
use crate::vector::{CHUNK, Kernel, Vector, dispatch, padded};

/// Chunks that are looked at together: one bit each in a `u64`.
const GROUP: usize = 64;

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
/// It costs a search for quotes, a closer look at every 64 bytes that have some, and a search for
/// the last newline.
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
        match self.dialect.quote {
            Some(quote) => self.quoted(v, quote),
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
    /// The answer where `quote` is one.
    ///
    /// Of each group of chunks, first it is noted which have quotes; then only those are looked at,
    /// so that no branch depends on whether the next one has any.
    #[inline(always)]
    fn quoted<V: Vector>(self, v: V, quote: u8) -> Boundary {
        let (chunks, tail) = self.bytes.as_chunks();
        let (last, valid) = padded(tail);
        let mut pass = Pass {
            v,
            bytes: self.bytes,
            delimiter: self.dialect.delimiter,
            quote,
            quotes: Quotes::new(),
        };
        for (i, group) in chunks.chunks(GROUP).enumerate() {
            let mut quoted = pass.quotes.closed();
            for (j, chunk) in group.iter().enumerate() {
                quoted |= u64::from(v.eq(v.load(chunk), quote) != 0) << j;
            }
            while quoted != 0 {
                let j = quoted.trailing_zeros() as usize;
                quoted &= quoted - 1;
                let Some(chunk) = group.get(j) else {
                    break;
                };
                pass.step(v.load(chunk), (i * GROUP + j) * CHUNK, !0);
                // What stands behind a closing quote is looked at too.
                quoted |= pass.quotes.closed() << j << 1;
            }
        }
        let base = chunks.len() * CHUNK;
        pass.step(v.load(&last), base, valid);
        let mut inside = u64::from(pass.quotes.open()).wrapping_neg();
        let mut end = pass.last_end(v.load(&last), valid, &mut inside, base);
        for (i, chunk) in chunks.iter().enumerate().rev() {
            if end.is_some() {
                break;
            }
            end = pass.last_end(v.load(chunk), !0, &mut inside, i * CHUNK);
        }
        Boundary {
            last_record_end: end,
            misplaced: pass.quotes.misplaced,
            open_at_end: pass.quotes.open(),
            quotes: pass.quotes.seen(),
        }
    }
}

struct Pass<'a, V> {
    v: V,
    bytes: &'a [u8],
    delimiter: u8,
    quote: u8,
    quotes: Quotes,
}

impl<V: Vector> Pass<'_, V> {
    /// Takes a chunk; those between the last one and this have no quotes.
    #[inline(always)]
    fn step(&mut self, chunk: V::Chunk, base: usize, valid: u64) {
        let v = self.v;
        let before = base.checked_sub(1).map_or(b'\n', |last| self.bytes[last]);
        let opens = before == self.delimiter || before == self.quote || before == b'\n';
        self.quotes.skip_to(opens);
        let masks = Masks {
            quotes: v.eq(chunk, self.quote) & valid,
            separators: (v.eq(chunk, self.delimiter) | v.eq(chunk, b'\n')) & valid,
            valid,
        };
        self.quotes.outside_quoted(v, &masks, chunk, base);
    }

    /// One past the last newline of a chunk that is outside quotes. Before, `inside` is all ones
    /// where the chunk ends inside a quoted field; after, where it begins inside one.
    #[inline(always)]
    fn last_end(
        &self,
        chunk: V::Chunk,
        valid: u64,
        inside: &mut u64,
        base: usize,
    ) -> Option<usize> {
        let parity = self.v.prefix_xor(self.v.eq(chunk, self.quote) & valid);
        *inside ^= ((parity.cast_signed()) >> 63).cast_unsigned();
        let ends = self.v.eq(chunk, b'\n') & valid & !(parity ^ *inside);
        Some(base + ends.checked_ilog2()? as usize + 1)
    }
}
