//! Exact decimal numbers.

use std::cmp::Ordering;
use std::fmt;

/// Ten to the power of `exponent`, or `None` past the range of 128 bits.
const fn power_of_ten(exponent: u32) -> Option<i128> {
    10i128.checked_pow(exponent)
}

/// `mantissa / 10^scale`: as many digits after the point as `scale` says.
///
/// Equal values are equal whatever their scales; the scale shows in how they are written.
///
/// ```
/// use pelton_record::Decimal;
///
/// let price = Decimal::new(1999, 2);
/// assert_eq!(price.to_string(), "19.99");
/// assert_eq!(price.checked_mul(Decimal::new(3, 0)).unwrap().to_string(), "59.97");
/// assert_eq!(Decimal::new(5, 1), Decimal::new(50, 2));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Decimal {
    mantissa: i128,
    scale: u8,
}

impl Decimal {
    /// The most digits after the point.
    pub const SCALE_MAX: u8 = 38;

    /// `mantissa / 10^scale`.
    ///
    /// # Panics
    ///
    /// When `scale` is more than [`SCALE_MAX`](Self::SCALE_MAX).
    #[must_use]
    pub const fn new(mantissa: i128, scale: u8) -> Self {
        assert!(
            scale <= Self::SCALE_MAX,
            "at most 38 digits after the point"
        );
        Self { mantissa, scale }
    }

    /// The digits without the point.
    #[must_use]
    pub const fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// The number of digits after the point.
    #[must_use]
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// The same value with `scale` digits after the point, rounded half away from zero when that
    /// is fewer; `None` when it does not fit.
    #[must_use]
    pub const fn rescale(self, scale: u8) -> Option<Self> {
        if scale > Self::SCALE_MAX {
            return None;
        }
        let mantissa = match self.scale.checked_sub(scale) {
            Some(fewer) => Some(divide_rounding(self.mantissa, fewer as u32)),
            None => match power_of_ten((scale - self.scale) as u32) {
                Some(factor) => self.mantissa.checked_mul(factor),
                None => None,
            },
        };
        match mantissa {
            Some(mantissa) => Some(Self { mantissa, scale }),
            None => None,
        }
    }

    /// The sum, with the larger scale; `None` on overflow.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let (a, b) = self.aligned(other)?;
        Some(Self {
            mantissa: a.mantissa.checked_add(b.mantissa)?,
            scale: a.scale,
        })
    }

    /// The difference, with the larger scale; `None` on overflow.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        let (a, b) = self.aligned(other)?;
        Some(Self {
            mantissa: a.mantissa.checked_sub(b.mantissa)?,
            scale: a.scale,
        })
    }

    /// The product, with both scales added; `None` on overflow or a scale past the limit.
    #[must_use]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        let scale = self.scale + other.scale;
        let mantissa = self.mantissa.checked_mul(other.mantissa)?;
        (scale <= Self::SCALE_MAX).then_some(Self { mantissa, scale })
    }

    /// The nearest float. Quick for up to 15 digits, of which at most 22 stand after the point;
    /// longer ones are written and read.
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        reason = "the text of a decimal is that of a float"
    )]
    pub fn to_f64(self) -> f64 {
        // Both are exact, and then the division rounds once.
        if self.mantissa.unsigned_abs() <= 1 << 53 && self.scale <= 22 {
            return self.mantissa as f64 / 10f64.powi(i32::from(self.scale));
        }
        let text = self.to_string();
        text.parse().expect("a decimal reads as a float")
    }

    /// The same value with no zeros at the end of its fraction.
    #[must_use]
    pub const fn normalize(mut self) -> Self {
        while self.scale > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }

    fn aligned(self, other: Self) -> Option<(Self, Self)> {
        let scale = self.scale.max(other.scale);
        Some((self.rescale(scale)?, other.rescale(scale)?))
    }
}

/// `value / 10^digits`, half away from zero.
const fn divide_rounding(value: i128, digits: u32) -> i128 {
    let Some(divisor) = power_of_ten(digits) else {
        return 0;
    };
    let (quotient, rest) = (value / divisor, value % divisor);
    if rest.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2) && digits > 0 {
        quotient + value.signum()
    } else {
        quotient
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.scale == other.scale {
            return self.mantissa.cmp(&other.mantissa);
        }
        // The whole parts decide, and only when they are equal the fractions at one scale.
        let (whole, fraction) = self.split();
        let (other_whole, other_fraction) = other.split();
        whole
            .cmp(&other_whole)
            .then_with(|| fraction.cmp(&other_fraction))
    }
}

impl Decimal {
    /// The whole part, and the fraction at the largest scale. Both carry the sign.
    fn split(self) -> (i128, i128) {
        let Some(unit) = power_of_ten(u32::from(self.scale)) else {
            return (0, self.mantissa);
        };
        let lift = power_of_ten(u32::from(Self::SCALE_MAX - self.scale)).unwrap_or(1);
        (self.mantissa / unit, self.mantissa % unit * lift)
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self {
            mantissa: i128::from(value),
            scale: 0,
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let (digits, scale) = (
            self.mantissa.unsigned_abs().to_string(),
            usize::from(self.scale),
        );
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}
