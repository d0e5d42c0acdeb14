//! Sums of floats without rounding.
//!
//! A sum is an integer times a power of two. As long as all values lie within a window of
//! exponents, as they do in practice, 128 bits hold it; beyond that it goes on in a fixed-point
//! number as wide as all floats together (Kulisch, "Computer arithmetic and validity", 2008).
//! Nothing is rounded before the end, and then once, so that the result depends neither on the
//! order of the values nor on how partial sums were merged.

/// How far above the window's lowest exponent a value may lie: 53 bits of it and 74 of shift fill
/// the 127 bits of a magnitude, and 14 are left for carries.
const SHIFT_MAX: i32 = 60;
/// Where the window is put below the exponent of the first value.
const BELOW: i32 = 34;
/// No window yet.
const EMPTY: i32 = i32::MIN / 2;
/// The exponent field of the largest finite floats.
const EXPONENT_MAX: i32 = 2046;
/// Words that hold every float, the carries of 2^64 of them, and a sign.
const WORDS: usize = 35;

/// An exact sum of floats.
#[derive(Clone, Debug)]
pub(crate) struct ExactSum {
    /// Of what fell into the window, in units of its lowest exponent.
    mantissa: i128,
    /// The lowest exponent field of the window, from 1, or `EMPTY`.
    exponent: i32,
    wide: Option<Box<Wide>>,
}

impl Default for ExactSum {
    fn default() -> Self {
        Self {
            mantissa: 0,
            exponent: EMPTY,
            wide: None,
        }
    }
}

impl ExactSum {
    /// Bytes on the heap.
    pub(crate) fn extra(&self) -> usize {
        self.wide.as_ref().map_or(0, |_| size_of::<Wide>())
    }

    /// Adds `value` if that is quick; otherwise [`add_slow`](Self::add_slow) has to.
    #[inline]
    #[must_use]
    pub(crate) fn add(&mut self, value: f64) -> bool {
        let bits = value.to_bits();
        let shift = (bits >> 52 & 0x7FF) as i32 - self.exponent;
        if shift as u32 <= SHIFT_MAX as u32 {
            let magnitude = i128::from(bits & ((1 << 52) - 1) | 1 << 52) << shift;
            let signed = if value < 0.0 { -magnitude } else { magnitude };
            if let Some(sum) = self.mantissa.checked_add(signed) {
                self.mantissa = sum;
                return true;
            }
        }
        false
    }

    /// Adds values outside the window, the first value, and those that are no numbers. Gives the
    /// bytes by which the heap has grown.
    #[cold]
    pub(crate) fn add_slow(&mut self, value: f64) -> usize {
        let before = self.extra();
        if !value.is_finite() {
            self.widen().flag(value);
        } else if value != 0.0 {
            self.add_finite(value);
        }
        self.extra() - before
    }

    fn add_finite(&mut self, value: f64) {
        let (mantissa, exponent) = parts(value);
        if self.exponent == EMPTY {
            self.exponent = (exponent - BELOW).clamp(1, EXPONENT_MAX - SHIFT_MAX);
        }
        self.add_scaled(mantissa, exponent);
    }

    /// Adds `mantissa` in units of the exponent field `exponent`.
    fn add_scaled(&mut self, mantissa: i128, exponent: i32) {
        let sum = in_units_of(mantissa, exponent, self.exponent)
            .and_then(|units| self.mantissa.checked_add(units));
        match sum {
            Some(sum) => self.mantissa = sum,
            None => self.widen().add(mantissa, exponent),
        }
    }

    /// Adds what `other` has summed.
    pub(crate) fn merge(&mut self, other: &Self) {
        if self.exponent == EMPTY {
            self.exponent = other.exponent;
        }
        if other.mantissa != 0 {
            self.add_scaled(other.mantissa, other.exponent);
        }
        if let Some(wide) = &other.wide {
            self.widen().merge(wide);
        }
    }

    /// The sum, rounded to the nearest float, ties to even; infinite past the largest. NaN when
    /// NaN or both infinities were added.
    pub(crate) fn value(&self) -> f64 {
        match &self.wide {
            None => scale(self.mantissa as f64, self.exponent - 1075),
            Some(_) => self.total().value(),
        }
    }

    /// The sum as that of four floats that do not overlap, 212 bits in all.
    pub(crate) fn expansion(&self) -> [f64; 4] {
        let mut total = self.total();
        std::array::from_fn(|_| {
            let part = total.value();
            if part.is_finite() {
                let (mantissa, exponent) = parts(-part);
                total.add(mantissa, exponent);
            } else {
                total = Wide::default();
            }
            part
        })
    }

    fn total(&self) -> Wide {
        let mut total = self.wide.as_deref().cloned().unwrap_or_default();
        if self.mantissa != 0 {
            total.add(self.mantissa, self.exponent);
        }
        total
    }

