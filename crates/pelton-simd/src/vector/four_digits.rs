//! Four decimal numbers of at most sixteen bytes each, read in one 512-bit register.
//!
//! As [`digits`](super::digits), with a lane of 128 bits, and sixteen bits of a mask, for each
//! number.

use super::Decimal;
use std::arch::x86_64::*;

/// The lowest bit of each lane of a mask.
const LOW: u64 = 0x0001_0001_0001_0001;

/// The lowest bit of each lane that has any bit set.
#[inline(always)]
fn lanes_with_any(mask: u64) -> u64 {
    let rest = LOW.wrapping_mul(0x7fff);
    (((mask & rest) + rest) | mask) >> 15 & LOW
}

/// What the bytes of four fields are, a bit each.
struct Classes {
    digits: u64,
    points: u64,
    minus: u64,
    plus: u64,
}

impl Classes {
    /// Signs at the start of a field, and all that is neither digit nor such a sign.
    #[inline(always)]
    fn signs_and_others(&self, keep: u64, first: u64) -> (u64, u64) {
        let signs = first & (self.minus | self.plus);
        (signs, keep & !self.digits & !signs)
    }

    /// The lowest bit of each lane that is a number: no more than one other byte, which is a
    /// point, and a digit.
    #[inline(always)]
    fn numbers(&self, keep: u64, others: u64) -> u64 {
        let second = others & (others - lanes_with_any(others));
        let wrong = lanes_with_any(others & !self.points | second);
        lanes_with_any(keep & self.digits) & !wrong
    }
}

/// Reads four fields, each the last bytes of sixteen; the lengths are 1 to 16.
///
/// # Safety
///
/// The machine has AVX-512 F and BW.
#[inline(always)]
pub(super) unsafe fn decimals(fields: [(&[u8; 16], usize); 4]) -> [Option<Decimal>; 4] {
    let (mut keep, mut first) = (0, 0);
    for (i, (_, len)) in fields.iter().enumerate() {
        keep |= (0xffff << (16 - len) & 0xffff) << (16 * i);
        first |= 1 << (16 - len) << (16 * i);
    }
    // SAFETY: the caller vouches for the instructions.
    let (text, classes) = unsafe { classify(fields) };
    let (signs, others) = classes.signs_and_others(keep, first);
    let numbers = classes.numbers(keep, others);
    let below = others - lanes_with_any(others);
    // SAFETY: the caller vouches for the instructions.
    let sizes = unsafe { combine(text, keep & classes.digits, others | below) };
    let lane = |i: usize| {
        let point = (others >> (16 * i)) as u16;
        let (minus, number) = (signs & classes.minus, numbers >> (16 * i) & 1);
        let decimal = Decimal {
            minus: (minus >> (16 * i)) as u16 != 0,
            size: sizes[i],
            scale: (point.leading_zeros() & 15) as u8,
            pointed: point != 0,
        };
        (number == 1).then_some(decimal)
    };
    [lane(0), lane(1), lane(2), lane(3)]
}

/// # Safety
///
/// As [`decimals`].
#[inline(always)]
unsafe fn classify([a, b, c, d]: [(&[u8; 16], usize); 4]) -> (__m512i, Classes) {
    // SAFETY: the caller vouches for the instructions, and each field has sixteen bytes.
    unsafe {
        let text = _mm512_castsi128_si512(_mm_loadu_si128(a.0.as_ptr().cast()));
        let text = _mm512_inserti32x4::<1>(text, _mm_loadu_si128(b.0.as_ptr().cast()));
        let text = _mm512_inserti32x4::<2>(text, _mm_loadu_si128(c.0.as_ptr().cast()));
        let text = _mm512_inserti32x4::<3>(text, _mm_loadu_si128(d.0.as_ptr().cast()));
        let values = _mm512_xor_si512(text, _mm512_set1_epi8(b'0' as i8));
        let classes = Classes {
            digits: _mm512_cmplt_epu8_mask(values, _mm512_set1_epi8(10)),
            points: _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(b'.' as i8)),
            minus: _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(b'-' as i8)),
            plus: _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(b'+' as i8)),
        };
        (values, classes)
    }
}

/// The number of each lane's `digits`, once those at `moved` have moved up by a byte.
///
/// # Safety
///
/// As [`decimals`].
#[inline(always)]
unsafe fn combine(values: __m512i, digits: u64, moved: u64) -> [u64; 4] {
    let mut sizes = [0; 8];
    // SAFETY: the caller vouches for the instructions; `sizes` has 64 bytes.
    unsafe {
        let digits = _mm512_maskz_mov_epi8(digits, values);
        let up = _mm512_bslli_epi128::<1>(digits);
        let closed = _mm512_mask_mov_epi8(digits, moved, up);
        let pairs = _mm512_maddubs_epi16(closed, _mm512_set1_epi16(0x010a));
        let fours = _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x0001_0064));
        let packed = _mm512_packus_epi32(fours, fours);
        let eights = _mm512_madd_epi16(packed, _mm512_set1_epi32(0x0001_2710));
        let high = _mm512_mul_epu32(eights, _mm512_set1_epi64(100_000_000));
        let all = _mm512_add_epi64(high, _mm512_srli_epi64::<32>(eights));
        _mm512_storeu_si512(sizes.as_mut_ptr().cast(), all);
    }
    [sizes[0], sizes[2], sizes[4], sizes[6]]
}
