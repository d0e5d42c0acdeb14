//! Buffers by size class, counted in a budget, idle or not.

use std::fmt;

use crate::block::{Block, HUGE_PAGE};
use crate::budget::{Budget, News};
use crate::buffer::Buffer;
use crate::class::{SMALLEST, class_holding, size_of_class};
use crate::depot::{Depot, Place};
use crate::level::Level;
use crate::reservation::OverBudget;
use crate::stats::{ClassStats, PoolStats};
use crate::subscription::Subscription;
use crate::sync::{Arc, AtomicU64, AtomicUsize, Ordering, scaled};

/// The largest class unless the builder says otherwise, in bytes.
const LARGEST: usize = 64 << 20;
/// The largest class there can be, in bytes: the next power of two is beyond every allocation.
const LARGEST_MAX: usize = isize::MAX as usize / 2 + 1;
/// The most buffers in one shard's magazine of one class.
const MAGAZINE: usize = scaled(64, 2);
/// Two threads on one shard step aside for each other, so this is about speed, not about right.
const SHARDS: usize = scaled(8, 1);
/// Each shard costs 128 bytes per class.
const SHARDS_MAX: usize = 64;

/// Lends [`Buffer`]s of power-of-two sizes and keeps what comes back for the next borrower.
///
/// A handle: clones are the same pool. Whatever the pool holds, lent or idle, is reserved from its
/// [`Budget`]; when the budget refuses, idle buffers of other classes are freed before the lease
/// is. See the [crate's description](crate) for how it works and what it promises.
///
/// ```
/// use pelton_pool::{Budget, BufferPool};
///
/// let pool = BufferPool::new(Budget::new(1 << 20));
/// let mut buffer = pool.lease(5000)?;
/// assert_eq!(buffer.capacity(), 8192);
/// buffer.extend_from_slice(b"hello")?;
/// assert_eq!(&buffer[..], b"hello");
/// drop(buffer); // lies idle now
/// assert_eq!(pool.lease(8192)?.len(), 0); // and is lent again
/// assert_eq!((pool.stats().hits, pool.stats().held_bytes), (1, 8192));
/// # Ok::<(), pelton_pool::OverBudget>(())
/// ```
#[derive(Clone)]
pub struct BufferPool {
    handle: Arc<Handle>,
}

/// What all clones of a pool share; the last one closes the pool.
struct Handle {
    core: Arc<Core>,
    /// Frees idle buffers when the budget's level rises.
    _reclaim: Subscription,
}

/// What pool and buffers share; outlives the pool until the last buffer is back.
pub(crate) struct Core {
    budget: Budget,
    classes: Box<[Class]>,
    /// Leases larger than the largest class, ever, and those that are out.
    fallbacks: AtomicU64,
    fallbacks_out: AtomicUsize,
    held_bytes: AtomicU64,
    high_water: AtomicU64,
    /// Blocks of this size and more get huge pages, in bytes.
    huge_from: usize,
}

struct Class {
    depot: Depot<Block>,
    /// Blocks made, ever.
    made: AtomicU64,
    /// Blocks that exist, lent or idle.
    live: AtomicUsize,
}

/// Sets up a [`BufferPool`].
#[derive(Debug)]
#[must_use]
pub struct BufferPoolBuilder {
    budget: Budget,
    largest: usize,
    shards: usize,
    huge_from: usize,
}

impl BufferPoolBuilder {
    /// Takes memory from `budget`. Default: an unlimited one.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Keeps buffers of up to `bytes`, rounded up to a class; larger ones go back to the allocator
    /// as soon as they are dropped. Default: 64 MiB.
    pub fn largest_class(mut self, bytes: usize) -> Self {
        self.largest = bytes;
        self
    }

    /// Spreads the threads over `count` magazines for each class, rounded up to a power of two
    /// and at most 64. Default: 8.
    pub fn shards(mut self, count: usize) -> Self {
        self.shards = count;
        self
    }

    /// Asks Linux for huge pages behind buffers of 2 MiB and more, which are then aligned to 2 MiB.
    /// Default: no.
    #[cfg(feature = "huge-pages")]
    pub fn huge_pages(mut self, wanted: bool) -> Self {
        self.huge_from = if wanted { HUGE_PAGE } else { usize::MAX };
        self
    }

