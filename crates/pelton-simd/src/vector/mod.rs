//! What a kernel may ask of sixty-four bytes, and the one place where a level becomes code.
//!
//! A kernel is written once, over [`Vector`]; [`dispatch`] compiles it for each level.
//! A value of a type that implements `Vector` is the proof that the machine has the instructions:
//! it is made in `run`, which only [`dispatch`] calls, after the look at [`Level::detect`].
//! So the kernels themselves are safe code.
//!
//! Everything a kernel calls must be `#[inline(always)]`, and no operation of a `Vector` may stand
//! in a closure that might be left as a call: it would be compiled without the level's
//! instructions, each of them a call of its own, which is slow (never wrong).

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod digits;
#[cfg(target_arch = "x86_64")]
mod eight_digits;
#[cfg(target_arch = "x86_64")]
mod four_digits;
mod portable;

use crate::Level;
use crate::view::View;
use std::mem::MaybeUninit;

/// Bytes that a kernel takes in one step: one bit each in a `u64`.
pub(crate) const CHUNK: usize = 64;

/// Chunks for whose positions a scan makes room at once. With one alone what is known of the
/// vectors goes to memory and back at every chunk; with many more, a short block makes room that it
/// does not need.
pub(crate) const STRETCH: usize = 16;

/// Room for the positions of one chunk.
pub(crate) type Slots = [MaybeUninit<u32>; CHUNK];

/// A decimal number, read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal {
    pub(crate) minus: bool,
    /// All digits, the point left out; below 10^16.
    pub(crate) size: u64,
    /// How many digits follow the point.
    pub(crate) scale: u8,
    /// There is a point, if only at the end.
    pub(crate) pointed: bool,
}

/// Eight fields of at most eight bytes, read at once.
pub(crate) struct Eight {
    /// All digits of each, the point left out.
    sizes: [u64; 8],
    /// In the byte of each, its lowest bit: whether it is a number.
    numbers: u64,
    /// In the byte of each, any bit: whether it is below zero.
    minus: u64,
    /// In the byte of each, where its point is.
    points: u64,
}

impl Eight {
    /// Field `lane`, if it is a number that could be read here.
    ///
    /// # Panics
    ///
    /// When `lane` is not below 8.
    #[inline(always)]
    pub(crate) fn lane(&self, lane: usize) -> Option<Decimal> {
        let point = (self.points >> (8 * lane)) as u8;
        let decimal = Decimal {
            minus: (self.minus >> (8 * lane)) as u8 != 0,
            size: self.sizes[lane],
            scale: (point.leading_zeros() & 7) as u8,
            pointed: point != 0,
        };
        (self.numbers >> (8 * lane) & 1 == 1).then_some(decimal)
    }
}

/// The instructions of a level, as operations on chunks of 64 bytes and masks of 64 bits.
pub(crate) trait Vector: Copy {
    /// 64 bytes in registers.
    type Chunk: Copy;

    /// Takes the bytes into registers.
    fn load(self, bytes: &[u8; CHUNK]) -> Self::Chunk;

    /// Marks the bytes equal to `byte`.
    fn eq(self, chunk: Self::Chunk, byte: u8) -> u64;

    /// Marks the bytes of 0x80 and above.
    fn high(self, chunk: Self::Chunk) -> u64;

    /// Marks the bytes from `low` to `low + span`, wrapping past 255.
    fn within(self, chunk: Self::Chunk, low: u8, span: u8) -> u64;

    /// Sets the bits of `byte` in every byte.
    fn with_bits(self, chunk: Self::Chunk, byte: u8) -> Self::Chunk;

    /// Bitwise or of two chunks.
    fn or(self, a: Self::Chunk, b: Self::Chunk) -> Self::Chunk;

    /// Bit `i` of the result is the parity of bits `0..=i` of `mask`.
    fn prefix_xor(self, mask: u64) -> u64;

    /// Writes `base + i` for each set bit `i`, in order, and returns how many there are.
    ///
    /// Slots past that number may be written too. `LIKELY` is how many there may well be: up to
    /// there it pays to write without asking.
    fn positions<const LIKELY: usize>(self, mask: u64, base: u32, slots: &mut Slots) -> usize;

    /// The bits of `mask` at the set bits of `among`, moved together at the low end.
    fn extract(self, mask: u64, among: u64) -> u64;

    /// Reads the last `len` of sixteen bytes: digits, perhaps a sign before and a point among them.
    ///
    /// `len` is 1 to 16. `None` for anything else, or where the level has no fast way.
    fn decimal(self, bytes: &[u8; 16], len: usize) -> Option<Decimal>;

