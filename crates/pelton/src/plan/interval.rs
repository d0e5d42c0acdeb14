//! Lengths of time as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A length of time: `250ms`, `10s`, `5m`, `1h`.
///
/// ```
/// use pelton::plan::Interval;
///
/// assert_eq!("1.5 s".parse::<Interval>()?.duration().as_millis(), 1500);
/// assert_eq!("90s".parse::<Interval>()?.to_string(), "90s");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(Duration);

/// Longer names first: `ms` ends in `s` and `m` begins it.
const UNITS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

impl Interval {
    /// The length.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl From<Duration> for Interval {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected a time such as 250ms, 10s or 5m, found `{text}`");
        let (digits, unit) = UNITS
            .iter()
            .find_map(|(suffix, unit)| Some((text.trim().strip_suffix(suffix)?.trim_end(), *unit)))
            .ok_or_else(expected)?;
        let number: f64 = digits.parse().map_err(|_| expected())?;
        let nanoseconds = number * unit as f64;
        if !(0.0..=i64::MAX as f64).contains(&nanoseconds) {
            return Err(expected());
        }
        Ok(Self(Duration::from_nanos(nanoseconds as u64)))
    }
}

impl fmt::Display for Interval {
    /// The shortest exact form without a fraction, in seconds where they are whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.0.as_nanos();
        let (name, unit) = UNITS[..4]
            .iter()
            .rev()
            .find(|(_, unit)| nanoseconds.is_multiple_of(u128::from(*unit)))
            .copied()
            .unwrap_or(UNITS[0]);
        write!(f, "{}{name}", nanoseconds / u128::from(unit))
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Interval;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time in quotes such as \"250ms\" or \"10s\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Interval, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}
