//! Records of another width than the header.

use std::fmt;
use std::str::FromStr;

/// What becomes of a record with more or fewer fields than the header names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ragged {
    /// It is refused.
    #[default]
    Reject,
    /// Fields that are missing are null; a record with too many is refused.
    Pad,
    /// Fields that are too many are left out; a record with too few is refused.
    Truncate,
    /// Both: no record is refused for its width.
    Fit,
}

impl Ragged {
    /// True when a record of `found` fields is taken where `expected` are named.
    pub(super) const fn admits(self, found: usize, expected: usize) -> bool {
        let (pads, truncates) = match self {
            Self::Reject => (false, false),
            Self::Pad => (true, false),
            Self::Truncate => (false, true),
            Self::Fit => (true, true),
        };
        found == expected || found < expected && pads || found > expected && truncates
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Pad => "pad",
            Self::Truncate => "truncate",
            Self::Fit => "fit",
        }
    }
}

impl FromStr for Ragged {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Reject, Self::Pad, Self::Truncate, Self::Fit];
        let found = all.into_iter().find(|policy| policy.name() == text);
        found.ok_or_else(|| format!("expected reject, pad, truncate or fit, found `{text}`"))
    }
}

impl fmt::Display for Ragged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
