//! 128-bit vectors by `wide`: the same source for SSE and NEON.

use super::{CHUNK, Decimal, Kernel, Slots, Vector, positions_by_bits};
use wide::u8x16;

/// Proof of 128-bit vectors (and of SSE4.2, POPCNT on x86-64).
#[derive(Clone, Copy)]
pub(super) struct Portable(());

/// Runs the kernel with 128-bit vectors.
///
/// # Safety
///
/// On x86-64, the machine has the instructions named here; elsewhere there is nothing to owe.
#[cfg_attr(
    target_arch = "x86_64",
    target_feature(enable = "sse4.2,popcnt,pclmulqdq")
)]
pub(super) unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.vector(Portable(()))
}

#[inline(always)]
fn mask(lanes: [u8x16; 4]) -> u64 {
    let [a, b, c, d] = lanes.map(|lane| u64::from(lane.to_bitmask()));
    a | b << 16 | c << 32 | d << 48
}

impl Vector for Portable {
    type Chunk = [u8x16; 4];

    #[inline(always)]
    fn load(self, bytes: &[u8; CHUNK]) -> Self::Chunk {
        let (quarters, _) = bytes.as_chunks::<16>();
        [0, 1, 2, 3].map(|i| u8x16::new(quarters[i]))
    }

    #[inline(always)]
    fn eq(self, chunk: Self::Chunk, byte: u8) -> u64 {
        mask(chunk.map(|lane| lane.simd_eq(u8x16::splat(byte))))
    }

    #[inline(always)]
    fn high(self, chunk: Self::Chunk) -> u64 {
        mask(chunk)
    }

    #[inline(always)]
    fn within(self, chunk: Self::Chunk, low: u8, span: u8) -> u64 {
        mask(chunk.map(|lane| {
            let offset = lane - u8x16::splat(low);
            offset.min(u8x16::splat(span)).simd_eq(offset)
        }))
    }

    #[inline(always)]
    fn with_bits(self, chunk: Self::Chunk, byte: u8) -> Self::Chunk {
        chunk.map(|lane| lane | u8x16::splat(byte))
    }

    #[inline(always)]
    fn or(self, a: Self::Chunk, b: Self::Chunk) -> Self::Chunk {
        [0, 1, 2, 3].map(|i| a[i] | b[i])
    }

    #[inline(always)]
    fn prefix_xor(self, mut mask: u64) -> u64 {
        for shift in [1, 2, 4, 8, 16, 32] {
            mask ^= mask << shift;
        }
        mask
    }

    #[inline(always)]
    fn positions<const LIKELY: usize>(self, mask: u64, base: u32, slots: &mut Slots) -> usize {
        positions_by_bits::<8>(mask, base, slots)
    }

    #[inline(always)]
    fn extract(self, mask: u64, mut among: u64) -> u64 {
        let (mut bits, mut place) = (0, 0);
        let mut wanted = mask & among;
        while wanted != 0 {
            let bit = wanted & wanted.wrapping_neg();
            // Everything in `among` below the bit lies below it in the result too.
            place += (among & (bit - 1)).count_ones();
            bits |= 1u64.wrapping_shl(place);
            place += 1;
            among &= !(bit | (bit - 1));
            wanted &= wanted - 1;
        }
        bits
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn decimal(self, bytes: &[u8; 16], len: usize) -> Option<Decimal> {
        // SAFETY: `self` proves SSE4.2, which includes the rest.
        unsafe { super::digits::decimal(bytes, len) }
    }

    #[cfg(not(target_arch = "x86_64"))]
    #[inline(always)]
    fn decimal(self, _: &[u8; 16], _: usize) -> Option<Decimal> {
        None
    }
}
