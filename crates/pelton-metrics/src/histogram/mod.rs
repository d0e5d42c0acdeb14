//! Histograms: how often which value was seen.

mod layout;
mod snapshot;

pub use layout::Layout;
pub use snapshot::{HistogramSnapshot, LayoutMismatch};

use crate::cells::{Cells, Lease};
use crate::sync::{Arc, AtomicU64, Ordering, fence};

/// A distribution of whole numbers (nanoseconds, bytes) in log-linear buckets. Clones share it.
///
/// Where recording is hot, take a [`local`](Self::local) handle for each thread; elsewhere
/// [`record`](Self::record) from anywhere. Read with [`snapshot`](Self::snapshot).
///
/// ```
/// let latency = pelton_metrics::Histogram::new();
/// let mut mine = latency.local();
/// for nanoseconds in 1..=1000 {
///     mine.record(nanoseconds);
/// }
/// let seen = latency.snapshot();
/// assert_eq!((seen.count(), seen.max()), (1000, Some(1000)));
/// let p99 = seen.percentile(99.0).unwrap();
/// assert!((990..=997).contains(&p99)); // at most 1/128 above the true 990
/// ```
#[derive(Debug, Clone)]
pub struct Histogram {
    core: Arc<Core>,
}

/// The handle of one thread or worker on a [`Histogram`]: recording is a few plain stores.
///
/// What was recorded stays when the handle is dropped; its cell is used again by the next handle.
#[derive(Debug)]
pub struct LocalHistogram {
    cell: Lease<Cell>,
    layout: Layout,
}

#[derive(Debug)]
struct Core {
    layout: Layout,
    /// Written by `Histogram::record` from any thread.
    shared: Cell,
    cells: Cells<Cell>,
}

/// The recorded values of one writer (or, atomically, of several).
///
/// A writer changes the bucket last, a reader reads the buckets first: so whatever a reader counts
/// is inside the sum, the minimum and the maximum that it sees.
#[derive(Debug)]
struct Cell {
    /// Saturates at `u64::MAX`.
    sum: AtomicU64,
    /// `u64::MAX` while empty.
    min: AtomicU64,
    max: AtomicU64,
    buckets: Box<[AtomicU64]>,
    /// The bucket for values above the layout's largest.
    beyond: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// Makes a histogram of the default [`Layout`] that belongs to no registry.
    #[must_use]
    pub fn new() -> Self {
        Self::with_layout(Layout::default())
    }

    /// Makes a histogram with buckets of your choice that belongs to no registry.
    ///
    /// ```
    /// use pelton_metrics::{Histogram, Layout};
    ///
    /// let batch_sizes = Histogram::with_layout(Layout::new(3, 4096));
    /// batch_sizes.record(512);
    /// batch_sizes.record(100_000); // beyond the largest: counted, and known as the maximum
    /// assert_eq!(batch_sizes.snapshot().percentile(100.0), Some(100_000));
    /// ```
    #[must_use]
    pub fn with_layout(layout: Layout) -> Self {
        let core = Core {
            layout,
            shared: Cell::new(layout),
            cells: Cells::new(),
        };
        Self {
            core: Arc::new(core),
        }
    }

    /// The buckets.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.core.layout
    }

    /// Records `value` with atomic additions: for cold paths, and for threads without a handle.
    pub fn record(&self, value: u64) {
        self.core.shared.record_shared(self.core.layout, value);
    }

    /// Makes a handle that one thread records with, in a cell that nobody else writes.
    ///
    /// Takes a lock, and allocates [`Layout::cell_bytes`] when no earlier handle has left its cell:
    /// do it once a worker, not once a record.
    #[must_use]
    pub fn local(&self) -> LocalHistogram {
        let layout = self.core.layout;
        let cell = self.core.cells.claim(|| Cell::new(layout));
        LocalHistogram { cell, layout }
    }

    /// Everything recorded before this call, and perhaps some of what is recorded during it.
    ///
    /// What is counted is inside sum, minimum and maximum; of records that run at the same time
    /// those three may know some that are not counted yet. Reads every bucket of every cell.
    #[must_use]
    pub fn snapshot(&self) -> HistogramSnapshot {
        let mut sight = snapshot::Sight::new(self.core.layout);
        self.core.shared.show(&mut sight);
        self.core.cells.for_each(|cell| cell.show(&mut sight));
        sight.into_snapshot()
    }
}