    fn widen(&mut self) -> &mut Wide {
        self.wide.get_or_insert_default()
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.mantissa.to_le_bytes());
        out.extend_from_slice(&self.exponent.to_le_bytes());
        out.push(u8::from(self.wide.is_some()));
        if let Some(wide) = &self.wide {
            out.extend(wide.words.iter().flat_map(|word| word.to_le_bytes()));
            out.push(wide.flags);
        }
    }

    /// What [`write`](Self::write) wrote.
    pub(crate) fn read(input: &mut &[u8]) -> Self {
        let mantissa = i128::from_le_bytes(super::take(input));
        let exponent = i32::from_le_bytes(super::take(input));
        let wide = (super::take::<1>(input)[0] != 0).then(|| {
            let words = std::array::from_fn(|_| u64::from_le_bytes(super::take(input)));
            let [flags] = super::take(input);
            Box::new(Wide { words, flags })
        });
        Self {
            mantissa,
            exponent,
            wide,
        }
    }
}

/// A finite value as its signed mantissa and exponent field, from 1: `mantissa * 2^(field - 1075)`.
fn parts(value: f64) -> (i128, i32) {
    let bits = value.to_bits();
    let (field, fraction) = ((bits >> 52 & 0x7FF) as i32, bits & ((1 << 52) - 1));
    let hidden = if field == 0 { 0 } else { 1 << 52 };
    let magnitude = i128::from(fraction | hidden);
    let signed = if value < 0.0 { -magnitude } else { magnitude };
    (signed, field.max(1))
}

/// The same number in units of another exponent, unless bits would be lost.
fn in_units_of(mantissa: i128, from: i32, to: i32) -> Option<i128> {
    let shift = from.checked_sub(to)?;
    if shift < 0 {
        let fits = shift.unsigned_abs() <= mantissa.trailing_zeros();
        return (mantissa == 0 || fits).then(|| mantissa >> shift.unsigned_abs().min(127));
    }
    let spare = mantissa.unsigned_abs().leading_zeros() as i32 - 1;
    (shift < spare).then(|| mantissa << shift)
}

/// `value * 2^exponent`, in two steps because the factor alone may be no float.
fn scale(value: f64, exponent: i32) -> f64 {
    let half = exponent.clamp(-2000, 2000) / 2;
    let power = |exponent: i32| f64::from_bits(((exponent + 1023) as u64) << 52);
    value * power(half) * power(exponent.clamp(-2000, 2000) - half)
}

const NAN: u8 = 1;
const INFINITE: u8 = 2;
const MINUS_INFINITE: u8 = 4;

/// A fixed-point number in units of the smallest float, in two's complement, low word first.
#[derive(Clone, Debug)]
struct Wide {
    words: [u64; WORDS],
    flags: u8,
}

impl Default for Wide {
    fn default() -> Self {
        Self {
            words: [0; WORDS],
            flags: 0,
        }
    }
}

impl Wide {
    fn flag(&mut self, value: f64) {
        self.flags |= match value {
            f64::INFINITY => INFINITE,
            f64::NEG_INFINITY => MINUS_INFINITE,
            _ => NAN,
        };
    }

    fn add(&mut self, mantissa: i128, exponent: i32) {
        let (index, shift) = ((exponent - 1) as usize / 64, (exponent - 1) as u32 % 64);
        let magnitude = mantissa.unsigned_abs();
        let low = magnitude << shift;
        let high = magnitude.checked_shr(128 - shift).unwrap_or(0) as u64;
        let pieces = [low as u64, (low >> 64) as u64, high];
        let mut carry = false;
        for (offset, word) in self.words[index..].iter_mut().enumerate() {
            let piece = pieces.get(offset).copied().unwrap_or(0);
            let (next, over) = if mantissa < 0 {
                word.borrowing_sub(piece, carry)
            } else {
                word.carrying_add(piece, carry)
            };
            (*word, carry) = (next, over);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.flags |= other.flags;
        let mut carry = false;
        for (word, &more) in self.words.iter_mut().zip(&other.words) {
            (*word, carry) = word.carrying_add(more, carry);
        }
    }

    fn value(&self) -> f64 {
        match self.flags {
            0 => self.rounded(),
            INFINITE => f64::INFINITY,
            MINUS_INFINITE => f64::NEG_INFINITY,
            _ => f64::NAN,
        }
    }

    fn rounded(&self) -> f64 {
        if self.words[WORDS - 1] >> 63 == 0 {
            return round(&self.words);
        }
        let mut carry = true;
        let negated = self.words.map(|word| {
            let (next, over) = (!word).overflowing_add(u64::from(carry));
            carry = over;
            next
        });
        -round(&negated)
    }
}

/// The float nearest to a number that is not negative.
fn round(words: &[u64; WORDS]) -> f64 {
    let Some(top) = words
        .iter()
        .rposition(|&word| word != 0)
        .filter(|&top| top >= 2)
    else {
        let low = u128::from(words[1]) << 64 | u128::from(words[0]);
        return scale(low as f64, -1074);
    };
    let bits = u128::from(words[top]) << 64 | u128::from(words[top - 1]);
    // At least 65 bits, of which the last stands for all below: enough to round the 53 rightly.
    let rest = words[..top - 1].iter().any(|&word| word != 0);
    scale(
        (bits | u128::from(rest)) as f64,
        (top as i32 - 1) * 64 - 1074,
    )
}
