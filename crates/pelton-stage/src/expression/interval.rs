//! Spans of calendar time.

use std::fmt;

/// Months, days and nanoseconds: three parts because months and days vary in length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) months: i32,
    pub(crate) days: i32,
    pub(crate) nanoseconds: i64,
}

impl Interval {
    /// Reads `1 day`, `2 hours 30 minutes`, `-1 month`, `1 day ago`; with `unit`, a bare number
    /// counts in it.
    pub(crate) fn parse(text: &str, unit: Option<&str>) -> Option<Self> {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        words.extend(unit);
        let ago = words
            .last()
            .is_some_and(|word| word.eq_ignore_ascii_case("ago"));
        if ago {
            words.pop();
        }
        let (pairs, []) = words.as_chunks::<2>() else {
            return None;
        };
        let total = pairs
            .iter()
            .try_fold(Self::default(), |sum, [count, unit]| {
                sum.plus(count.parse().ok()?, unit)
            })?;
        match (pairs.is_empty(), ago) {
            (true, _) => None,
            (_, true) => total.negated(),
            _ => Some(total),
        }
    }

    /// The same span backwards.
    pub(crate) fn negated(self) -> Option<Self> {
        Some(Self {
            months: self.months.checked_neg()?,
            days: self.days.checked_neg()?,
            nanoseconds: self.nanoseconds.checked_neg()?,
        })
    }

    fn plus(mut self, count: i64, unit: &str) -> Option<Self> {
        let unit = unit.to_ascii_lowercase();
        let unit = unit.strip_suffix('s').unwrap_or(&unit);
        if let Some(nanoseconds) = nanoseconds_of(unit) {
            let span = count.checked_mul(nanoseconds)?;
            self.nanoseconds = self.nanoseconds.checked_add(span)?;
            return Some(self);
        }
        let count = i32::try_from(count).ok()?;
        match unit {
            "day" => self.days = self.days.checked_add(count)?,
            "week" => self.days = self.days.checked_add(count.checked_mul(7)?)?,
            "month" | "mon" => self.months = self.months.checked_add(count)?,
            "quarter" => self.months = self.months.checked_add(count.checked_mul(3)?)?,
            "year" => self.months = self.months.checked_add(count.checked_mul(12)?)?,
            _ => return None,
        }
        Some(self)
    }
}

/// The length of a unit that does not vary.
fn nanoseconds_of(unit: &str) -> Option<i64> {
    Some(match unit {
        "hour" => 3_600_000_000_000,
        "minute" | "min" => 60_000_000_000,
        "second" | "sec" => 1_000_000_000,
        "millisecond" => 1_000_000,
        "microsecond" => 1_000,
        "nanosecond" => 1,
        _ => return None,
    })
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (i64::from(self.months), "months"),
            (i64::from(self.days), "days"),
            (self.nanoseconds, "nanoseconds"),
        ];
        let written: Vec<_> = parts
            .into_iter()
            .filter(|&(count, _)| count != 0)
            .map(|(count, unit)| format!("{count} {unit}"))
            .collect();
        match written.is_empty() {
            true => f.write_str("0 days"),
            false => f.write_str(&written.join(" ")),
        }
    }
}
