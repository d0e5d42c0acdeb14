//! Counters: sums that only grow.

use crate::sync::Arc;
use crate::total::{LocalTotal, Total};

/// A number of things that happened. Clones count into the same number.
///
/// Where counting is hot, take a [`local`](Self::local) handle for each thread; elsewhere
/// [`add`](Self::add) from anywhere.
/// Numbers wrap at 2^64, which takes 584 years at one a nanosecond.
///
/// ```
/// let requests = pelton_metrics::Counter::new();
/// let mut mine = requests.local();
/// mine.add(2); // a plain store
/// requests.add(1); // an atomic addition, from any thread
/// assert_eq!(requests.value(), 3);
/// ```
#[derive(Debug, Clone)]
pub struct Counter {
    total: Arc<Total>,
}

/// The handle of one thread or worker on a [`Counter`]: recording is a plain store.
///
/// What was counted stays when the handle is dropped; its cell is used again by the next handle.
///
/// Two threads do not count with one handle:
///
/// ```compile_fail,E0499
/// let mut mine = pelton_metrics::Counter::new().local();
/// std::thread::scope(|scope| {
///     scope.spawn(|| mine.increment());
///     scope.spawn(|| mine.increment());
/// });
/// ```
#[derive(Debug)]
pub struct LocalCounter {
    total: LocalTotal,
}

impl Default for Counter {
    fn default() -> Self {
        Self::new()
    }
}

impl Counter {
    /// Makes a counter that belongs to no registry.
    #[must_use]
    pub fn new() -> Self {
        let total = Arc::new(Total::new());
        Self { total }
    }

    /// Adds `amount` with an atomic addition: for cold paths, and for threads without a handle.
    ///
    /// Wait-free, but threads that add at the same time wait for each other's cache line.
    pub fn add(&self, amount: u64) {
        self.total.add(amount);
    }

    /// Makes a handle that one thread counts with, in a cell that nobody else writes.
    ///
    /// Takes a lock, and allocates when no earlier handle has left its cell: do it once a worker,
    /// not once a record.
    ///
    /// ```
    /// let hits = pelton_metrics::Counter::new();
    /// std::thread::scope(|scope| {
    ///     for _ in 0..2 {
    ///         let mut mine = hits.local();
    ///         scope.spawn(move || (0..1000).for_each(|_| mine.increment()));
    ///     }
    /// });
    /// assert_eq!(hits.value(), 2000);
    /// ```
    #[must_use]
    pub fn local(&self) -> LocalCounter {
        let total = self.total.local();
        LocalCounter { total }
    }

    /// Everything counted before this call, and perhaps some of what is counted during it.
    ///
    /// Grows from call to call, short of wrapping. Visits one cell for each handle.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.total.read()
    }
}

impl LocalCounter {
    /// Adds `amount`: a load and a plain store.
    #[inline]
    pub fn add(&mut self, amount: u64) {
        self.total.add(amount);
    }

    /// Adds one.
    #[inline]
    pub fn increment(&mut self) {
        self.add(1);
    }
}
