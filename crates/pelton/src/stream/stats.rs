//! What a service tells about itself.

use std::fmt;

use pelton_metrics::{Counter, Gauge, Histogram, Registry, Unit};
use serde::Serialize;

/// The metrics of one lane.
#[derive(Clone, Debug)]
pub(super) struct LaneMetrics {
    pub read: Counter,
    pub written: Counter,
    pub filtered: Counter,
    pub deduplicated: Counter,
    pub folded: Counter,
    pub made: Counter,
    pub rejected: Counter,
    pub shed: Counter,
    pub bytes: Counter,
    pub retries: Counter,
    /// Nanoseconds from the intake to the commit.
    pub latency: Histogram,
    pub waiting: Gauge,
    /// 1 while the sink is given rest after failures.
    pub broken: Gauge,
}

impl LaneMetrics {
    pub(super) fn new(registry: &Registry, lane: &str) -> Result<Self, pelton_metrics::Error> {
        let fate = |fate: &str| {
            registry.counter(
                "pelton_records_total",
                "Records by lane and by what became of them.",
                Unit::Count,
                &[("lane", lane), ("fate", fate)],
            )
        };
        let labels = [("lane", lane)];
        Ok(Self {
            read: fate("read")?,
            written: fate("written")?,
            filtered: fate("filtered")?,
            deduplicated: fate("deduplicated")?,
            folded: fate("folded")?,
            made: fate("made")?,
            rejected: fate("rejected")?,
            shed: fate("shed")?,
            bytes: registry.counter(
                "pelton_read_bytes_total",
                "Bytes taken in by lane.",
                Unit::Bytes,
                &labels,
            )?,
            retries: registry.counter(
                "pelton_sink_retries_total",
                "Attempts to put records away that failed and were made again.",
                Unit::Count,
                &labels,
            )?,
            latency: registry.histogram(
                "pelton_commit_latency_seconds",
                "From taking a block in to its commit.",
                Unit::Nanoseconds,
                &labels,
            )?,
            waiting: registry.gauge(
                "pelton_lane_waiting_blocks",
                "Blocks that wait before the lane.",
                Unit::Count,
                &labels,
            )?,
            broken: registry.gauge(
                "pelton_sink_broken",
                "1 while the sink fails and is given rest between attempts.",
                Unit::Count,
                &labels,
            )?,
        })
    }
}

/// What became of the records of one lane.
///
/// Every record that came in left in exactly one way:
/// `read + made = written + filtered + deduplicated + folded + rejected + shed + pending`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LaneStats {
    /// The lane's name.
    pub lane: String,
    /// Records taken in.
    pub read: u64,
    /// Records that the sink has.
    pub written: u64,
    /// Records that a predicate left out.
    pub filtered: u64,
    /// Records whose key had been seen before.
    pub deduplicated: u64,
    /// Records that went into windows.
    pub folded: u64,
    /// Records that windows gave.
    pub made: u64,
    /// Records that were refused.
    pub rejected: u64,
    /// Records given up because the lane was full.
    pub shed: u64,
    /// Records that are on their way. None after a stop, unless its deadline passed.
    pub pending: u64,
    /// Blocks that wait before the lane.
    pub waiting_blocks: u64,
    /// Bytes taken in.
    pub read_bytes: u64,
    /// Attempts to put records away that failed and were made again.
    pub retries: u64,
    /// The sink fails and is given rest between attempts.
    pub broken: bool,
}

/// What a service tells when it has stopped.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ServiceReport {
    /// The version of Pelton.
    pub version: &'static str,
    /// Each lane.
    pub lanes: Vec<LaneStats>,
    /// How long it ran, in seconds.
    pub seconds: f64,
    /// True when everything that was taken in was put away.
    pub drained: bool,
}

impl ServiceReport {
    /// Refused records of all lanes.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.rejected).sum()
    }
}

impl fmt::Display for ServiceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for lane in &self.lanes {
            let LaneStats {
                lane: name,
                read,
                written,
                filtered,
                deduplicated,
                folded,
                made,
                rejected,
                shed,
                pending,
                ..
            } = lane;
            writeln!(
                f,
                "{name}: {read} read + {made} made by windows = {written} written + {filtered} \
                 filtered out + {deduplicated} deduplicated + {folded} folded + {rejected} \
                 rejected + {shed} shed + {pending} pending"
            )?;
        }
        write!(f, "ran {:.1} s", self.seconds)?;
        if !self.drained {
            f.write_str("; stopped before all was put away")?;
        }
        Ok(())
    }
}
