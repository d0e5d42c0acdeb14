//! Levels of pressure, and where one ends and the next begins.

use std::fmt;

/// How close to its limit a [`Budget`](crate::Budget) is.
///
/// The way up and the way down differ, so that a budget that hovers around a threshold does not
/// change its level with every buffer:
///
/// ```text
///            65 %        75 %     80 %        90 %      of the limit
/// Normal  ──────────────▶│ Elevated ──────────▶│ Critical
///         ◀──│ Elevated          ◀──│ Critical
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Take what you need. Entered when less than 65 % is in use.
    #[default]
    Normal = 0,
    /// Give back what lies idle and slow down. Entered at 75 %, left below 65 %.
    Elevated = 1,
    /// Stop what can wait and spill what can be spilled. Entered at 90 %, left below 80 %.
    Critical = 2,
}

impl Level {
    /// The inverse of `level as u8`; anything above the last level is the last level.
    pub(crate) fn from_bits(bits: u8) -> Self {
        match bits {
            0 => Self::Normal,
            1 => Self::Elevated,
            _ => Self::Critical,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Normal => "normal",
            Self::Elevated => "elevated",
            Self::Critical => "critical",
        })
    }
}

/// The thresholds of one limit, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thresholds {
    elevated_from: u64,
    elevated_until: u64,
    critical_from: u64,
    critical_until: u64,
}

impl Thresholds {
    /// The thresholds under `limit` bytes.
    pub(crate) fn of(limit: u64) -> Self {
        Self {
            elevated_from: percent(limit, 75),
            elevated_until: percent(limit, 65),
            critical_from: percent(limit, 90),
            critical_until: percent(limit, 80),
        }
    }

    /// The level that `used` bytes mean to a budget that is at level `now`.
    pub(crate) fn next(&self, now: Level, used: u64) -> Level {
        let stays_critical = now == Level::Critical && used >= self.critical_until;
        let stays_elevated = now >= Level::Elevated && used >= self.elevated_until;
        if stays_critical || used >= self.critical_from {
            Level::Critical
        } else if stays_elevated || used >= self.elevated_from {
            Level::Elevated
        } else {
            Level::Normal
        }
    }
}

/// `share` percent of `whole`, rounded up: no level begins a byte before its share is full.
fn percent(whole: u64, share: u32) -> u64 {
    let share = u128::from(whole) * u128::from(share);
    u64::try_from(share.div_ceil(100)).unwrap_or(u64::MAX)
}
