//! What a lane's sink keeps in memory, to be looked at.

use std::fmt;

use pelton_connect::store::MemoryRecords;
use pelton_metrics::{Counter, Gauge, Registry, Unit};
use pelton_sync::{Mutex, PoisonError};

/// The newest records of a lane whose sink is memory.
pub struct LaneMemory {
    records: MemoryRecords,
    header: Vec<u8>,
    media_type: &'static str,
    metrics: MemoryMetrics,
}

struct MemoryMetrics {
    records: Gauge,
    bytes: Gauge,
    forgotten: Counter,
    /// What was added to `forgotten`.
    told: Mutex<u64>,
}

impl LaneMemory {
    /// The memory of `lane`, in which `header` stands before the first record.
    pub(super) fn new(
        lane: &str,
        seen: Seen,
        registry: &Registry,
    ) -> Result<Self, pelton_metrics::Error> {
        let labels = [("lane", lane)];
        let gauge = |name, help, unit| registry.gauge(name, help, unit, &labels);
        let metrics = MemoryMetrics {
            records: gauge(
                "pelton_memory_records",
                "Records that a sink in memory holds.",
                Unit::Count,
            )?,
            bytes: gauge(
                "pelton_memory_bytes",
                "Bytes of records that a sink in memory holds.",
                Unit::Bytes,
            )?,
            forgotten: registry.counter(
                "pelton_memory_forgotten_total",
                "Records that a sink in memory dropped, to keep newer ones.",
                Unit::Count,
                &labels,
            )?,
            told: Mutex::new(0),
        };
        let Seen {
            records,
            header,
            media_type,
        } = seen;
        Ok(Self {
            records,
            header,
            media_type,
            metrics,
        })
    }

    /// The newest records, `limit` at the most, oldest first, in the sink's format: behind a header
    /// where the format has one.
    #[must_use]
    pub fn newest(&self, limit: u64) -> Vec<u8> {
        [self.header.as_slice(), &self.records.newest(limit)].concat()
    }

    /// What the records are, as HTTP has it: `application/x-ndjson`.
    #[must_use]
    pub const fn media_type(&self) -> &'static str {
        self.media_type
    }

    /// What is kept, and how much was dropped for it.
    #[must_use]
    pub const fn records(&self) -> &MemoryRecords {
        &self.records
    }

    pub(super) fn refresh(&self) {
        let metrics = &self.metrics;
        metrics.records.set(self.records.len() as i64);
        metrics.bytes.set(self.records.len_bytes() as i64);
        let mut told = metrics.told.lock().unwrap_or_else(PoisonError::into_inner);
        let forgotten = self.records.forgotten();
        metrics.forgotten.add(forgotten - *told);
        *told = forgotten;
    }
}

impl fmt::Debug for LaneMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaneMemory")
            .field("records", &self.records.len())
            .finish_non_exhaustive()
    }
}

/// How a store in memory can be looked into.
pub(super) struct Seen {
    pub records: MemoryRecords,
    pub header: Vec<u8>,
    pub media_type: &'static str,
}
