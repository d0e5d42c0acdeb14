//! Eight decimal numbers of at most eight bytes each, read in one 512-bit register.
//!
//! As [`four_digits`](super::four_digits), with a lane of 64 bits, and eight bits of a mask, for
//! each number: most numbers of a file are this short.

use super::Eight;
use crate::view::View;
use std::arch::x86_64::*;

/// The lowest bit of each lane of a mask.
const LOW: u64 = 0x0101_0101_0101_0101;

/// The lowest bit of each lane that has any bit set.
#[inline(always)]
const fn lanes_with_any(mask: u64) -> u64 {
    let rest = LOW.wrapping_mul(0x7f);
    (((mask & rest) + rest) | mask) >> 7 & LOW
}

/// The eight bytes that end where each view ends, if all views have one to eight and that many
/// bytes of the block before their ends.
#[inline(always)]
fn words(block: &[u8], views: &[View; 8]) -> Option<[u64; 8]> {
    let longest = views
        .iter()
        .fold(0, |longest, view| longest.max(view.len.wrapping_sub(1)));
    if longest >= 8 {
        return None;
    }
    let mut words = [0; 8];
    for (word, view) in words.iter_mut().zip(views) {
        let end = view.start as usize + view.len as usize;
        *word = u64::from_le_bytes(*block.get(..end)?.last_chunk()?);
    }
    Some(words)
}

/// Reads eight fields; `None` if they are not all short.
///
/// # Safety
///
/// The machine has AVX-512 F and BW.
#[inline(always)]
pub(super) unsafe fn decimals(block: &[u8], views: &[View; 8]) -> Option<Eight> {
    let words = words(block, views)?;
    // SAFETY: the caller vouches for the instructions, and `words` for the lengths.
    let (values, classes) = unsafe { classify(&words, views) };
    let Classes {
        keep,
        digits,
        points,
        minus,
    } = classes;
    let others = keep & !digits & !minus;
    let below = others - lanes_with_any(others);
    let wrong = lanes_with_any(others & !points | others & below);
    let numbers = lanes_with_any(keep & digits) & !wrong;
    // SAFETY: the caller vouches for the instructions.
    let sizes = unsafe { combine(values, digits, others | below) };
    Some(Eight {
        sizes,
        numbers,
        minus,
        points: others,
    })
}

/// What the bytes of eight fields are, a bit each.
struct Classes {
    /// Bytes of a field; the others count as digits.
    keep: u64,
    digits: u64,
    points: u64,
    /// Minus signs at the start of a field; one with a plus is left to slower ways.
    minus: u64,
}

/// The values of the digits, with zeros before each field, and what the bytes are.
///
/// # Safety
///
/// As [`decimals`]; the lengths of `views` are 1 to 8.
#[inline(always)]
unsafe fn classify(words: &[u64; 8], views: &[View; 8]) -> (__m512i, Classes) {
    // SAFETY: the caller vouches for the instructions; both arrays have 64 bytes, and a view is
    // its start in the lower and its length in the upper half of a lane.
    unsafe {
        let lengths = _mm512_srli_epi64::<32>(_mm512_loadu_si512(views.as_ptr().cast()));
        let before = _mm512_sub_epi64(_mm512_set1_epi64(64), _mm512_slli_epi64::<3>(lengths));
        let keep = _mm512_sllv_epi64(_mm512_set1_epi64(-1), before);
        let first = _mm512_andnot_si512(_mm512_slli_epi64::<8>(keep), keep);
        let text = _mm512_loadu_si512(words.as_ptr().cast());
        let values = _mm512_xor_si512(text, _mm512_set1_epi8(b'0' as i8));
        let values = _mm512_and_si512(values, keep);
        let minus = _mm512_cmpeq_epi8_mask(values, _mm512_set1_epi8((b'-' ^ b'0') as i8));
        let classes = Classes {
            keep: _mm512_movepi8_mask(keep),
            digits: _mm512_cmplt_epu8_mask(values, _mm512_set1_epi8(10)),
            points: _mm512_cmpeq_epi8_mask(values, _mm512_set1_epi8((b'.' ^ b'0') as i8)),
            minus: minus & _mm512_movepi8_mask(first),
        };
        (values, classes)
    }
}

/// The number of each lane's `digits`, once the bytes at `moved` have moved up by one.
///
/// # Safety
///
/// As [`decimals`].
#[inline(always)]
unsafe fn combine(values: __m512i, digits: u64, moved: u64) -> [u64; 8] {
    let mut sizes = [0; 8];
    // SAFETY: the caller vouches for the instructions; `sizes` has 64 bytes.
    unsafe {
        let digits = _mm512_maskz_mov_epi8(digits, values);
        let up = _mm512_slli_epi64::<8>(digits);
        let closed = _mm512_mask_mov_epi8(digits, moved, up);
        let pairs = _mm512_maddubs_epi16(closed, _mm512_set1_epi16(0x010a));
        let fours = _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x0001_0064));
        let high = _mm512_mul_epu32(fours, _mm512_set1_epi64(10_000));
        let all = _mm512_add_epi64(high, _mm512_srli_epi64::<32>(fours));
        _mm512_storeu_si512(sizes.as_mut_ptr().cast(), all);
    }
    sizes
}
