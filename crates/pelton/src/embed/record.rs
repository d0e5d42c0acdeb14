//! What goes in, and what comes out.

use std::fmt;
use std::sync::Arc;

use pelton_pool::Buffer;
use pelton_record::RejectedKind;
use pelton_sched::Priority;

/// One record on its way in: an id, a time, a priority and some bytes.
///
/// The bytes are on loan from the engine's pool and go back to it when the record is dropped,
/// wherever that is. [`Submitter::record`](super::Submitter::record) makes one.
///
/// ```
/// use pelton::embed::{Priority, Record};
///
/// let pool = pelton::pool::BufferPool::new(pelton::pool::Budget::unlimited());
/// let payload = pool.lease(64)?;
/// let record = Record::new(7, 0, payload).with_priority(Priority::High);
/// assert!(record.payload.is_empty());
/// # Ok::<(), pelton::pool::OverBudget>(())
/// ```
#[derive(Debug)]
pub struct Record {
    /// The caller's own number; the engine only carries it.
    pub id: u64,
    /// Nanoseconds since 1970-01-01T00:00:00Z. Latency is counted from here.
    pub timestamp_ns: i64,
    /// The bytes.
    pub payload: Buffer,
    /// How soon it is worked on beside others.
    pub priority: Priority,
}

impl Record {
    /// A record of the usual priority.
    #[inline]
    #[must_use]
    pub const fn new(id: u64, timestamp_ns: i64, payload: Buffer) -> Self {
        Self {
            id,
            timestamp_ns,
            payload,
            priority: Priority::Normal,
        }
    }

    /// The same record with another priority.
    #[inline]
    #[must_use]
    pub fn with_priority(self, priority: Priority) -> Self {
        Self { priority, ..self }
    }
}

/// A record on its way out: what became of it, and when.
#[derive(Debug)]
pub struct Processed {
    /// The record, as the stages left it.
    pub record: Record,
    /// When a worker took it up, in nanoseconds since 1970-01-01T00:00:00Z. Records that are taken
    /// up together share this time and the next: the clock is read once a batch.
    pub started_ns: i64,
    /// When the stages were done with it, in nanoseconds since 1970-01-01T00:00:00Z; never before
    /// `started_ns`.
    pub ended_ns: i64,
    /// What became of it.
    pub outcome: Outcome,
}

impl Processed {
    /// How long the stages took with its batch, in nanoseconds.
    #[inline]
    #[must_use]
    pub const fn duration_ns(&self) -> u64 {
        self.ended_ns.abs_diff(self.started_ns)
    }

    /// True when every stage let it pass.
    #[inline]
    #[must_use]
    pub const fn is_delivered(&self) -> bool {
        matches!(self.outcome, Outcome::Delivered)
    }

    /// Why it was rejected, if it was.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match &self.outcome {
            Outcome::Rejected(failure) => Some(failure),
            _ => None,
        }
    }
}

/// What became of a record.
#[derive(Debug)]
pub enum Outcome {
    /// Every stage let it pass.
    Delivered,
    /// A stage left it out. Comes out only of an engine built with
    /// [`return_filtered`](super::Builder::return_filtered).
    Filtered,
    /// A stage failed on it.
    Rejected(Box<Failure>),
}

/// Why a record was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The stage that failed; empty where it was no stage.
    pub stage: Arc<str>,
    /// What kind of failure it was.
    pub kind: FailureKind,
    /// What was wrong, as one clause.
    pub reason: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.stage {
            "" => f.write_str(&self.reason),
            stage => write!(f, "stage \"{stage}\": {}", self.reason),
        }
    }
}

impl std::error::Error for Failure {}

/// The kind of a [`Failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// A stage answered with an error.
    Stage,
    /// A stage panicked on it.
    Panic,
    /// A built-in stage found something wrong with its data.
    Data(RejectedKind),
    /// The engine was told to [abort](super::Embedded::abort) before it was worked on.
    Aborted,
}

impl FailureKind {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Panic => "panic",
            Self::Data(kind) => kind.name(),
            Self::Aborted => "aborted",
        }
    }
}
