//! Time, read once a batch.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The time of day as it was at the start, going on steadily: it never goes back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    origin: Instant,
    origin_ns: i64,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            origin: Instant::now(),
            origin_ns: now_ns(),
        }
    }

    /// Nanoseconds since 1970.
    pub(super) fn now_ns(&self) -> i64 {
        let since = i64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(i64::MAX);
        self.origin_ns.saturating_add(since)
    }

    pub(super) fn seconds(&self) -> f64 {
        self.origin.elapsed().as_secs_f64()
    }
}

/// The time of day, in nanoseconds since 1970-01-01T00:00:00Z: the timestamp of a record that is
/// made now.
///
/// ```
/// assert!(pelton::embed::now_ns() > 1_600_000_000_000_000_000);
/// ```
#[must_use]
pub fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}
