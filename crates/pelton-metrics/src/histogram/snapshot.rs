//! What a histogram held at one moment.

use std::fmt;

use super::Layout;

/// The distribution that a [`Histogram`](super::Histogram) held at one moment.
///
/// Holds the buckets that are not empty. Snapshots of the same [`Layout`] can be merged (workers,
/// processes) and subtracted (what happened since). Whatever has no answer for an empty population
/// is `None`, never zero and never NaN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistogramSnapshot {
    layout: Layout,
    /// The sum of the buckets, modulo 2^64.
    count: u64,
    sum: u64,
    /// `u64::MAX` while empty.
    min: u64,
    max: u64,
    /// Bucket and count, by bucket, without empty ones.
    buckets: Vec<(u32, u64)>,
}

/// Two histograms with different buckets were to be combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayoutMismatch {
    ours: Layout,
    theirs: Layout,
}

/// What is being read, cell by cell.
///
/// Dense, because cells are; the snapshot made of it keeps only what is filled, a few hundred
/// buckets for a distribution of ordinary width.
pub(super) struct Sight {
    pub(super) layout: Layout,
    pub(super) sum: u64,
    pub(super) min: u64,
    pub(super) max: u64,
    /// By bucket, that for values above the largest last.
    pub(super) counts: Vec<u64>,
}

impl Sight {
    pub(super) fn new(layout: Layout) -> Self {
        Self {
            layout,
            sum: 0,
            min: u64::MAX,
            max: 0,
            counts: vec![0; layout.len() + 1],
        }
    }

    pub(super) fn into_snapshot(self) -> HistogramSnapshot {
        let mut snapshot = HistogramSnapshot::empty(self.layout);
        let filled = (0..).zip(self.counts).filter(|&(_, count)| count > 0);
        snapshot.set_buckets(filled.collect());
        if snapshot.count > 0 {
            (snapshot.sum, snapshot.min, snapshot.max) = (self.sum, self.min, self.max);
        }
        snapshot
    }
}

impl HistogramSnapshot {
    /// The snapshot of a histogram in which nothing was recorded.
    #[must_use]
    pub fn empty(layout: Layout) -> Self {
        Self {
            layout,
            count: 0,
            sum: 0,
            min: u64::MAX,
            max: 0,
            buckets: Vec::new(),
        }
    }