    /// [`decimal`](Self::decimal) of four fields, bytes and length each.
    #[inline(always)]
    fn decimals(self, [a, b, c, d]: [(&[u8; 16], usize); 4]) -> [Option<Decimal>; 4] {
        let (a, b) = (self.decimal(a.0, a.1), self.decimal(b.0, b.1));
        [a, b, self.decimal(c.0, c.1), self.decimal(d.0, d.1)]
    }

    /// [`decimal`](Self::decimal) of eight fields of at most eight bytes each, where the level
    /// reads them at once.
    #[inline(always)]
    fn short_decimals(self, _: &[u8], _: &[View; 8]) -> Option<Eight> {
        None
    }
}

/// A computation with one body for all vector levels and a scalar twin.
pub(crate) trait Kernel {
    /// What it computes.
    type Output;

    /// The twin: plain, obvious, and the meaning of the kernel.
    fn scalar(self) -> Self::Output;

    /// The fast form; implementations are `#[inline(always)]`.
    fn vector<V: Vector>(self, v: V) -> Self::Output;
}

/// Runs the kernel at `level`, or at the machine's own where that is lower.
#[inline]
pub(crate) fn dispatch<K: Kernel>(level: Level, kernel: K) -> K::Output {
    match level.min(Level::detect()) {
        Level::Scalar => kernel.scalar(),
        // SAFETY: no level above Scalar is detected unless the machine has its instructions.
        Level::Sse => unsafe { portable::run(kernel) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx2 => unsafe { avx2::run(kernel) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx512 => unsafe { avx512::run(kernel) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => kernel.scalar(),
    }
}

/// The positions by counting trailing zeros, so many at a time that the branch is predictable.
#[inline(always)]
fn positions_by_bits<const GROUP: usize>(mut mask: u64, base: u32, slots: &mut Slots) -> usize {
    let count = mask.count_ones() as usize;
    for group in slots.as_chunks_mut::<GROUP>().0 {
        for slot in group {
            slot.write(base.wrapping_add(mask.trailing_zeros()));
            mask &= mask.wrapping_sub(1);
        }
        if mask == 0 {
            break;
        }
    }
    count
}

/// The bytes that fill no chunk, followed by zeros, and a mask of those that are real.
#[inline(always)]
pub(crate) fn padded(tail: &[u8]) -> ([u8; CHUNK], u64) {
    let mut chunk = [0; CHUNK];
    chunk[..tail.len()].copy_from_slice(tail);
    (chunk, (1 << tail.len()) - 1)
}

/// Appends `base + i` for each set bit `i` of `mask`.
#[inline(always)]
pub(crate) fn push_positions<V: Vector>(v: V, mask: u64, base: u32, out: &mut Vec<u32>) {
    let mut positions = Positions::reserve(out, CHUNK);
    positions.push::<V, 16>(v, mask, base);
    positions.finish();
}

/// Positions written behind those of a `Vec`, with room made once for many masks: what is known of
/// the `Vec` stays in registers meanwhile.
pub(crate) struct Positions<'a> {
    out: &'a mut Vec<u32>,
    /// How many of the slots past the end of `out` are written.
    written: usize,
}

impl<'a> Positions<'a> {
    /// Makes room for the positions of so many bytes.
    #[inline(always)]
    pub(crate) fn reserve(out: &'a mut Vec<u32>, bytes: usize) -> Self {
        out.reserve(bytes + CHUNK);
        Self { out, written: 0 }
    }

    /// Positions so far, those that were there before included.
    #[inline(always)]
    pub(crate) fn len(&self) -> u32 {
        (self.out.len() + self.written) as u32
    }

    /// Appends `base + i` for each set bit `i` of `mask`, of which there may well be `LIKELY`.
    ///
    /// # Panics
    ///
    /// When these are more bytes than there was room made for.
    #[inline(always)]
    pub(crate) fn push<V: Vector, const LIKELY: usize>(&mut self, v: V, mask: u64, base: u32) {
        let rest = &mut self.out.spare_capacity_mut()[self.written..];
        let slots = rest.first_chunk_mut().expect("room was made");
        self.written += v.positions::<LIKELY>(mask, base, slots);
    }

    /// [`push`](Self::push) for masks that seldom have more than four bits: words written one by
    /// one are cheaper than a vector of sixteen.
    ///
    /// # Panics
    ///
    /// When these are more bytes than there was room made for.
    #[inline(always)]
    pub(crate) fn push_few(&mut self, mask: u64, base: u32) {
        let rest = &mut self.out.spare_capacity_mut()[self.written..];
        let slots = rest.first_chunk_mut().expect("room was made");
        self.written += positions_by_bits::<4>(mask, base, slots);
    }

    /// Makes them part of the `Vec`.
    #[inline(always)]
    pub(crate) fn finish(self) {
        // SAFETY: `positions` has written the slots that it has counted, one behind the other.
        unsafe { self.out.set_len(self.out.len() + self.written) };
    }
}
