//! Which bucket a value falls into.

use std::ops::RangeInclusive;

/// The log-linear buckets of a histogram: how fine they are and how far they reach.
///
/// Each power of two is cut into `2^precision_bits` equal buckets, as in HdrHistogram; values below
/// `2^(precision_bits + 1)` have a bucket each. So a value lies within its bucket at a relative
/// error below [`relative_error`](Self::relative_error). Values above the largest share one bucket
/// more.
///
/// ```
/// use pelton_metrics::Layout;
///
/// let layout = Layout::default();
/// assert_eq!(layout.relative_error(), 1.0 / 128.0);
/// assert!(layout.largest() >= 1_000_000_000_000); // a thousand seconds, in nanoseconds
/// assert!(layout.cell_bytes() < 36 * 1024);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Layout {
    /// In range `1..=PRECISION_BITS_MAX`.
    precision_bits: u32,
    /// The number of buckets, and the index of the one more for everything above the largest value.
    beyond: u32,
}

/// 2^14 buckets a power of two are 6.5 MB a cell; finer than that is a list of values.
const PRECISION_BITS_MAX: u32 = 14;

impl Default for Layout {
    /// Errors below 1/128 (0.8 %), values up to 2^40 - 1 (18 minutes in nanoseconds, 1 TiB in
    /// bytes), 34 KiB a handle.
    fn default() -> Self {
        Self::new(7, (1 << 40) - 1)
    }
}

impl Layout {
    /// Makes a layout with errors below `1 / 2^precision_bits` for values up to `largest`.
    ///
    /// One bit more halves the error and doubles the memory; doubling `largest` adds
    /// `2^precision_bits` buckets of 8 bytes.
    ///
    /// ```
    /// use pelton_metrics::Layout;
    ///
    /// // 3 % for sizes up to 1 MiB in 4 KiB a cell.
    /// let layout = Layout::new(5, 1 << 20);
    /// assert_eq!(layout.relative_error(), 1.0 / 32.0);
    /// assert_eq!(layout.cell_bytes(), 4104);
    /// ```
    ///
    /// # Panics
    ///
    /// When `precision_bits` is not in `1..=14`.
    #[must_use]
    pub const fn new(precision_bits: u32, largest: u64) -> Self {
        assert!(
            1 <= precision_bits && precision_bits <= PRECISION_BITS_MAX,
            "precision must be in 1..=14 bits"
        );
        let beyond = 1 + unbounded_index(precision_bits, largest);
        Self {
            precision_bits,
            beyond,
        }
    }

    /// The bound of a percentile's relative error, for values up to [`largest`](Self::largest).
    #[must_use]
    pub fn relative_error(&self) -> f64 {
        1.0 / f64::from(1 << self.precision_bits)
    }

    /// The largest value that has a bucket of its own width: the asked one, rounded up to the end
    /// of its bucket.
    #[must_use]
    pub fn largest(&self) -> u64 {
        *self.bounds(self.beyond - 1).end()
    }

    /// The memory of the buckets of one cell, in bytes. A histogram has one cell of its own and
    /// one for each handle.
    #[must_use]
    pub fn cell_bytes(&self) -> usize {
        self.len() * size_of::<u64>()
    }

    /// The number of buckets, without the one for what is above the largest value.
    pub(super) fn len(self) -> usize {
        self.beyond as usize
    }

    /// The bucket of `value`; `len()` or more for a value above the largest.
    #[inline]
    pub(super) fn index(self, value: u64) -> usize {
        unbounded_index(self.precision_bits, value) as usize
    }

    /// The values that fall into bucket `index`, at most `len()`.
    pub(super) fn bounds(self, index: u32) -> RangeInclusive<u64> {
        if index == self.beyond {
            let largest = *self.bounds(index - 1).end();
            return largest.saturating_add(1)..=u64::MAX;
        }
        // Bucket 2^bits is the first whose index tells its shift; below, the shift is none.
        let shift = (index >> self.precision_bits).saturating_sub(1);
        let first = u64::from(index - (shift << self.precision_bits)) << shift;
        first..=first + ((1 << shift) - 1)
    }
}

/// The bucket of `value` were there no largest: the leading `bits + 1` bits of the value, after as
/// many full powers of two as it was shifted.
#[inline]
const fn unbounded_index(bits: u32, value: u64) -> u32 {
    let shift = (value | (1 << bits)).ilog2() - bits;
    (shift << bits) + (value >> shift) as u32
}
