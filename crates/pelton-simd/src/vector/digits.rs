//! A decimal number of at most sixteen bytes, read in one register.

use super::Decimal;
use std::arch::x86_64::*;

/// Sixteen zeros and sixteen times all ones: a load from place `n` keeps the last `n` bytes.
static KEEP_LAST: [u8; 32] = {
    let mut table = [0; 32];
    let mut i = 16;
    while i < 32 {
        table[i] = 0xff;
        i += 1;
    }
    table
};

/// Row `p` moves the bytes before place `p` up by one, over what stands there; the last row moves
/// nothing.
static CLOSE_GAP: [[u8; 16]; 17] = {
    let mut table = [[0; 16]; 17];
    let mut point = 0;
    while point < 17 {
        let mut i = 0;
        while i < 16 {
            let moved = point < 16 && i <= point;
            table[point][i] = if !moved {
                i as u8
            } else if i == 0 {
                0x80
            } else {
                i as u8 - 1
            };
            i += 1;
        }
        point += 1;
    }
    table
};

/// Reads the last `len` of sixteen bytes; `len` is 1 to 16.
///
/// # Safety
///
/// The machine has SSE4.1 and SSSE3.
#[inline(always)]
pub(super) unsafe fn decimal(bytes: &[u8; 16], len: usize) -> Option<Decimal> {
    let first = 16 - len;
    let sign = bytes[first];
    let signed = (sign == b'-') | (sign == b'+');
    // SAFETY: the caller vouches for the instructions; `bytes` has sixteen bytes, and KEEP_LAST
    // sixteen from place `len` on.
    let (digits, others, points) = unsafe {
        let text = _mm_loadu_si128(bytes.as_ptr().cast());
        let keep = _mm_loadu_si128(KEEP_LAST[len..][..16].as_ptr().cast());
        let values = _mm_xor_si128(text, _mm_set1_epi8(b'0' as i8));
        let is_digit = _mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values);
        let points = _mm_movemask_epi8(_mm_cmpeq_epi8(text, _mm_set1_epi8(b'.' as i8)));
        let others = _mm_movemask_epi8(_mm_andnot_si128(is_digit, keep));
        (
            _mm_and_si128(_mm_and_si128(values, is_digit), keep),
            others,
            points,
        )
    };
    let others = others & !(i32::from(signed) << first);
    let pointed = usize::from(others != 0);
    let well_formed = others & !points == 0 && others & others.wrapping_sub(1) == 0;
    if !well_formed || len == pointed + usize::from(signed) {
        return None;
    }
    let point = (others | 1 << 16).trailing_zeros() as usize;
    // SAFETY: the caller vouches for the instructions, and a row has sixteen bytes.
    let halves = unsafe {
        let closed = _mm_shuffle_epi8(digits, _mm_loadu_si128(CLOSE_GAP[point].as_ptr().cast()));
        let pairs = _mm_maddubs_epi16(closed, _mm_set1_epi16(0x010a));
        let fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x0001_0064));
        let packed = _mm_packus_epi32(fours, fours);
        _mm_cvtsi128_si64(_mm_madd_epi16(packed, _mm_set1_epi32(0x0001_2710))).cast_unsigned()
    };
    let size = (halves & 0xffff_ffff) * 100_000_000 + (halves >> 32);
    let scale = 15usize.saturating_sub(point) as u8;
    Some(Decimal {
        minus: sign == b'-',
        size,
        scale,
        pointed: pointed == 1,
    })
}
