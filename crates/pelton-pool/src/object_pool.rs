//! Objects of one type, made once and recycled.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

use crate::budget::Budget;
use crate::depot::{Depot, Place};
use crate::local::Local;
use crate::reservation::{OverBudget, Reservation};
use crate::sync::{Arc, AtomicU64, AtomicUsize, Ordering, scaled};

/// The most objects in one shard's magazine, and in a [`Local`]'s.
pub(crate) const MAGAZINE: usize = scaled(128, 2);
/// Two threads on one shard step aside for each other, so this is about speed, not about right.
const SHARDS: usize = scaled(8, 1);

type Make<T> = Box<dyn Fn() -> T + Send + Sync>;
type Reset<T> = Box<dyn Fn(&mut T) + Send + Sync>;

/// Lends objects that were made at the start, and takes them back for the next borrower.
///
/// A handle: clones are the same pool. When all its objects are out, [`take`](Self::take) makes
/// one more, which is counted as a miss and not kept; [`try_take`](Self::try_take) does not.
/// A thread that takes and returns a great deal should do so through a [`Local`].
///
/// ```
/// use pelton_pool::ObjectPool;
///
/// let pool = ObjectPool::builder(|| Vec::with_capacity(64))
///     .capacity(2)
///     .reset(|list: &mut Vec<u32>| list.clear())
///     .build()?;
/// let mut list = pool.take();
/// list.push(7);
/// drop(list);
/// assert!(pool.take().is_empty());
/// assert_eq!(pool.stats().misses, 0);
/// # Ok::<(), pelton_pool::OverBudget>(())
/// ```
pub struct ObjectPool<T> {
    handle: Arc<Handle<T>>,
}

/// What all clones of a pool share; the last one closes the pool.
struct Handle<T> {
    core: Arc<Core<T>>,
}

/// What pool and objects share; outlives the pool until the last object is back.
pub(crate) struct Core<T> {
    pub(crate) depot: Depot<Entry<T>>,
    make: Make<T>,
    reset: Option<Reset<T>>,
    /// The most objects that are kept.
    capacity: usize,
    /// Objects that exist, lent or idle.
    live: AtomicUsize,
    high_water: AtomicUsize,
    misses: AtomicU64,
    _paid: Option<Reservation>,
}

/// An object with the way home.
pub(crate) struct Entry<T> {
    value: Box<T>,
    pool: Arc<Core<T>>,
}

/// Sets up an [`ObjectPool`].
#[must_use]
pub struct ObjectPoolBuilder<T> {
    make: Make<T>,
    reset: Option<Reset<T>>,
    capacity: usize,
    budget: Option<Budget>,
}

impl<T> ObjectPoolBuilder<T> {
    /// Makes `objects` at the start and keeps as many. Default: 1024.
    pub fn capacity(mut self, objects: usize) -> Self {
        self.capacity = objects;
        self
    }

    /// Runs `reset` on each object that comes back. Default: nothing.
    ///
    /// An object whose reset panics is dropped, not recycled; the panic goes to whoever returned
    /// it.
    pub fn reset(mut self, reset: impl Fn(&mut T) + Send + Sync + 'static) -> Self {
        self.reset = Some(Box::new(reset));
        self
    }

    /// Pays for `capacity` objects from `budget`, by their own size; what they own besides is
    /// theirs to pay. Default: nobody pays.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Makes the pool and its objects.
    ///
    /// # Errors
    ///
    /// When the budget has not enough left for `capacity` objects.
    pub fn build(self) -> Result<ObjectPool<T>, OverBudget> {
        let bytes = self.capacity.saturating_mul(size_of::<T>());
        let budget = self.budget.as_ref();
        let paid = budget.map(|budget| budget.reserve(bytes as u64));
        Ok(self.open(paid.transpose()?))
    }

    fn open(self, paid: Option<Reservation>) -> ObjectPool<T> {
        let core = Arc::new(Core {
            depot: Depot::new(SHARDS, MAGAZINE),
            make: self.make,
            reset: self.reset,
            capacity: self.capacity,
            live: AtomicUsize::new(0),
            high_water: AtomicUsize::new(0),
            misses: AtomicU64::new(0),
            _paid: paid,
        });
        // The handle first: should `make` panic, it frees what was made before.
        let handle = Arc::new(Handle { core });
        let core = &handle.core;
        core.depot
            .stock((0..self.capacity).map(|_| Entry::new(core)));
        ObjectPool { handle }
    }
}

impl<T> ObjectPool<T> {
    /// A pool of `capacity` objects that `make` makes now.
    #[must_use]
    pub fn new(capacity: usize, make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self::builder(make).capacity(capacity).open(None)
    }

    /// A pool to be set up, of objects that `make` makes.
    pub fn builder(make: impl Fn() -> T + Send + Sync + 'static) -> ObjectPoolBuilder<T> {
        ObjectPoolBuilder {
            make: Box::new(make),
            reset: None,
            capacity: 1024,
            budget: None,
        }
    }

    /// An idle object, or a new one where none is idle. New ones beyond the capacity are counted
    /// as misses and dropped when they come back.
    #[inline]
    #[must_use]
    pub fn take(&self) -> Leased<T> {
        let idle = self.core().depot.take();
        Leased::new(idle.unwrap_or_else(|| Core::miss(self.core())))
    }

