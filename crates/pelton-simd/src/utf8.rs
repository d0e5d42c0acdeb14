//! UTF-8: is a block valid, and if not, up to where.

use crate::Level;
use crate::vector::{CHUNK, Kernel, Vector, dispatch, padded};

/// Chunks that are looked at together: one bit each in a `u64`.
const GROUP: usize = 64;
/// Chunks of a group that are not all ASCII, from which on they are the rule.
const DENSE: u32 = 48;

/// Checks that the bytes are UTF-8.
///
/// In most files a few bytes are past ASCII, here and there. So it is noted first which stretches
/// of 64 have any, and only those are looked at: no branch depends on whether the next one has. A
/// stretch is compared as masks: each byte that continues a character must stand where one is
/// expected, and nowhere else. Where nearly all stretches have such bytes the rest is left to
/// [simdutf8](https://docs.rs/simdutf8) (Keiser and Lemire, "Validating UTF-8 in less than one
/// instruction per byte", 2021), which takes half the time there, and three times as much where
/// they are few.
///
/// ```
/// use pelton_simd::utf8::validate;
///
/// assert_eq!(validate("grün".as_bytes()), Ok(()));
/// assert_eq!(validate(b"gr\xfcn"), Err(2));
/// ```
///
/// # Errors
///
/// The number of bytes before the first that belongs to no character.
#[inline]
pub fn validate(bytes: &[u8]) -> Result<(), usize> {
    validate_at(Level::detect(), bytes)
}

/// [`validate`] at a level of choice.
///
/// # Errors
///
/// As [`validate`].
pub fn validate_at(level: Level, bytes: &[u8]) -> Result<(), usize> {
    // The quick check does not say where it failed; the careful one is asked only then.
    match dispatch(level, Check { bytes }) {
        true => Ok(()),
        false => {
            std::str::from_utf8(bytes).map_or_else(|error| Err(error.valid_up_to()), |_| Ok(()))
        }
    }
}

struct Check<'a> {
    bytes: &'a [u8],
}

impl Kernel for Check<'_> {
    type Output = bool;

    fn scalar(self) -> bool {
        std::str::from_utf8(self.bytes).is_ok()
    }

    #[inline(always)]
    fn vector<V: Vector>(self, v: V) -> bool {
        let (chunks, tail) = self.bytes.as_chunks::<CHUNK>();
        let mut pass = Pass {
            v,
            expected: 0,
            choosy: [0; 4],
            faults: 0,
        };
        for (number, group) in chunks.chunks(GROUP).enumerate() {
            let mut foreign = 0;
            for (i, chunk) in group.iter().enumerate() {
                foreign |= u64::from(v.high(v.load(chunk)) != 0) << i;
            }
            if foreign.count_ones() >= DENSE {
                let start = self.character_at(number * GROUP * CHUNK);
                return pass.faults == 0
                    && simdutf8::basic::from_utf8(&self.bytes[start..]).is_ok();
            }
            pass.group(group, foreign);
        }
        // What the tail begins and does not end is missing from the zeros behind it.
        let (last, _) = padded(tail);
        pass.chunk(v.load(&last));
        pass.faults == 0
    }
}

impl Check<'_> {
    /// Where the character begins that the byte at `at` may belong to.
    fn character_at(&self, at: usize) -> usize {
        let longest = at.saturating_sub(3)..at;
        let begins = |&at: &usize| self.bytes[at] >= 0xc0;
        longest.rev().find(begins).unwrap_or(at)
    }
}

struct Pass<V> {
    v: V,
    /// Which of the next bytes must continue the last character, from the lowest bit on.
    expected: u64,
    /// The last byte was one of 0xe0, 0xed, 0xf0 and 0xf4, each of which is choosy about the next.
    /// Of meaning only where more than one byte is expected.
    choosy: [u64; 4],
    /// Any bit says that the bytes are no UTF-8.
    faults: u64,
}

impl<V: Vector> Pass<V> {
    /// Checks a group of which the chunks marked in `foreign` are not all ASCII.
    #[inline(always)]
    fn group(&mut self, group: &[[u8; CHUNK]], foreign: u64) {
        let mut left = foreign;
        // Beyond the group nothing is known: the next one looks for itself.
        let ascii = !foreign & (!0 >> (GROUP - group.len()));
        self.end_where(ascii & 1);
        while left != 0 {
            let i = left.trailing_zeros() as usize;
            left &= left - 1;
            self.chunk(self.v.load(&group[i]));
            self.end_where(ascii >> i >> 1 & 1);
        }
    }

    /// Where `ascii` is one and not zero, the next chunk is, and continues no character.
    #[inline(always)]
    const fn end_where(&mut self, ascii: u64) {
        let mask = ascii.wrapping_neg();
        self.faults |= self.expected & mask;
        self.expected &= !mask;
    }

    /// Checks the next chunk.
    #[inline(always)]
    fn chunk(&mut self, chunk: V::Chunk) {
        let v = self.v;
        let high = v.high(chunk);
        let continues = v.within(chunk, 0x80, 0x3f);
        let two = v.within(chunk, 0xc2, 0x1d);
        if continues | two != high || self.expected > 1 {
            return self.long(chunk, high, continues, two);
        }
        self.faults |= continues ^ (two << 1 | self.expected);
        self.expected = two >> 63;
    }

    /// [`chunk`](Self::chunk) with characters of three or four bytes, or bytes that begin none.
    #[inline(always)]
    fn long(&mut self, chunk: V::Chunk, high: u64, continues: u64, two: u64) {
        let v = self.v;
        let (three, four) = (v.within(chunk, 0xe0, 0x0f), v.within(chunk, 0xf0, 0x04));
        let (begins, third) = (two | three | four, three | four);
        let expected = begins << 1 | third << 2 | four << 3 | self.expected;
        self.faults |= high ^ (continues | begins);
        self.faults |= continues ^ expected;
        self.expected = begins >> 63 | third >> 62 | four >> 61;
        let choosy = [
            v.eq(chunk, 0xe0),
            v.eq(chunk, 0xed),
            v.eq(chunk, 0xf0),
            v.eq(chunk, 0xf4),
        ];
        let (low, lowest) = (v.within(chunk, 0x80, 0x1f), v.within(chunk, 0x80, 0x0f));
        // What would be shorter otherwise, a surrogate, shorter again, and past the last character.
        let refused = [low, continues & !low, lowest, continues & !lowest];
        for i in 0..4 {
            self.faults |= (choosy[i] << 1 | self.choosy[i]) & refused[i];
            self.choosy[i] = choosy[i] >> 63;
        }
    }
}
