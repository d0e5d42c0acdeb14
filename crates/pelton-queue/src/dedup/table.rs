//! What the handles share: the shards, and which generation takes keys.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc as StdArc;

use super::allowance::{Allowance, Exhausted};
use super::key::Key;
use super::shard::{LEN_MIN, Shard, View, scale};
use super::window::Window;
use crate::reclaim::{Guard, pin};
use crate::sync::scaled;
use crate::sync::{AtomicU64, AtomicUsize, CachePadded, Mutex, MutexGuard, Ordering, PoisonError};

/// Shards of a table, a power of two: what grows at a time is one of so many parts.
pub(super) const SHARDS: usize = scaled(64, 1);

/// The length for `keys` that are known to come to one shard, give or take what chance does: at
/// most three of four slots.
fn len_for(keys: usize) -> usize {
    let chance = 4 * keys.isqrt();
    scale(keys.saturating_add(chance), (4, 3)).saturating_add(LEN_MIN)
}

/// The first length of the shard `index`, of which the least loaded would do with `len`.
///
/// Shards get equally many keys, so they would all grow at once. They begin with lengths from one
/// to one and a half times `len`, and since each grows by half, in every growth of the table they
/// take their turns: at any moment the table has about 12.3 bytes a 64-bit key.
fn staggered(len: usize, index: usize) -> usize {
    scale(len, (2 * SHARDS + index, 2 * SHARDS))
}

/// The table behind all handles.
pub(super) struct Table<K: Key> {
    pub(super) seed: u64,
    window: Window,
    /// The generation that takes keys; shards follow when they are visited.
    generation: CachePadded<AtomicU64>,
    /// The new keys of that generation, as far as they have been counted.
    newest: CachePadded<AtomicUsize>,
    shards: Box<[CachePadded<Shard<K>>]>,
    /// Held by who starts a generation.
    turning: Mutex<()>,
    /// Keys whose scrambled bits no slot can hold, and the generation that saw them: for a given
    /// seed two of all 64-bit keys.
    reserved: Mutex<HashMap<K, u64>>,
}

impl<K: Key> Table<K> {
    pub(super) fn new(
        expected: usize,
        seed: u64,
        window: Window,
        allowance: &StdArc<dyn Allowance>,
    ) -> Result<Self, Exhausted> {
        let len = len_for(window.expected(expected).div_ceil(SHARDS));
        let shard = |index| Shard::new(staggered(len, index), allowance).map(CachePadded::new);
        let shards: Result<Vec<_>, _> = (0..SHARDS).map(shard).collect();
        Ok(Self {
            seed,
            window,
            generation: CachePadded::new(AtomicU64::new(0)),
            newest: CachePadded::new(AtomicUsize::new(0)),
            shards: shards?.into(),
            turning: Mutex::new(()),
            reserved: Mutex::new(HashMap::new()),
        })
    }

    /// The shard of `key`: its first bits; the bits after them place it in the array.
    #[inline]
    pub(super) fn shard_of(key: K) -> usize {
        ((u128::from(key.rank()) * SHARDS as u128) >> 64) as usize
    }

    #[inline]
    pub(super) fn shard(&self, index: usize) -> &Shard<K> {
        &self.shards[index % SHARDS]
    }

    /// The generation that takes keys.
    #[inline]
    pub(super) fn generation(&self) -> u64 {
        // Relaxed: an old answer is that of an operation that came a little earlier.
        self.generation.load(Ordering::Relaxed)
    }

    /// The view of the shard `index`, brought to the generation that takes keys.
    #[inline]
    pub(super) fn view<'a>(&'a self, index: usize, guard: &'a Guard) -> &'a View<K> {
        let shard = self.shard(index);
        loop {
            let view = shard.view(guard);
            let generation = self.generation();
            if generation <= view.target().generation() {
                return view;
            }
            // Refused memory: the shard has no new array, but is of that generation too.
            let _ = self.rotate(shard, view, generation, guard);
        }
    }

    fn rotate(
        &self,
        shard: &Shard<K>,
        view: &View<K>,
        generation: u64,
        guard: &Guard,
    ) -> Result<(), Exhausted> {
        let keys = self.window.expected(view.target().held() * SHARDS);
        let len = len_for(keys.div_ceil(SHARDS));
        shard.rotate(view, generation, len, self.window, guard)
    }

    /// How many new keys a handle may leave uncounted in the window.
    #[inline]
    pub(super) fn lag(&self) -> usize {
        self.window.lag()
    }

    /// Counts `keys` new ones of `generation`, and starts the next one if those are too many.
    #[cold]
    pub(super) fn count(&self, keys: usize, generation: u64) {
        let _lock = self.lock_turning();
        // Those of an older generation no longer matter.
        if generation != self.generation() {
            return;
        }
        // Relaxed, here and below: under the lock.
        let newest = self.newest.load(Ordering::Relaxed) + keys;
        let over = self.window.is_over(newest);
        self.newest
            .store(if over { 0 } else { newest }, Ordering::Relaxed);
        if over {
            self.generation.store(generation + 1, Ordering::Relaxed);
        }
    }

    /// Starts the generation of the time `now`, if it is not there yet, in every shard.
    pub(super) fn advance(&self, now: u64) -> Result<(), Exhausted> {
        let generation = self.window.generation_at(now);
        {
            let _lock = self.lock_turning();
            if generation <= self.generation() {
                return Ok(());
            }
            self.generation.store(generation, Ordering::Relaxed);
        }
        let mut result = Ok(());
        for shard in &self.shards {
            let guard = pin();
            let view = shard.view(&guard);
            if view.target().generation() < generation {
                result = result.and(self.rotate(shard, view, generation, &guard));
            }
        }
        result
    }

    fn lock_turning(&self) -> MutexGuard<'_, ()> {
        self.turning.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys held, as far as they have been counted.
    pub(super) fn held(&self) -> usize {
        self.sum(View::held)
    }

    /// The memory of the arrays in use.
    pub(super) fn bytes(&self) -> usize {
        self.sum(View::bytes)
    }

    fn sum(&self, part: impl Fn(&View<K>) -> usize) -> usize {
        let guard = pin();
        (0..SHARDS)
            .map(|index| part(self.view(index, &guard)))
            .sum()
    }

    /// Insertion for the few keys that no slot can hold.
    #[cold]
    pub(super) fn insert_reserved(&self, key: K) -> bool {
        let generation = self.generation();
        let mut reserved = self.lock_reserved();
        match reserved.get(&key) {
            Some(seen) if self.window.keeps(*seen, generation) => false,
            _ => {
                reserved.insert(key, generation);
                true
            }
        }
    }

    #[cold]
    pub(super) fn contains_reserved(&self, key: K) -> bool {
        let generation = self.generation();
        let reserved = self.lock_reserved();
        let seen = reserved.get(&key);
        seen.is_some_and(|seen| self.window.keeps(*seen, generation))
    }

    fn lock_reserved(&self) -> MutexGuard<'_, HashMap<K, u64>> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Key> fmt::Debug for Table<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("window", &self.window)
            .field("generation", &self.generation())
            .field("held", &self.held())
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}
