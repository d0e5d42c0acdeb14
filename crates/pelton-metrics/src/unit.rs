//! Units, and numbers written in them.

use std::fmt;

/// What a metric's whole numbers mean.
///
/// Values are recorded as integers in a small unit and shown in the base unit that Prometheus asks
/// for, which is also the last word of the metric's name (before `_total`). Nothing is lost on the
/// way: numbers are written as exact decimals.
///
/// ```
/// use pelton_metrics::{Registry, Unit};
///
/// # fn main() -> Result<(), pelton_metrics::Error> {
/// let registry = Registry::new();
/// let busy = registry.counter("busy_seconds_total", "Time at work.", Unit::Nanoseconds, &[])?;
/// busy.add(1_500_000_001);
/// assert!(registry.snapshot().prometheus().ends_with("busy_seconds_total 1.500000001\n"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// Things: records, errors, workers. Asks for no word in the name.
    Count,
    /// Bytes; the name says `_bytes`.
    Bytes,
    /// Recorded in nanoseconds, shown in seconds; the name says `_seconds`.
    Nanoseconds,
    /// Recorded in millionths, shown as a fraction of one; the name says `_ratio`.
    Millionths,
}

impl Unit {
    /// The base unit's name, or an empty string for [`Count`](Self::Count).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "",
            Self::Bytes => "bytes",
            Self::Nanoseconds => "seconds",
            Self::Millionths => "ratio",
        }
    }

    /// How many decimal places lie between the recorded and the base unit.
    fn decimals(self) -> u32 {
        match self {
            Self::Count | Self::Bytes => 0,
            Self::Nanoseconds => 9,
            Self::Millionths => 6,
        }
    }

    /// `value` in the base unit, exact.
    pub(crate) fn show(self, value: impl Into<i128>) -> impl fmt::Display {
        let decimals = self.decimals();
        let value = value.into();
        Decimal { value, decimals }
    }

    /// `value` in the base unit.
    pub(crate) fn to_base(self, value: f64) -> f64 {
        value / f64::from(10_u32.pow(self.decimals()))
    }
}

/// `value / 10^decimals`, written without loss and without trailing zeros.
struct Decimal {
    value: i128,
    decimals: u32,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = 10_u128.pow(self.decimals);
        let magnitude = self.value.unsigned_abs();
        let sign = if self.value < 0 { "-" } else { "" };
        write!(f, "{sign}{}", magnitude / scale)?;
        let (mut rest, mut width) = (magnitude % scale, self.decimals as usize);
        if rest == 0 {
            return Ok(());
        }
        while rest.is_multiple_of(10) {
            (rest, width) = (rest / 10, width - 1);
        }
        write!(f, ".{rest:0width$}")
    }
}
