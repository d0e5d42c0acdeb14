//! Gauges: values that go up and down.

use crate::sync::Arc;
use crate::total::{LocalTotal, Total};

/// A level: a queue's depth, bytes in use, workers awake. Clones share the level.
///
/// A gauge has a shared part, which [`set`](Self::set), [`add`](Self::add) and [`sub`](Self::sub)
/// change, and one part for each [`local`](Self::local) handle; its value is the sum.
/// A level that somebody sets has no use for handles, a level that many threads raise and lower has
/// no use for `set`. Values wrap at the ends of `i64`.
///
/// ```
/// let in_flight = pelton_metrics::Gauge::new();
/// let (mut source, mut sink) = (in_flight.local(), in_flight.local());
/// source.add(5);
/// sink.sub(2);
/// assert_eq!(in_flight.value(), 3);
/// ```
#[derive(Debug, Clone)]
pub struct Gauge {
    total: Arc<Total>,
}

/// The handle of one thread or worker on a [`Gauge`]: changing the level is a plain store.
///
/// What it added stays when the handle is dropped.
#[derive(Debug)]
pub struct LocalGauge {
    total: LocalTotal,
}

impl Default for Gauge {
    fn default() -> Self {
        Self::new()
    }
}

impl Gauge {
    /// Makes a gauge that belongs to no registry.
    #[must_use]
    pub fn new() -> Self {
        let total = Arc::new(Total::new());
        Self { total }
    }

    /// Replaces the shared part with `value`. What handles added stays on top of it.
    ///
    /// ```
    /// let depth = pelton_metrics::Gauge::new();
    /// depth.set(10);
    /// depth.set(7);
    /// assert_eq!(depth.value(), 7);
    /// ```
    pub fn set(&self, value: i64) {
        self.total.set_shared(value.cast_unsigned());
    }

    /// Raises the level, from any thread.
    pub fn add(&self, amount: i64) {
        self.total.add(amount.cast_unsigned());
    }

    /// Lowers the level, from any thread.
    pub fn sub(&self, amount: i64) {
        self.add(amount.wrapping_neg());
    }

    /// Makes a handle that one thread raises and lowers the level with. What one handle raises
    /// another may lower.
    ///
    /// Takes a lock, and allocates when no earlier handle has left its cell.
    #[must_use]
    pub fn local(&self) -> LocalGauge {
        let total = self.total.local();
        LocalGauge { total }
    }

    /// The level: everything done before this call, and perhaps some of what is done during it.
    ///
    /// The parts are read one after the other, so while handles change them a reading may hold a
    /// later change and miss an earlier one: what is in flight can read as -1 for a moment.
    #[must_use]
    pub fn value(&self) -> i64 {
        self.total.read().cast_signed()
    }
}

impl LocalGauge {
    /// Raises the level.
    #[inline]
    pub fn add(&mut self, amount: i64) {
        self.total.add(amount.cast_unsigned());
    }

    /// Lowers the level.
    #[inline]
    pub fn sub(&mut self, amount: i64) {
        self.add(amount.wrapping_neg());
    }
}
