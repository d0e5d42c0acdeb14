//! The account of every record.

use std::collections::BTreeMap;

use pelton_record::RejectedKind;
use serde::Serialize;

/// What became of the records of a run.
///
/// Every record that came in, that an aggregate made, or that was doubled for a branch, left in
/// exactly one way:
/// `read + made + branched = written + filtered + deduplicated + folded + rejected`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Records found in the input, whole or not.
    pub read: u64,
    /// Records that aggregates and sorts gave.
    pub made: u64,
    /// Records more than there were, because each takes several branches: for every record that
    /// reaches them one less than there are branches.
    pub branched: u64,
    /// Records given to the sink.
    pub written: u64,
    /// Records that a predicate left out.
    pub filtered: u64,
    /// Records whose key had been seen before.
    pub deduplicated: u64,
    /// Records that went into aggregates and sorts.
    pub folded: u64,
    /// Records that were refused.
    pub rejected: u64,
    /// Refused records by kind.
    pub rejected_by_kind: BTreeMap<&'static str, u64>,
}

impl Account {
    /// True when the identity above holds.
    #[must_use]
    pub const fn balances(&self) -> bool {
        self.read + self.made + self.branched
            == self.written + self.filtered + self.deduplicated + self.folded + self.rejected
    }

    /// Adds what became of records in one of the branches: how many came there is in `branched`.
    pub(crate) fn merge_branch(&mut self, branch: &Self) {
        let entered = self.read;
        self.merge(branch);
        self.read = entered;
    }

    /// Notes one refused record.
    pub(crate) fn reject(&mut self, kind: RejectedKind) {
        self.rejected += 1;
        *self.rejected_by_kind.entry(kind.name()).or_default() += 1;
    }

    /// Adds what another worker noted.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.read += other.read;
        self.made += other.made;
        self.branched += other.branched;
        self.written += other.written;
        self.filtered += other.filtered;
        self.deduplicated += other.deduplicated;
        self.folded += other.folded;
        self.rejected += other.rejected;
        for (kind, count) in &other.rejected_by_kind {
            *self.rejected_by_kind.entry(kind).or_default() += count;
        }
    }
}
