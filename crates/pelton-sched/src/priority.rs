//! The three priorities.

/// How soon a task is started beside others; it never interrupts one that runs.
///
/// A worker takes what it can see in this order, and on a fixed share of its picks the other way
/// round, so that no priority waits for ever: of 64 tasks that a worker takes, at least one is
/// `Low` and three are `Normal` while any wait.
///
/// There are no others:
///
/// ```compile_fail,E0599
/// let urgent = pelton_sched::Priority::Urgent;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// Latency first: goes before everything that waits, and is seen by every worker.
    High,
    /// The usual work.
    #[default]
    Normal,
    /// Work that may wait while there is other work.
    Low,
}

impl Priority {
    /// Every priority, the most urgent first.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// Position in [`ALL`](Self::ALL).
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}
