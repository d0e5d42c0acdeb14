//! What a service tells about itself.

use std::fmt;
use std::time::Instant;

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
    /// Records that waited on the disk, and their bytes.
    pub spilled: Counter,
    pub spilled_bytes: Counter,
    /// Records that came because memory was scarce.
    pub downgraded: Counter,
    pub bytes: Counter,
    pub retries: Counter,
    /// Nanoseconds from the intake to the commit.
    pub latency: Histogram,
    pub waiting: Gauge,
    /// On the disk.
    pub spill: Gauge,
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
        let counter = |name, help, unit| registry.counter(name, help, unit, &labels);
        let gauge = |name, help, unit| registry.gauge(name, help, unit, &labels);
        Ok(Self {
            read: fate("read")?,
            written: fate("written")?,
            filtered: fate("filtered")?,
            deduplicated: fate("deduplicated")?,
            folded: fate("folded")?,
            made: fate("made")?,
            rejected: fate("rejected")?,
            shed: fate("shed")?,
            spilled: counter(
                "pelton_lane_spilled_records_total",
                "Records that went to the disk because the lane was full.",
                Unit::Count,
            )?,
            spilled_bytes: counter(
                "pelton_lane_spilled_bytes_total",
                "Bytes of them.",
                Unit::Bytes,
            )?,
            downgraded: counter(
                "pelton_lane_downgraded_records_total",
                "Records that the lane was given because memory was scarce.",
                Unit::Count,
            )?,
            spill: gauge(
                "pelton_lane_spill_bytes",
                "Bytes that the lane has on the disk because it was full.",
                Unit::Bytes,
            )?,
            bytes: counter(
                "pelton_read_bytes_total",
                "Bytes taken in by lane.",
                Unit::Bytes,
            )?,
            retries: counter(
                "pelton_sink_retries_total",
                "Attempts to put records away that failed and were made again.",
                Unit::Count,
            )?,
            latency: registry.histogram(
                "pelton_commit_latency_seconds",
                "From taking a block in to its commit.",
                Unit::Nanoseconds,
                &labels,
            )?,
            waiting: gauge(
                "pelton_lane_waiting_blocks",
                "Blocks that wait before the lane.",
                Unit::Count,
            )?,
            broken: gauge(
                "pelton_sink_broken",
                "1 while the sink fails and is given rest between attempts.",
                Unit::Count,
            )?,
        })
    }

    /// Notes that entries taken in at `since` are committed now.
    pub(super) fn note_latency(&self, since: &[Instant]) {
        let now = Instant::now();
        for since in since {
            let latency = now.saturating_duration_since(*since).as_nanos();
            self.latency.record(latency as u64);
        }
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
    /// Records that went to the disk because the lane was full, and came back since or wait there:
    /// what became of them is counted beside.
    pub spilled: u64,
    /// Bytes of them.
    pub spilled_bytes: u64,
    /// Records that the lane was given because memory was scarce (`under`); what became of them is
    /// counted beside.
    pub downgraded: u64,
    /// Records that are on their way. None after a stop, unless its deadline passed.
    pub pending: u64,
    /// Blocks that wait before the lane, on the disk or not.
    pub waiting_blocks: u64,
    /// Bytes of them on the disk.
    pub waiting_spill_bytes: u64,
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
    /// Blocks in the spool that are not put away; the next start goes on with them.
    pub spooled_blocks: u64,
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
                spilled,
                downgraded,
                ..
            } = lane;
            writeln!(
                f,
                "{name}: {read} read + {made} made by windows = {written} written + {filtered} \
                 filtered out + {deduplicated} deduplicated + {folded} folded + {rejected} \
                 rejected + {shed} shed + {pending} pending"
            )?;
            if *spilled > 0 {
                writeln!(f, "{name}: {spilled} of them waited on the disk")?;
            }
            if *downgraded > 0 {
                writeln!(
                    f,
                    "{name}: {downgraded} of them came because memory was scarce"
                )?;
            }
        }
        write!(f, "ran {:.1} s", self.seconds)?;
        if self.spooled_blocks > 0 {
            let blocks = self.spooled_blocks;
            write!(f, "; {blocks} blocks wait in the spool for the next start")?;
        }
        if !self.drained {
            f.write_str("; stopped before all was put away")?;
        }
        Ok(())
    }
}
