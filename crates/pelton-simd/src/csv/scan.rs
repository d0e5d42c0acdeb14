//! The scan that writes down every separator.

use super::quotes::{Masks, Quotes};
use super::{Dialect, Structure};
use crate::Level;
use crate::vector::{CHUNK, Kernel, Positions, STRETCH, Vector, dispatch, padded};

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
            out.returns |= byte == b'\r';
            out.newlines += u64::from(byte == b'\n');
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
                let before = out.separators.len() as u32 - 1;
                if !out.open_at_end && out.separators[before as usize].wrapping_add(1) == i as u32 {
                    out.quoted.push(before);
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
        let Self {
            bytes,
            dialect,
            out,
        } = self;
        let (chunks, tail) = bytes.as_chunks();
        let (last, valid) = padded(tail);
        let mut pass = Pass {
            v,
            delimiter: dialect.delimiter,
            quote,
            quotes: Quotes::new(),
            newlines: 0,
            returns: 0,
            all: v.load(&last),
        };
        for (i, stretch) in chunks.chunks(STRETCH).enumerate() {
            let mut places = Places::reserve(out, stretch.len() * CHUNK);
            for (j, chunk) in stretch.iter().enumerate() {
                let base = (i * STRETCH + j) * CHUNK;
                pass.step::<QUOTED>(v.load(chunk), base, !0, &mut places);
            }
            places.finish();
        }
        if valid != 0 {
            let mut places = Places::reserve(out, CHUNK);
            pass.step::<QUOTED>(v.load(&last), chunks.len() * CHUNK, valid, &mut places);
            places.finish();
        }
        out.non_ascii = v.high(pass.all) != 0;
        out.open_at_end = pass.quotes.open();
        out.quotes = pass.quotes.seen();
        out.misplaced = pass.quotes.misplaced;
        out.newlines = pass.newlines;
        out.returns = pass.returns != 0;
    }
}

/// Where a stretch writes what it finds.
struct Places<'a> {
    separators: Positions<'a>,
    row_ends: Positions<'a>,
    quoted: Positions<'a>,
}

impl<'a> Places<'a> {
    #[inline(always)]
    fn reserve(out: &'a mut Structure, bytes: usize) -> Self {
        Self {
            separators: Positions::reserve(&mut out.separators, bytes),
            row_ends: Positions::reserve(&mut out.row_ends, bytes),
            quoted: Positions::reserve(&mut out.quoted, bytes),
        }
    }

    #[inline(always)]
    fn finish(self) {
        self.separators.finish();
        self.row_ends.finish();
        self.quoted.finish();
    }
}

struct Pass<V: Vector> {
    v: V,
    delimiter: u8,
    /// Of no meaning where a step is not `QUOTED`.
    quote: u8,
    quotes: Quotes,
    newlines: u64,
    /// All masks of carriage returns or-ed.
    returns: u64,
    /// All chunks or-ed: their high bits tell whether any byte was past ASCII.
    all: V::Chunk,
}

impl<V: Vector> Pass<V> {
    #[inline(always)]
    fn step<const QUOTED: bool>(
        &mut self,
        chunk: V::Chunk,
        base: usize,
        valid: u64,
        places: &mut Places<'_>,
    ) {
        let v = self.v;
        self.all = v.or(self.all, chunk);
        self.returns |= v.eq(chunk, b'\r') & valid;
        let newlines = v.eq(chunk, b'\n') & valid;
        self.newlines += u64::from(newlines.count_ones());
        let masks = Masks {
            quotes: if QUOTED {
                v.eq(chunk, self.quote) & valid
            } else {
                0
            },
            separators: (v.eq(chunk, self.delimiter) & valid) | newlines,
            valid,
        };
        let starts = self.quotes.starts();
        let outside = self.quotes.outside(v, &masks, chunk, base);
        let separators = masks.separators & outside;
        if QUOTED && masks.quotes != 0 {
            let fields = separators << 1 | starts;
            let opened = v.extract(masks.quotes & !outside, fields);
            let first = places.separators.len() - starts as u32;
            places.quoted.push_few(opened, first);
        }
        let rows = v.extract(newlines, separators);
        places.row_ends.push_few(rows, places.separators.len());
        places.separators.push::<V, 16>(v, separators, base as u32);
    }
}
