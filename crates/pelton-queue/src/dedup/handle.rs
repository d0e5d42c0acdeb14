//! One thread's access to a table.

use super::allowance::Exhausted;
use super::array::{Array, Outcome};
use super::builder::Builder;
use super::key::Key;
use super::shard::View;
use super::table::{SHARDS, Table};
use crate::reclaim::{Guard, pin};
use crate::sync::{Arc, scaled};

/// New keys that a handle may have put in and not yet added to the count of a window by keys.
pub const COUNT_LAG: usize = scaled(64, 1);

/// Of the slots of an array, one in so many may be taken without having been counted, by each
/// handle: counting is a write to memory that all share.
const UNCOUNTED: usize = 1024;

/// Keys of a batch that are on their way from memory at once: as many as a core has fill buffers,
/// and some that hit.
const GROUP: usize = 32;

/// A handle to a set of keys seen; clone it for each thread.
///
/// See the [module](super) for what it promises.
#[derive(Debug)]
pub struct Dedup<K: Key> {
    table: Arc<Table<K>>,
    counts: Box<Counts>,
}

/// What one handle has put in and not yet told.
#[derive(Debug)]
struct Counts {
    /// By shard: the address of its array, and the new keys in it.
    arrays: [(usize, usize); SHARDS],
    /// The generation, and the new keys in it, below [`COUNT_LAG`].
    window: (u64, usize),
}

/// Adds one to `count` for `place`; what was counted for another place is forgotten.
#[inline]
fn add<P: PartialEq>(count: &mut (P, usize), place: P) -> &mut usize {
    if count.0 != place {
        *count = (place, 0);
    }
    count.1 += 1;
    &mut count.1
}

#[inline]
fn address<K: Key>(array: &Array<K>) -> usize {
    (&raw const *array).addr()
}

impl<K: Key> Dedup<K> {
    /// Begins with the defaults: no window, no limit, random seed.
    pub fn builder() -> Builder<K> {
        Builder::new()
    }

    pub(super) fn new(table: Arc<Table<K>>) -> Self {
        Self {
            table,
            counts: Box::new(Counts::NONE),
        }
    }

    /// Remembers `key`; true if it was not remembered already. Expected constant time; while its
    /// part of the table grows, it moves a chunk of keys along.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] when `key` is new, no slot is left for it, and the allowance gives no more.
    /// `key` is then not remembered.
    #[inline]
    pub fn insert(&mut self, key: K) -> Result<bool, Exhausted> {
        let key = key.scramble(self.table.seed);
        self.counts.insert(&self.table, key, &pin())
    }

    /// Inserts each of `keys` in order, and says of each in `new` whether it was not remembered
    /// already. Faster than one by one, because the cache misses overlap.
    ///
    /// # Errors
    ///
    /// As for [`insert`](Self::insert); [`Exhausted::done`] of the keys have been answered.
    ///
    /// # Panics
    ///
    /// If the two slices differ in length.
    pub fn insert_batch(&mut self, keys: &[K], new: &mut [bool]) -> Result<(), Exhausted> {
        assert_eq!(keys.len(), new.len(), "one answer for each key");
        let groups = keys.chunks(GROUP).zip(new.chunks_mut(GROUP));
        for (index, (keys, new)) in groups.enumerate() {
            self.insert_group(keys, new).map_err(|error| Exhausted {
                done: index * GROUP + error.done,
                ..error
            })?;
        }
        Ok(())
    }

    /// Inserts at most [`GROUP`] keys.
    #[inline]
    fn insert_group(&mut self, keys: &[K], new: &mut [bool]) -> Result<(), Exhausted> {
        let Some(first) = keys.first() else {
            return Ok(());
        };
        let guard = pin();
        let mut scrambled = [*first; GROUP];
        for (scrambled, key) in scrambled.iter_mut().zip(keys) {
            *scrambled = key.scramble(self.table.seed);
            let shard = self.table.shard(Table::shard_of(*scrambled));
            shard.view(&guard).prefetch(*scrambled);
        }
        for (done, (key, new)) in scrambled.iter().zip(new).enumerate() {
            let inserted = self.counts.insert(&self.table, *key, &guard);
            *new = inserted.map_err(|error| Exhausted { done, ..error })?;
        }
        Ok(())
    }

