//! What an engine tells about itself.

use std::fmt;

use pelton_metrics::{Counter, Gauge, Histogram, HistogramSnapshot, Registry, Unit};
use serde::Serialize;

use super::stage::Stage;

/// The metrics of one engine.
#[derive(Clone, Debug, Default)]
pub(super) struct Metrics {
    /// Records that workers took up.
    pub taken: Counter,
    pub delivered: Counter,
    pub filtered: Counter,
    pub rejected: Counter,
    pub unclaimed: Counter,
    pub waiting: Gauge,
    pub ready: Gauge,
    /// Nanoseconds from a record's timestamp to the end of its stages; not kept when metrics are
    /// off.
    pub latency: Option<Histogram>,
}

impl Metrics {
    /// Registers all metrics, those of `stages` too.
    pub(super) fn register(
        registry: &Registry,
        stages: &mut [Stage],
    ) -> Result<Self, pelton_metrics::Error> {
        for stage in stages {
            let counter = |fate: &str| {
                let labels = [("stage", &*stage.name), ("fate", fate)];
                let help = "Records by stage and by what became of them there.";
                registry.counter(
                    "pelton_embedded_stage_records_total",
                    help,
                    Unit::Count,
                    &labels,
                )
            };
            let entered = counter("entered")?;
            let filtered = counter("filtered")?;
            let rejected = counter("rejected")?;
            stage.counters.entered = entered;
            stage.counters.filtered = filtered;
            stage.counters.rejected = rejected;
        }
        let fate = |fate: &str| {
            let help = "Records by what became of them.";
            let labels = [("fate", fate)];
            registry.counter("pelton_embedded_records_total", help, Unit::Count, &labels)
        };
        let gauge = |name: &str, help: &str| registry.gauge(name, help, Unit::Count, &[]);
        Ok(Self {
            taken: fate("taken")?,
            delivered: fate("delivered")?,
            filtered: fate("filtered")?,
            rejected: fate("rejected")?,
            unclaimed: fate("unclaimed")?,
            waiting: gauge(
                "pelton_embedded_waiting_records",
                "Records that wait for a worker, as of the last reading.",
            )?,
            ready: gauge(
                "pelton_embedded_ready_records",
                "Records that wait to be received, as of the last reading.",
            )?,
            latency: Some(registry.histogram(
                "pelton_embedded_latency_seconds",
                "From a record's timestamp to the end of its stages.",
                Unit::Nanoseconds,
                &[],
            )?),
        })
    }
}

/// What became of records so far.
///
/// Every record that was accepted has one outcome, or is on its way:
/// `accepted = delivered + filtered + rejected + pending`. When the engine has stopped, none is
/// pending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Records that were submitted and not given back.
    pub accepted: u64,
    /// Records that every stage let pass.
    pub delivered: u64,
    /// Records that a stage left out.
    pub filtered: u64,
    /// Records that a stage failed on, or that an abort gave back.
    pub rejected: u64,
    /// Records that wait for a worker, or that a worker is at.
    pub pending: u64,
    /// Records, of whatever outcome, that were dropped on their way out because no receiver was
    /// left.
    pub unclaimed: u64,
    /// Records that wait to be received.
    pub ready: u64,
    /// Bytes in use: rings, and payloads wherever they are, idle ones in the pool included.
    pub memory_bytes: u64,
    /// Each stage, in order.
    pub stages: Vec<StageStats>,
    /// From a record's timestamp to the end of its stages; none when metrics are off, or before
    /// the first record.
    pub latency: Option<Latency>,
}

impl Stats {
    /// True when the identity above holds, which it does at every moment.
    #[must_use]
    pub const fn balances(&self) -> bool {
        self.accepted == self.delivered + self.filtered + self.rejected + self.pending
    }
}

/// What became of records at one stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StageStats {
    /// The stage's name.
    pub name: String,
    /// Records that reached it.
    pub entered: u64,
    /// Records that it left out.
    pub filtered: u64,
    /// Records that it failed on.
    pub rejected: u64,
}

impl StageStats {
    pub(super) fn of(stage: &Stage) -> Self {
        let (filtered, rejected) = (&stage.counters.filtered, &stage.counters.rejected);
        Self {
            name: stage.name.to_string(),
            filtered: filtered.value(),
            rejected: rejected.value(),
            entered: stage.counters.entered.value(),
        }
    }
}

/// Percentiles in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Half of the records took no longer.
    pub p50_ns: u64,
    /// 99 of 100 records took no longer.
    pub p99_ns: u64,
    /// 999 of 1000 records took no longer.
    pub p999_ns: u64,
    /// No record took longer.
    pub max_ns: u64,
}

impl Latency {
    pub(super) fn of(seen: &HistogramSnapshot) -> Option<Self> {
        Some(Self {
            p50_ns: seen.percentile(50.0)?,
            p99_ns: seen.percentile(99.0)?,
            p999_ns: seen.percentile(99.9)?,
            max_ns: seen.max()?,
        })
    }
}

/// What an engine tells when it has stopped.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The account; nothing is pending.
    pub stats: Stats,
    /// How long it ran, in seconds.
    pub seconds: f64,
    /// The failure that stopped it, where [`OnRejected::Stop`](super::OnRejected::Stop) says so.
    pub stopped_by: Option<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stats {
            accepted,
            delivered,
            filtered,
            rejected,
            ..
        } = &self.stats;
        write!(
            f,
            "{accepted} records accepted in {:.3} s: {delivered} delivered, {filtered} filtered, \
             {rejected} rejected",
            self.seconds
        )?;
        for stage in &self.stats.stages {
            let StageStats {
                name,
                entered,
                filtered,
                rejected,
            } = stage;
            write!(
                f,
                "\n  {name}: {entered} in, {filtered} filtered, {rejected} rejected"
            )?;
        }
        if let Some(failure) = &self.stopped_by {
            write!(f, "\n  stopped by {failure}")?;
        }
        Ok(())
    }
}
