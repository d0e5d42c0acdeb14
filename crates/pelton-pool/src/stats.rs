//! What a pool holds and did.

/// What a [`BufferPool`](crate::BufferPool) holds and did.
///
/// Read while others are at work, the figures are each true of some moment, not all of the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Leases served from idle buffers, ever.
    pub hits: u64,
    /// Leases that went to the allocator, ever; fallbacks included.
    pub misses: u64,
    /// Leases larger than the largest class, ever; never kept for reuse.
    pub fallbacks: u64,
    /// Buffers that are lent.
    pub outstanding: usize,
    /// Bytes in buffers that wait for the next lease.
    pub idle_bytes: u64,
    /// Bytes lent and idle: what is reserved from the budget.
    pub held_bytes: u64,
    /// The most bytes held at once so far.
    pub high_water: u64,
    /// The same by class, the smallest first.
    pub classes: Vec<ClassStats>,
}

/// What one size class of a pool holds and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassStats {
    /// The size of each buffer, in bytes.
    pub size: usize,
    /// Leases served from idle buffers, ever.
    pub hits: u64,
    /// Buffers made because none was idle, ever.
    pub misses: u64,
    /// Buffers that are lent.
    pub outstanding: usize,
    /// Buffers that wait for the next lease.
    pub idle: usize,
}

impl ClassStats {
    /// Bytes in buffers that wait for the next lease.
    #[must_use]
    pub fn idle_bytes(&self) -> u64 {
        self.idle as u64 * self.size as u64
    }
}
