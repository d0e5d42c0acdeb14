//! The scan and its twin.

use super::Structure;
use super::escapes::escaped;
use crate::Level;
use crate::vector::{CHUNK, Kernel, Positions, STRETCH, Vector, dispatch, padded};

/// Finds the structure of a block of JSON lines that starts at a line's start.
///
/// ```
/// use pelton_simd::json::{Structure, scan};
///
/// let mut structure = Structure::new();
/// scan(b"{\"a\":[1,\"x,\"]}\n", &mut structure);
/// assert_eq!(structure.line(0), [0, 1, 3, 4, 5, 7, 8, 11, 12, 13]);
/// ```
///
/// # Panics
///
/// If the block is 4 GiB or longer.
#[inline]
pub fn scan(bytes: &[u8], out: &mut Structure) {
    scan_at(Level::detect(), bytes, out);
}

/// [`scan`] at a level of choice.
///
/// # Panics
///
/// As [`scan`].
pub fn scan_at(level: Level, bytes: &[u8], out: &mut Structure) {
    assert!(
        bytes.len() < u32::MAX as usize,
        "a block must be shorter than 4 GiB"
    );
    out.reset();
    dispatch(level, Scan { bytes, out });
}

struct Scan<'a> {
    bytes: &'a [u8],
    out: &'a mut Structure,
}

impl Kernel for Scan<'_> {
    type Output = ();

    fn scalar(self) {
        let Self { bytes, out } = self;
        let mut escaped = false;
        for (i, &byte) in bytes.iter().enumerate() {
            out.non_ascii |= !byte.is_ascii();
            out.escapes |= byte == b'\\';
            out.controls |= byte < b' ' && byte != b'\n';
            let part = match byte {
                b'\n' => {
                    if out.open_at_end && out.unclosed.is_none() {
                        out.unclosed = Some(i);
                    }
                    out.open_at_end = false;
                    out.line_ends.push(out.positions.len() as u32);
                    true
                }
                b'"' if !escaped => {
                    out.open_at_end = !out.open_at_end;
                    true
                }
                b'{' | b'}' | b'[' | b']' | b':' | b',' => !out.open_at_end,
                _ => false,
            };
            out.positions.extend(part.then_some(i as u32));
            escaped = byte == b'\\' && !escaped;
        }
    }

    #[inline(always)]
    fn vector<V: Vector>(self, v: V) {
        let Self { bytes, out } = self;
        let (chunks, tail) = bytes.as_chunks();
        let (last, valid) = padded(tail);
        let mut pass = Pass {
            v,
            all: v.load(&last),
            backslashes: 0,
            controls: 0,
            escape_next: 0,
            inside: 0,
            unclosed: None,
        };
        for (i, stretch) in chunks.chunks(STRETCH).enumerate() {
            let mut places = Places::reserve(out, stretch.len() * CHUNK);
            for (j, chunk) in stretch.iter().enumerate() {
                let base = (i * STRETCH + j) * CHUNK;
                pass.step(v.load(chunk), base, !0, &mut places);
            }
            places.finish();
        }
        if valid != 0 {
            let mut places = Places::reserve(out, CHUNK);
            pass.step(v.load(&last), chunks.len() * CHUNK, valid, &mut places);
            places.finish();
        }
        out.non_ascii = v.high(pass.all) != 0;
        out.escapes = pass.backslashes != 0;
        out.controls = pass.controls != 0;
        out.unclosed = pass.unclosed;
        out.open_at_end = pass.inside != 0;
    }
}

/// Where a stretch writes what it finds.
struct Places<'a> {
    positions: Positions<'a>,
    line_ends: Positions<'a>,
}

impl<'a> Places<'a> {
    #[inline(always)]
    fn reserve(out: &'a mut Structure, bytes: usize) -> Self {
        Self {
            positions: Positions::reserve(&mut out.positions, bytes),
            line_ends: Positions::reserve(&mut out.line_ends, bytes),
        }
    }

    #[inline(always)]
    fn finish(self) {
        self.positions.finish();
        self.line_ends.finish();
    }
}

struct Pass<V: Vector> {
    v: V,
    /// All chunks or-ed: their high bits tell whether any byte was past ASCII.
    all: V::Chunk,
    /// All backslash masks or-ed.
    backslashes: u64,
    /// All masks of control characters or-ed, newlines left out.
    controls: u64,
    /// One if the first byte of the next chunk is escaped.
    escape_next: u64,
    /// All ones inside a string, else zero.
    inside: u64,
    unclosed: Option<usize>,
}

impl<V: Vector> Pass<V> {
    #[inline(always)]
    fn step(&mut self, chunk: V::Chunk, base: usize, valid: u64, places: &mut Places<'_>) {
        let v = self.v;
        self.all = v.or(self.all, chunk);
        // The zeros of the padding are controls, and no part of anything else.
        let newlines = v.eq(chunk, b'\n');
        self.controls |= v.within(chunk, 0, b' ' - 1) & !newlines & valid;
        let backslashes = v.eq(chunk, b'\\');
        self.backslashes |= backslashes;
        let quotes = v.eq(chunk, b'"') & !escaped(backslashes, &mut self.escape_next);
        let mut inside = v.prefix_xor(quotes) ^ self.inside;
        if inside & newlines != 0 {
            inside = self.close(inside, newlines, base);
        }
        self.inside = ((inside.cast_signed()) >> 63).cast_unsigned();
        // `[` and `{` differ in one bit, and so do `]` and `}`.
        let folded = v.with_bits(chunk, 0x20);
        let brackets = v.eq(folded, b'{') | v.eq(folded, b'}');
        let parts = brackets | v.eq(chunk, b':') | v.eq(chunk, b',');
        let all = parts & !inside | quotes | newlines;
        let lines = v.extract(newlines, all);
        places.line_ends.push_few(lines, places.positions.len());
        // Plain records have about twenty in each chunk.
        places.positions.push::<V, 32>(v, all, base as u32);
    }

    /// Closes at each newline the string that is open there; returns what is inside strings then.
    #[inline(always)]
    fn close(&mut self, mut inside: u64, newlines: u64, base: usize) -> u64 {
        let mut open = inside & newlines;
        while open != 0 {
            let place = open.trailing_zeros();
            self.unclosed.get_or_insert(base + place as usize);
            let from_here = !0 << place;
            inside ^= from_here;
            open = inside & newlines & from_here;
        }
        inside
    }
}
