//! Sizes as people write them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number of bytes: `50MB` (decimal), `64MiB` (binary), or a plain number.
///
/// ```
/// use pelton::plan::ByteSize;
///
/// assert_eq!("50MB".parse::<ByteSize>()?.bytes(), 50_000_000);
/// assert_eq!("64 KiB".parse::<ByteSize>()?.bytes(), 65_536);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

const UNITS: [(&str, u64); 9] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("b", 1),
];

impl ByteSize {
    /// So many bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected a size such as 50MB, 64MiB or 1GB, found `{text}`");
        let lower = text.trim().to_ascii_lowercase();
        let (digits, unit) = UNITS
            .iter()
            .find_map(|(suffix, unit)| Some((lower.strip_suffix(suffix)?.trim_end(), *unit)))
            .unwrap_or((&lower, 1));
        let number: f64 = digits.parse().map_err(|_| expected())?;
        let bytes = number * unit as f64;
        if !(0.0..=i64::MAX as f64).contains(&bytes) || !number.is_finite() {
            return Err(expected());
        }
        Ok(Self(bytes as u64))
    }
}

impl fmt::Display for ByteSize {
    /// The shortest exact form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["B", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB"];
        let unit = names
            .iter()
            .filter_map(|name| {
                let key = name.to_ascii_lowercase();
                UNITS
                    .iter()
                    .find(|(unit, _)| *unit == key)
                    .map(|&(_, bytes)| (bytes, name))
            })
            .filter(|&(bytes, _)| self.0 > 0 && self.0.is_multiple_of(bytes))
            .max_by_key(|&(bytes, _)| bytes);
        match unit {
            Some((bytes, name)) => write!(f, "{}{name}", self.0 / bytes),
            None => write!(f, "{}B", self.0),
        }
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Size;
        impl de::Visitor<'_> for Size {
            type Value = ByteSize;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size such as \"50MB\", or a number of bytes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
                Ok(ByteSize(bytes))
            }

            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<ByteSize, E> {
                let negative = || E::custom("a size cannot be negative");
                u64::try_from(bytes).map(ByteSize).map_err(|_| negative())
            }
        }
        deserializer.deserialize_any(Size)
    }
}
