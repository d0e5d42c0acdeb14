//! 256-bit vectors.

use super::{CHUNK, Decimal, Kernel, Slots, Vector, positions_by_bits};
use std::arch::x86_64::*;

/// Proof of AVX2, BMI1, BMI2, LZCNT, POPCNT and PCLMULQDQ.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

/// Runs the kernel with 256-bit vectors.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.vector(Avx2(()))
}

#[inline(always)]
fn mask([low, high]: [__m256i; 2]) -> u64 {
    // SAFETY: only called with chunks, which an `Avx2` has made.
    let (low, high) = unsafe { (_mm256_movemask_epi8(low), _mm256_movemask_epi8(high)) };
    u64::from(low.cast_unsigned()) | u64::from(high.cast_unsigned()) << 32
}

// No closures here: what a closure calls is not inlined for certain, and a vector instruction that
// is a call of its own costs twenty times as much.
impl Vector for Avx2 {
    type Chunk = [__m256i; 2];

    #[inline(always)]
    fn load(self, bytes: &[u8; CHUNK]) -> Self::Chunk {
        let at = bytes.as_ptr().cast::<__m256i>();
        // SAFETY: two times 32 readable bytes, no alignment needed, and `self` proves the
        // instruction.
        unsafe { [_mm256_loadu_si256(at), _mm256_loadu_si256(at.add(1))] }
    }

    #[inline(always)]
    fn eq(self, [a, b]: Self::Chunk, byte: u8) -> u64 {
        // SAFETY: `self` proves the instructions.
        unsafe {
            let byte = _mm256_set1_epi8(byte.cast_signed());
            mask([_mm256_cmpeq_epi8(a, byte), _mm256_cmpeq_epi8(b, byte)])
        }
    }

    #[inline(always)]
    fn high(self, chunk: Self::Chunk) -> u64 {
        mask(chunk)
    }

    #[inline(always)]
    fn within(self, [a, b]: Self::Chunk, low: u8, span: u8) -> u64 {
        // SAFETY: `self` proves the instructions.
        unsafe {
            let low = _mm256_set1_epi8(low.cast_signed());
            let span = _mm256_set1_epi8(span.cast_signed());
            let (a, b) = (_mm256_sub_epi8(a, low), _mm256_sub_epi8(b, low));
            let (least_a, least_b) = (_mm256_min_epu8(a, span), _mm256_min_epu8(b, span));
            mask([_mm256_cmpeq_epi8(a, least_a), _mm256_cmpeq_epi8(b, least_b)])
        }
    }

    #[inline(always)]
    fn with_bits(self, chunk: Self::Chunk, byte: u8) -> Self::Chunk {
        // SAFETY: `self` proves the instruction.
        let bits = unsafe { _mm256_set1_epi8(byte.cast_signed()) };
        self.or(chunk, [bits, bits])
    }

    #[inline(always)]
    fn or(self, [a, b]: Self::Chunk, [c, d]: Self::Chunk) -> Self::Chunk {
        // SAFETY: `self` proves the instruction.
        unsafe { [_mm256_or_si256(a, c), _mm256_or_si256(b, d)] }
    }

    #[inline(always)]
    fn prefix_xor(self, mask: u64) -> u64 {
        // SAFETY: `self` proves the instructions.
        let product = unsafe {
            let ones = _mm_set1_epi8(-1);
            _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, mask.cast_signed()), ones)
        };
        // SAFETY: SSE2 is part of x86-64.
        unsafe { _mm_cvtsi128_si64(product) }.cast_unsigned()
    }

    #[inline(always)]
    fn positions<const LIKELY: usize>(self, mask: u64, base: u32, slots: &mut Slots) -> usize {
        positions_by_bits::<8>(mask, base, slots)
    }

    #[inline(always)]
    fn extract(self, mask: u64, among: u64) -> u64 {
        // SAFETY: `self` proves BMI2.
        unsafe { _pext_u64(mask, among) }
    }

    #[inline(always)]
    fn decimal(self, bytes: &[u8; 16], len: usize) -> Option<Decimal> {
        // SAFETY: `self` proves AVX2, which includes SSE4.1 and SSSE3.
        unsafe { super::digits::decimal(bytes, len) }
    }
}