    /// Makes the pool; no memory is taken yet.
    #[must_use]
    pub fn build(self) -> BufferPool {
        let shards = self.shards.clamp(1, SHARDS_MAX).next_power_of_two();
        let largest = class_holding(self.largest.min(LARGEST_MAX));
        let classes = (0..=largest).map(|_| Class::new(shards));
        let core = Arc::new(Core {
            budget: self.budget,
            classes: classes.collect(),
            fallbacks: AtomicU64::new(0),
            fallbacks_out: AtomicUsize::new(0),
            held_bytes: AtomicU64::new(0),
            high_water: AtomicU64::new(0),
            huge_from: self.huge_from,
        });
        let reclaimed = core.clone();
        let reclaim = core.budget.subscribe(move |level| reclaimed.relieve(level));
        let handle = Handle {
            core,
            _reclaim: reclaim,
        };
        BufferPool {
            handle: Arc::new(handle),
        }
    }
}

impl BufferPool {
    /// A pool with the default classes that takes its memory from `budget`.
    #[must_use]
    pub fn new(budget: Budget) -> Self {
        Self::builder().budget(budget).build()
    }

    /// A pool to be set up.
    pub fn builder() -> BufferPoolBuilder {
        BufferPoolBuilder {
            budget: Budget::unlimited(),
            largest: LARGEST,
            shards: SHARDS,
            huge_from: usize::MAX,
        }
    }

    /// Lends an empty buffer of at least `min_bytes` capacity, and at least 64 bytes.
    ///
    /// Its capacity is the next power of two; above the largest class, the next multiple of 64.
    /// The bytes beyond its length are initialised, but with what is not specified.
    ///
    /// # Errors
    ///
    /// When the budget has not enough left even after every idle buffer of this pool is freed, or
    /// when the operating system has no memory.
    #[inline]
    pub fn lease(&self, min_bytes: usize) -> Result<Buffer, OverBudget> {
        let core = &self.handle.core;
        match core.idle(min_bytes) {
            Some(block) => Ok(Buffer::new(block)),
            None => Core::lease_slow(core, min_bytes).map(Buffer::new),
        }
    }

    /// The budget that pays for the buffers.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.handle.core.budget
    }

    /// Frees this share of the idle buffers of each class, rounded up, and answers how many bytes
    /// that gave back. A fraction is taken as the nearest of `0.0..=1.0`.
    pub fn shrink(&self, fraction: f64) -> u64 {
        self.handle.core.shrink(fraction)
    }

    /// Frees every idle buffer and answers how many bytes that gave back.
    pub fn trim(&self) -> u64 {
        self.shrink(1.0)
    }

    /// What the pool holds and did. Exact when nobody else is at work meanwhile.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        self.handle.core.stats()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        for class in &self.core.classes {
            drop(class.depot.close());
        }
    }
}

impl Class {
    fn new(shards: usize) -> Self {
        Self {
            depot: Depot::new(shards, MAGAZINE),
            made: AtomicU64::new(0),
            live: AtomicUsize::new(0),
        }
    }

    fn stats(&self, size: usize) -> ClassStats {
        let depot = self.depot.stats();
        let live = self.live.load(Ordering::Relaxed);
        ClassStats {
            size,
            hits: depot.hits,
            misses: self.made.load(Ordering::Relaxed),
            outstanding: live.saturating_sub(depot.idle),
            idle: depot.idle,
        }
    }
}

