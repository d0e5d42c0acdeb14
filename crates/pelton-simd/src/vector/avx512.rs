//! 512-bit vectors: a chunk is one register, a mask one instruction, and positions are compressed.

use super::{CHUNK, Decimal, Eight, Kernel, Slots, Vector};
use crate::view::View;
use std::arch::x86_64::*;

/// Proof of AVX-512 F, BW, DQ, VL, VBMI, VBMI2 and of all that AVX2 is asked for.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

/// Runs the kernel with 512-bit vectors.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2")]
pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.vector(Avx512(()))
}

/// Each byte's own place in the chunk.
static PLACES: [u8; CHUNK] = {
    let mut places = [0; CHUNK];
    let mut i = 0;
    while i < CHUNK {
        places[i] = i as u8;
        i += 1;
    }
    places
};

impl Vector for Avx512 {
    type Chunk = __m512i;

    #[inline(always)]
    fn load(self, bytes: &[u8; CHUNK]) -> __m512i {
        // SAFETY: 64 readable bytes, no alignment needed, and `self` proves the instruction.
        unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
    }

    #[inline(always)]
    fn eq(self, chunk: __m512i, byte: u8) -> u64 {
        // SAFETY: `self` proves the instructions.
        unsafe { _mm512_cmpeq_epi8_mask(chunk, _mm512_set1_epi8(byte.cast_signed())) }
    }

    #[inline(always)]
    fn high(self, chunk: __m512i) -> u64 {
        // SAFETY: `self` proves the instruction.
        unsafe { _mm512_movepi8_mask(chunk) }
    }

    #[inline(always)]
    fn within(self, chunk: __m512i, low: u8, span: u8) -> u64 {
        // SAFETY: `self` proves the instructions.
        unsafe {
            let offset = _mm512_sub_epi8(chunk, _mm512_set1_epi8(low.cast_signed()));
            _mm512_cmple_epu8_mask(offset, _mm512_set1_epi8(span.cast_signed()))
        }
    }

    #[inline(always)]
    fn with_bits(self, chunk: __m512i, byte: u8) -> __m512i {
        // SAFETY: `self` proves the instructions.
        unsafe { _mm512_or_si512(chunk, _mm512_set1_epi8(byte.cast_signed())) }
    }

    #[inline(always)]
    fn or(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: `self` proves the instruction.
        unsafe { _mm512_or_si512(a, b) }
    }

    #[inline(always)]
    fn prefix_xor(self, mask: u64) -> u64 {
        // SAFETY: `self` proves the instructions.
        unsafe {
            let ones = _mm_set1_epi8(-1);
            let product = _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, mask.cast_signed()), ones);
            _mm_cvtsi128_si64(product).cast_unsigned()
        }
    }

    #[inline(always)]
    fn positions<const LIKELY: usize>(self, mask: u64, base: u32, slots: &mut Slots) -> usize {
        let count = mask.count_ones() as usize;
        // SAFETY: `self` proves the instructions; PLACES has 64 bytes.
        let places =
            unsafe { _mm512_maskz_compress_epi8(mask, _mm512_loadu_si512(PLACES.as_ptr().cast())) };
        // SAFETY: `self` proves the instructions.
        let base = unsafe { _mm512_set1_epi32(base.cast_signed()) };
        let mut rest = places;
        for (i, group) in slots.as_chunks_mut::<16>().0.iter_mut().enumerate() {
            if i > 0 {
                if LIKELY <= 16 * i && count <= 16 * i {
                    break;
                }
                // SAFETY: `self` proves the instruction; it drops the sixteen lowest bytes.
                rest = unsafe { _mm512_alignr_epi32::<4>(_mm512_setzero_si512(), rest) };
            }
            // SAFETY: `self` proves the instructions; a group is sixteen slots of four bytes.
            unsafe {
                let wide = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(rest));
                _mm512_storeu_si512(group.as_mut_ptr().cast(), _mm512_add_epi32(wide, base));
            }
        }
        count
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

    #[inline(always)]
    fn decimals(self, fields: [(&[u8; 16], usize); 4]) -> [Option<Decimal>; 4] {
        // SAFETY: `self` proves the instructions.
        unsafe { super::four_digits::decimals(fields) }
    }

    #[inline(always)]
    fn short_decimals(self, block: &[u8], views: &[View; 8]) -> Option<Eight> {
        // SAFETY: `self` proves the instructions.
        unsafe { super::eight_digits::decimals(block, views) }
    }
}