    /// The buckets' layout.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The number of values recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// True when nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The exact sum of the values, or `u64::MAX` when it is larger than that.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The smallest value: exact, but for a [`delta`](Self::delta) within the error bound.
    #[must_use]
    pub fn min(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.min)
    }

    /// The largest value: exact, but for a [`delta`](Self::delta) within the error bound.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.max)
    }

    /// The arithmetic mean.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let mean = self.sum as f64 / self.count as f64;
        // The sum may know records that are not counted yet; a mean outside the values is absurd.
        (!self.is_empty()).then(|| mean.clamp(self.min as f64, self.max as f64))
    }

    /// The value that `percent` of the values do not exceed: nearest rank, rounded up to its
    /// bucket's end.
    ///
    /// For the value `v` of rank `ceil(percent / 100 * count)` (at least 1) of the sorted values
    /// the answer lies in `v ..= v * (1 + relative_error)`, and never above the maximum. If `v` is
    /// above [`Layout::largest`] the answer is the maximum.
    /// `None` for an empty population and for a `percent` outside `0.0..=100.0`.
    /// Walks the filled buckets.
    ///
    /// ```
    /// let sizes = pelton_metrics::Histogram::new();
    /// assert_eq!(sizes.snapshot().percentile(50.0), None);
    /// [10, 20, 30, 4000].iter().for_each(|&size| sizes.record(size));
    /// let seen = sizes.snapshot();
    /// assert_eq!(seen.percentile(50.0), Some(20));
    /// assert_eq!(seen.percentile(99.0), Some(4000));
    /// ```
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Option<u64> {
        if self.is_empty() || !(0.0..=100.0).contains(&percent) {
            return None;
        }
        let rank = (percent * self.count as f64 / 100.0).ceil() as u64;
        let rank = rank.clamp(1, self.count);
        let mut below = 0_u64;
        let reaches = |&&(_, count): &&(u32, u64)| {
            below = count.saturating_add(below);
            below >= rank
        };
        let &(index, _) = self.buckets.iter().find(reaches)?;
        Some((*self.layout.bounds(index).end()).clamp(self.min, self.max))
    }

    /// The filled buckets in ascending order: the largest value that falls into each, and its
    /// count.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let end = |index| *self.layout.bounds(index).end();
        self.buckets
            .iter()
            .map(move |&(index, count)| (end(index), count))
    }

    /// Adds what `other` holds: afterwards this is the snapshot of both populations together.
    ///
    /// ```
    /// use pelton_metrics::Histogram;
    ///
    /// let (here, there) = (Histogram::new(), Histogram::new());
    /// here.record(10);
    /// there.record(30);
    /// let mut both = here.snapshot();
    /// both.merge(&there.snapshot())?;
    /// assert_eq!((both.count(), both.mean()), (2, Some(20.0)));
    /// # Ok::<(), pelton_metrics::LayoutMismatch>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the layouts differ; nothing is changed then.
    pub fn merge(&mut self, other: &Self) -> Result<(), LayoutMismatch> {
        self.check_layout(other)?;
        let buckets = join(&self.buckets, &other.buckets, u64::wrapping_add);
        self.set_buckets(buckets);
        self.sum = self.sum.saturating_add(other.sum);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        Ok(())
    }

    /// What was recorded between `earlier` and this snapshot of the same histogram.
    ///
    /// The minimum and the maximum of that time are known to their buckets only.
    ///
    /// ```
    /// let latency = pelton_metrics::Histogram::new();
    /// latency.record(900);
    /// let before = latency.snapshot();
    /// latency.record(5);
    /// let since = latency.snapshot().delta(&before)?;
    /// assert_eq!((since.count(), since.percentile(100.0)), (1, Some(5)));
    /// # Ok::<(), pelton_metrics::LayoutMismatch>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the layouts differ.
    pub fn delta(&self, earlier: &Self) -> Result<Self, LayoutMismatch> {
        self.check_layout(earlier)?;
        let mut delta = Self::empty(self.layout);
        delta.set_buckets(join(&self.buckets, &earlier.buckets, u64::saturating_sub));
        if let (Some(first), Some(last)) = (delta.buckets.first(), delta.buckets.last()) {
            let (first, last) = (self.layout.bounds(first.0), self.layout.bounds(last.0));
            delta.min = (*first.start()).clamp(self.min, self.max);
            delta.max = (*last.end()).clamp(self.min, self.max);
            delta.sum = self.sum.saturating_sub(earlier.sum);
        }
        Ok(delta)
    }

    fn check_layout(&self, other: &Self) -> Result<(), LayoutMismatch> {
        let (ours, theirs) = (self.layout, other.layout);
        let mismatch = LayoutMismatch { ours, theirs };
        if ours == theirs {
            Ok(())
        } else {
            Err(mismatch)
        }
    }

    fn set_buckets(&mut self, buckets: Vec<(u32, u64)>) {
        let add = |sum: u64, &(_, count): &(u32, u64)| sum.wrapping_add(count);
        self.count = buckets.iter().fold(0, add);
        self.buckets = buckets;
    }
}

/// Combines two sorted bucket lists; a bucket that one side lacks counts zero there.
fn join(
    ours: &[(u32, u64)],
    theirs: &[(u32, u64)],
    combine: impl Fn(u64, u64) -> u64,
) -> Vec<(u32, u64)> {
    let (mut ours, mut theirs) = (ours.iter().peekable(), theirs.iter().peekable());
    let mut joined = Vec::new();
    loop {
        let heads = [ours.peek(), theirs.peek()];
        let Some(index) = heads.into_iter().flatten().map(|head| head.0).min() else {
            return joined;
        };
        let here = |head: &&(u32, u64)| head.0 == index;
        let [left, right] = [ours.next_if(here), theirs.next_if(here)]
            .map(|head| head.map_or(0, |&(_, count)| count));
        let count = combine(left, right);
        if count > 0 {
            joined.push((index, count));
        }
    }
}

impl fmt::Display for LayoutMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ours, theirs } = self;
        write!(
            f,
            "histograms have different buckets: {ours:?} and {theirs:?}"
        )
    }
}

impl std::error::Error for LayoutMismatch {}