impl Core {
    /// The alignment of a block of `size` bytes.
    pub(crate) fn alignment(&self, size: usize) -> usize {
        if size >= self.huge_from {
            HUGE_PAGE
        } else {
            SMALLEST
        }
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// An idle block of the class that holds `min_bytes`.
    #[inline]
    fn idle(&self, min_bytes: usize) -> Option<Block> {
        self.classes.get(class_holding(min_bytes))?.depot.take()
    }

    pub(crate) fn lease(this: &Arc<Self>, min_bytes: usize) -> Result<Block, OverBudget> {
        let idle = this.idle(min_bytes).map(Ok);
        idle.unwrap_or_else(|| Self::lease_slow(this, min_bytes))
    }

    #[cold]
    fn lease_slow(this: &Arc<Self>, min_bytes: usize) -> Result<Block, OverBudget> {
        let class = class_holding(min_bytes);
        let size = if class < this.classes.len() {
            size_of_class(class)
        } else {
            min_bytes
                .checked_next_multiple_of(SMALLEST)
                .ok_or_else(|| OverBudget::allocator(min_bytes as u64))?
        };
        loop {
            let refused = match Block::new(this, size) {
                Ok(block) => return Ok(block),
                Err(refused) => refused,
            };
            if this.free_idle(size as u64) == 0 {
                return Err(refused);
            }
        }
    }

    /// A place for an idle block of `size` bytes, if its class still takes any.
    #[inline]
    pub(crate) fn place(&self, size: usize) -> Option<Place<Block>> {
        self.classes.get(class_holding(size))?.depot.place()
    }

    /// Counts a block of `size` bytes that is about to be made.
    pub(crate) fn pay_for(&self, size: usize) -> Result<News, OverBudget> {
        let news = self.budget.take(size as u64)?;
        match self.classes.get(class_holding(size)) {
            Some(class) => {
                class.made.fetch_add(1, Ordering::Relaxed);
                class.live.fetch_add(1, Ordering::Relaxed);
            }
            None => {
                self.fallbacks.fetch_add(1, Ordering::Relaxed);
                self.fallbacks_out.fetch_add(1, Ordering::Relaxed);
            }
        }
        let held = self.held_bytes.fetch_add(size as u64, Ordering::Relaxed) + size as u64;
        self.high_water.fetch_max(held, Ordering::Relaxed);
        Ok(news)
    }

    /// Uncounts a block that is gone.
    pub(crate) fn refund(&self, size: usize) {
        let live = match self.classes.get(class_holding(size)) {
            Some(class) => &class.live,
            None => &self.fallbacks_out,
        };
        live.fetch_sub(1, Ordering::Relaxed);
        self.held_bytes.fetch_sub(size as u64, Ordering::Relaxed);
        self.budget.give_back(size as u64);
    }

    /// Frees idle buffers, the largest first, until at least `bytes` are free or none is left.
    fn free_idle(&self, bytes: u64) -> u64 {
        let mut freed = 0;
        for (index, class) in self.classes.iter().enumerate().rev() {
            let missing = bytes.saturating_sub(freed);
            let size = size_of_class(index) as u64;
            let count = usize::try_from(missing.div_ceil(size)).unwrap_or(usize::MAX);
            freed += class.depot.withdraw(count).len() as u64 * size;
        }
        freed
    }

    fn shrink(&self, fraction: f64) -> u64 {
        let mut freed = 0;
        for (index, class) in self.classes.iter().enumerate() {
            let idle = class.depot.stats().idle as f64;
            let count = (idle * fraction.clamp(0.0, 1.0)).ceil() as usize;
            freed += class.depot.withdraw(count).len() * size_of_class(index);
        }
        freed as u64
    }

    /// The answer to pressure: half of what lies idle, then all of it.
    fn relieve(&self, level: Level) {
        match level {
            Level::Normal => {}
            Level::Elevated => drop(self.shrink(0.5)),
            Level::Critical => drop(self.shrink(1.0)),
        }
    }

    fn stats(&self) -> PoolStats {
        let classes = self.classes.iter().enumerate();
        let classes: Vec<_> = classes
            .map(|(index, class)| class.stats(size_of_class(index)))
            .collect();
        let fallbacks = self.fallbacks.load(Ordering::Relaxed);
        let fallbacks_out = self.fallbacks_out.load(Ordering::Relaxed);
        PoolStats {
            hits: classes.iter().map(|class| class.hits).sum(),
            misses: classes.iter().map(|class| class.misses).sum::<u64>() + fallbacks,
            fallbacks,
            outstanding: classes.iter().map(|class| class.outstanding).sum::<usize>()
                + fallbacks_out,
            idle_bytes: classes.iter().map(ClassStats::idle_bytes).sum(),
            held_bytes: self.held_bytes.load(Ordering::Relaxed),
            high_water: self.high_water.load(Ordering::Relaxed),
            classes,
        }
    }
}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferPool")
            .field("budget", self.budget())
            .field("stats", &self.stats())
            .finish()
    }
}