    /// An idle object, or none: what bounds how many are out at once.
    #[inline]
    #[must_use]
    pub fn try_take(&self) -> Option<Leased<T>> {
        self.core().depot.take().map(Leased::new)
    }

    /// An end of its own for one thread, which takes and returns in a few instructions.
    #[must_use]
    pub fn local(&self) -> Local<T> {
        Local::new(self.clone())
    }

    /// What the pool holds and did. Exact when nobody else is at work and no [`Local`] is alive.
    #[must_use]
    pub fn stats(&self) -> ObjectStats {
        let core = self.core();
        let depot = core.depot.stats();
        let live = core.live.load(Ordering::Relaxed);
        ObjectStats {
            hits: depot.hits,
            misses: core.misses.load(Ordering::Relaxed),
            outstanding: live.saturating_sub(depot.idle),
            idle: depot.idle,
            high_water: core.high_water.load(Ordering::Relaxed),
        }
    }

    #[inline]
    pub(crate) fn core(&self) -> &Arc<Core<T>> {
        &self.handle.core
    }
}

impl<T> Clone for ObjectPool<T> {
    fn clone(&self) -> Self {
        let handle = self.handle.clone();
        Self { handle }
    }
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        drop(self.core.depot.close());
    }
}

impl<T> Core<T> {
    /// One object more, because none was idle.
    #[cold]
    fn miss(this: &Arc<Self>) -> Entry<T> {
        this.misses.fetch_add(1, Ordering::Relaxed);
        Entry::new(this)
    }

    /// A place for an idle object, if one more is to be kept.
    #[inline]
    fn place(&self) -> Option<Place<Entry<T>>> {
        if self.live.load(Ordering::Relaxed) > self.capacity {
            return None;
        }
        self.depot.place()
    }

    /// Drops idle objects for as long as more exist than are to be kept.
    pub(crate) fn drop_surplus(&self) {
        let live = self.live.load(Ordering::Relaxed);
        if live > self.capacity {
            drop(self.depot.withdraw(live - self.capacity));
        }
    }
}

impl<T> Entry<T> {
    fn new(pool: &Arc<Core<T>>) -> Self {
        let value = Box::new((pool.make)());
        let live = pool.live.fetch_add(1, Ordering::Relaxed) + 1;
        pool.high_water.fetch_max(live, Ordering::Relaxed);
        let pool = pool.clone();
        Self { value, pool }
    }

    /// Makes the object ready for the next borrower.
    #[inline]
    fn reset(self) -> Self {
        if self.pool.reset.is_some() {
            return self.reset_slow();
        }
        self
    }

    /// Should the hook panic, the object is dropped on the way out.
    #[inline(never)]
    fn reset_slow(mut self) -> Self {
        if let Some(reset) = &self.pool.reset {
            reset(&mut self.value);
        }
        self
    }

    /// Resets the object and lays it down idle, or drops it if there is no place.
    #[inline]
    fn go_home(self) {
        let entry = self.reset();
        if let Some(place) = entry.pool.place() {
            // SAFETY: the place is in the pool, which this entry keeps alive until it is laid down.
            unsafe { place.fill(entry) };
        }
    }
}

impl<T> Drop for Entry<T> {
    fn drop(&mut self) {
        self.pool.live.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An object on loan; dropping it returns it to its pool, from any thread, also after every handle
/// of the pool is gone.
pub struct Leased<T> {
    /// Taken out only by `drop` and `into_entry`.
    entry: ManuallyDrop<Entry<T>>,
}

impl<T> Leased<T> {
    #[inline]
    pub(crate) fn new(entry: Entry<T>) -> Self {
        Self {
            entry: ManuallyDrop::new(entry),
        }
    }

    /// The object, reset, if it is of `pool`; else it goes home by itself.
    #[inline]
    pub(crate) fn into_entry_of(self, pool: &Arc<Core<T>>) -> Option<Entry<T>> {
        if !Arc::ptr_eq(&self.entry.pool, pool) {
            return None;
        }
        let mut leased = ManuallyDrop::new(self);
        // SAFETY: `leased` will not be dropped and is not touched again.
        let entry = unsafe { ManuallyDrop::take(&mut leased.entry) };
        Some(entry.reset())
    }
}

impl<T> Drop for Leased<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the lease is going away and `entry` is not touched again.
        let entry = unsafe { ManuallyDrop::take(&mut self.entry) };
        entry.go_home();
    }
}

impl<T> Deref for Leased<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.entry.value
    }
}

impl<T> DerefMut for Leased<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.entry.value
    }
}

/// What an [`ObjectPool`] holds and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectStats {
    /// Objects served from idle ones, ever.
    pub hits: u64,
    /// Objects made because none was idle, ever.
    pub misses: u64,
    /// Objects that are lent, or lie with a [`Local`].
    pub outstanding: usize,
    /// Objects that wait for the next borrower.
    pub idle: usize,
    /// The most objects that existed at once so far.
    pub high_water: usize,
}

impl<T> fmt::Debug for ObjectPool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectPool")
            .field("capacity", &self.core().capacity)
            .field("stats", &self.stats())
            .finish()
    }
}

impl<T> fmt::Debug for ObjectPoolBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectPoolBuilder")
            .field("capacity", &self.capacity)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

impl<T: fmt::Debug> fmt::Debug for Leased<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