impl LocalHistogram {
    /// Records `value` once.
    #[inline]
    pub fn record(&mut self, value: u64) {
        self.cell.note(value, value);
        self.cell.count(self.layout, value, 1);
    }

    /// Records `value` as if it had been seen `times` times, at the price of one record.
    ///
    /// ```
    /// let latency = pelton_metrics::Histogram::new();
    /// latency.local().record_many(250, 64); // a batch of 64 records, timed once
    /// assert_eq!(latency.snapshot().count(), 64);
    /// ```
    #[inline]
    pub fn record_many(&mut self, value: u64, times: u64) {
        if times > 0 {
            self.cell.note(value, value.saturating_mul(times));
            self.cell.count(self.layout, value, times);
        }
    }
}

impl Cell {
    fn new(layout: Layout) -> Self {
        Self {
            sum: AtomicU64::new(0),
            min: AtomicU64::new(u64::MAX),
            max: AtomicU64::new(0),
            buckets: (0..layout.len()).map(|_| AtomicU64::new(0)).collect(),
            beyond: AtomicU64::new(0),
        }
    }

    /// The bucket of `value`. Asking for it spares the bounds check that an index would need.
    #[inline]
    fn bucket(&self, layout: Layout, value: u64) -> &AtomicU64 {
        self.buckets
            .get(layout.index(value))
            .unwrap_or(&self.beyond)
    }

    /// Stores what the bucket must not be seen without; the caller is the only writer.
    #[inline]
    fn note(&self, value: u64, amount: u64) {
        let sum = self.sum.load(Ordering::Relaxed).saturating_add(amount);
        self.sum.store(sum, Ordering::Relaxed);
        if value < self.min.load(Ordering::Relaxed) {
            self.min.store(value, Ordering::Relaxed);
        }
        if self.max.load(Ordering::Relaxed) < value {
            self.max.store(value, Ordering::Relaxed);
        }
    }

    /// Counts `value`; the caller is the only writer.
    #[inline]
    fn count(&self, layout: Layout, value: u64, times: u64) {
        let bucket = self.bucket(layout, value);
        let count = bucket.load(Ordering::Relaxed).wrapping_add(times);
        // ORDERING: Release; pairs with the Acquire fence in `show`.
        bucket.store(count, Ordering::Release);
    }

    /// Counts `value`; any thread may do so at the same time, as long as all do it this way.
    fn record_shared(&self, layout: Layout, value: u64) {
        let add = |sum: u64| Some(sum.saturating_add(value));
        // The closure always gives a value, so the update cannot fail.
        let _ = self
            .sum
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        self.min.fetch_min(value, Ordering::Relaxed);
        self.max.fetch_max(value, Ordering::Relaxed);
        // ORDERING: Release; pairs with the Acquire fence in `show`.
        self.bucket(layout, value).fetch_add(1, Ordering::Release);
    }

    /// Adds this cell to `sight`: buckets first.
    fn show(&self, sight: &mut snapshot::Sight) {
        let buckets = self.buckets.iter().chain([&self.beyond]);
        for (seen, bucket) in sight.counts.iter_mut().zip(buckets) {
            *seen = seen.wrapping_add(bucket.load(Ordering::Relaxed));
        }
        // ORDERING: Acquire; pairs with the Release writes to the buckets.
        fence(Ordering::Acquire);
        sight.sum = sight.sum.saturating_add(self.sum.load(Ordering::Relaxed));
        sight.min = sight.min.min(self.min.load(Ordering::Relaxed));
        sight.max = sight.max.max(self.max.load(Ordering::Relaxed));
    }
}