    /// True if `key` is remembered now.
    #[must_use]
    pub fn contains(&self, key: K) -> bool {
        let key = key.scramble(self.table.seed);
        if key.is_reserved() {
            return self.table.contains_reserved(key);
        }
        self.table.view(Table::shard_of(key), &pin()).contains(key)
    }

    /// Tells a table with a window by time what time it is, in the unit of the window, and so
    /// forgets what is too old. Time that goes back is ignored. Call it once a batch: it locks.
    ///
    /// ```
    /// use pelton_queue::dedup::Dedup;
    ///
    /// let mut seen = Dedup::<u64>::builder().window_time(60, 2).build().unwrap();
    /// seen.advance(0).unwrap();
    /// assert_eq!(seen.insert(7), Ok(true));
    /// seen.advance(60).unwrap();
    /// assert_eq!(seen.insert(7), Ok(false)); // remembered for 60 at least
    /// seen.advance(120).unwrap();
    /// assert_eq!(seen.insert(7), Ok(true)); // and for 120 at most
    /// ```
    ///
    /// # Errors
    ///
    /// [`Exhausted`] when the allowance refuses memory for the next generation. What is too old is
    /// forgotten all the same; the keys of the last generation are then remembered with those of
    /// the next, for longer than was asked.
    pub fn advance(&mut self, now: u64) -> Result<(), Exhausted> {
        self.table.advance(now)
    }

    /// How many keys are remembered, but for one in a thousand that handles have not yet counted,
    /// and those that are being moved.
    #[must_use]
    pub fn len(&self) -> usize {
        let uncounted: usize = self.counts.arrays.iter().map(|(_, keys)| keys).sum();
        self.table.held() + uncounted
    }

    /// True if no key is remembered; as exact as [`len`](Self::len).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory of the arrays in use, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.table.bytes()
    }
}

impl Counts {
    const NONE: Self = Self {
        arrays: [(0, 0); SHARDS],
        window: (0, 0),
    };

    #[inline]
    fn insert<K: Key>(
        &mut self,
        table: &Table<K>,
        key: K,
        guard: &Guard,
    ) -> Result<bool, Exhausted> {
        if key.is_reserved() {
            return Ok(table.insert_reserved(key));
        }
        let index = Table::shard_of(key);
        let shard = table.shard(index);
        loop {
            let view = table.view(index, guard);
            shard.help(view, guard);
            if view.is_crammed() {
                if view.contains(key) {
                    return Ok(false);
                }
                self.tell(index, view);
                shard.make_room(view, guard)?;
                continue;
            }
            match view.insert(key) {
                Outcome::Present => return Ok(false),
                Outcome::Inserted => {
                    self.inserted(table, index, view, guard);
                    return Ok(true);
                }
                Outcome::Sealed => shard.catch_up(),
                Outcome::Full => shard.make_room(view, guard)?,
            }
        }
    }

    #[inline]
    fn inserted<K: Key>(&mut self, table: &Table<K>, index: usize, view: &View<K>, guard: &Guard) {
        let target = view.target();
        let uncounted = add(&mut self.arrays[index], address(target));
        if *uncounted * UNCOUNTED >= target.len() {
            self.tell(index, view);
            table.shard(index).maintain(view, guard);
        }
        let uncounted = add(&mut self.window, target.generation());
        if *uncounted >= table.lag() {
            self.tell_window(table);
        }
    }

    /// Tells the array of `view` what has been put in.
    fn tell<K: Key>(&mut self, index: usize, view: &View<K>) {
        let (array, keys) = std::mem::take(&mut self.arrays[index]);
        if array == address(view.target()) && keys != 0 {
            view.target().count(keys);
        }
    }

    #[cold]
    fn tell_window<K: Key>(&mut self, table: &Table<K>) {
        let (generation, keys) = std::mem::take(&mut self.window);
        table.count(keys, generation);
    }
}

impl<K: Key> Clone for Dedup<K> {
    fn clone(&self) -> Self {
        Self::new(self.table.clone())
    }
}

impl<K: Key> Drop for Dedup<K> {
    fn drop(&mut self) {
        self.counts.tell_window(&self.table);
        let guard = pin();
        for index in 0..SHARDS {
            self.counts
                .tell(index, self.table.shard(index).view(&guard));
        }
    }
}
