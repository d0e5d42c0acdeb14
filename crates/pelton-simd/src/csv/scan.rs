//! The scan that writes down every separator.

use super::quotes::{Masks, Quotes};
use super::{Dialect, Structure};
use crate::Level;
use crate::vector::{Kernel, Vector, dispatch, padded, push_positions};

/// Finds every separator of a block that starts at a record's start.
///
/// One pass, whatever the block holds; `out` is overwritten and its room reused.
///
/// ```
/// use pelton_simd::csv::{Dialect, Structure, scan};
///
/// let mut structure = Structure::new();
/// scan(b"a,\"b,\nc\"\nd,e\n", Dialect::CSV, &mut structure);
/// assert_eq!(structure.separators, [u32::MAX, 1, 8, 10, 12]);
/// assert_eq!(structure.row_ends, [2, 4]);
/// assert_eq!(structure.field(0, 1), Some(2..8));
/// ```
///
/// # Panics
///
/// If the block is 4 GiB or longer, or delimiter, quote and newline are not three bytes.
#[inline]
pub fn scan(bytes: &[u8], dialect: Dialect, out: &mut Structure) {
    scan_at(Level::detect(), bytes, dialect, out);
}

/// [`scan`] at a level of choice.
///
/// # Panics
///
/// As [`scan`].
pub fn scan_at(level: Level, bytes: &[u8], dialect: Dialect, out: &mut Structure) {
    dialect.check();
    assert!(
        bytes.len() < u32::MAX as usize,
        "a block must be shorter than 4 GiB"
    );
    out.reset();
    dispatch(
        level,
        Scan {
            bytes,
            dialect,
            out,
        },
    );
}

struct Scan<'a> {
    bytes: &'a [u8],
    dialect: Dialect,
    out: &'a mut Structure,
}

impl Kernel for Scan<'_> {
    type Output = ();

    fn scalar(self) {
        let Self {
            bytes,
            dialect,
            out,
        } = self;
        let separates = |byte| byte == dialect.delimiter || byte == b'\n';
        for (i, &byte) in bytes.iter().enumerate() {
            out.non_ascii |= !byte.is_ascii();
            if Some(byte) == dialect.quote {
                let neighbour = match out.open_at_end {
                    true => bytes.get(i + 1),
                    false => i.checked_sub(1).map(|last| &bytes[last]),
                };
                let placed = neighbour.is_none_or(|&next| {
                    separates(next) || next == byte || out.open_at_end && next == b'\r'
                });
                if !placed && out.misplaced.is_none() {
                    out.misplaced = Some(i);
                }
                out.quotes = true;
                out.open_at_end = !out.open_at_end;
            } else if separates(byte) && !out.open_at_end {
                if byte == b'\n' {
                    out.row_ends.push(out.separators.len() as u32);
                }
                out.separators.push(i as u32);
            }
        }
    }

    #[inline(always)]
    fn vector<V: Vector>(self, v: V) {
        match self.dialect.quote {
            Some(quote) => self.run::<V, true>(v, quote),
            None => self.run::<V, false>(v, 0),
        }
    }
}

impl Scan<'_> {
    #[inline(always)]
    fn run<V: Vector, const QUOTED: bool>(self, v: V, quote: u8) {
        let (chunks, tail) = self.bytes.as_chunks();
        let (last, valid) = padded(tail);
        let mut pass = Pass {
            v,
            delimiter: self.dialect.delimiter,
            quote,
            separators: std::mem::take(&mut self.out.separators),
            row_ends: std::mem::take(&mut self.out.row_ends),
            quotes: Quotes::new(),
            all: v.load(&last),
        };
        for (i, chunk) in chunks.iter().enumerate() {
            pass.step::<QUOTED>(v.load(chunk), i * 64, !0);
        }
        if valid != 0 {
            pass.step::<QUOTED>(v.load(&last), chunks.len() * 64, valid);
        }
        self.out.non_ascii = v.high(pass.all) != 0;
        self.out.open_at_end = pass.quotes.open();
        self.out.quotes = pass.quotes.seen();
        self.out.misplaced = pass.quotes.misplaced;
        self.out.separators = pass.separators;
        self.out.row_ends = pass.row_ends;
    }
}

struct Pass<V: Vector> {
    v: V,
    delimiter: u8,
    /// Of no meaning where a step is not `QUOTED`.
    quote: u8,
    separators: Vec<u32>,
    row_ends: Vec<u32>,
    quotes: Quotes,
    /// All chunks or-ed: their high bits tell whether any byte was past ASCII.
    all: V::Chunk,
}

impl<V: Vector> Pass<V> {
    #[inline(always)]
    fn step<const QUOTED: bool>(&mut self, chunk: V::Chunk, base: usize, valid: u64) {
        let v = self.v;
        self.all = v.or(self.all, chunk);
        let newlines = v.eq(chunk, b'\n');
        let masks = Masks {
            quotes: if QUOTED {
                v.eq(chunk, self.quote) & valid
            } else {
                0
            },
            separators: (v.eq(chunk, self.delimiter) | newlines) & valid,
            valid,
        };
        let outside = self.quotes.outside(v, &masks, chunk, base);
        let separators = masks.separators & outside;
        let rows = v.extract(newlines, separators);
        push_positions(v, rows, self.separators.len() as u32, &mut self.row_ends);
        push_positions(v, separators, base as u32, &mut self.separators);
    }
}
