//! One thread's access to a table.

use super::allowance::Exhausted;
use super::array::Outcome;
use super::builder::Builder;
use super::key::Key;
use super::table::{Table, View};
use crate::sync::{Arc, scaled};

/// New keys that a handle may have put in and not yet added to the shared count.
pub const COUNT_LAG: usize = scaled(64, 1);

/// Keys of a batch that are on their way from memory at once: as many as a core has fill buffers,
/// and some that hit.
const GROUP: usize = 32;

/// Keys of a batch for each chunk that it moves along: while arrays move, each key costs a miss in
/// both, so a batch hurries.
const KEYS_PER_CHUNK: usize = 8;

/// A handle to a set of keys seen; clone it for each thread.
///
/// See the [module](super) for what it promises.
#[derive(Debug)]
pub struct Dedup<K: Key> {
    table: Arc<Table<K>>,
    /// What this handle last saw of the table.
    view: Arc<View<K>>,
    /// New keys not yet counted, in range `0..COUNT_LAG`.
    uncounted: usize,
}

impl<K: Key> Dedup<K> {
    /// Begins with the defaults: no window, no limit, random seed.
    pub fn builder() -> Builder<K> {
        Builder::new()
    }

    pub(super) fn new(table: Arc<Table<K>>) -> Self {
        let view = table.view();
        Self {
            table,
            view,
            uncounted: 0,
        }
    }

    /// Remembers `key`; true if it was not remembered already. Expected constant time; while the
    /// table grows, it moves a chunk of keys along.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] when `key` is new, no slot is left for it, and the allowance gives no more.
    /// `key` is then not remembered.
    #[inline]
    pub fn insert(&mut self, key: K) -> Result<bool, Exhausted> {
        self.refresh();
        self.table.help(&self.view);
        self.insert_scrambled(key.scramble(self.table.seed))
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
        self.refresh();
        let Some(first) = keys.first() else {
            return Ok(());
        };
        let mut scrambled = [*first; GROUP];
        for (scrambled, key) in scrambled.iter_mut().zip(keys) {
            *scrambled = key.scramble(self.table.seed);
            self.view.prefetch(*scrambled);
        }
        for _ in keys.chunks(KEYS_PER_CHUNK) {
            self.table.help(&self.view);
        }
        for (done, (key, new)) in scrambled.iter().zip(new).enumerate() {
            *new = self
                .insert_scrambled(*key)
                .map_err(|error| Exhausted { done, ..error })?;
        }
        Ok(())
    }

    /// True if `key` is remembered now.
    pub fn contains(&mut self, key: K) -> bool {
        self.refresh();
        let key = key.scramble(self.table.seed);
        if key.is_reserved() {
            return self.table.contains_reserved(key);
        }
        self.view.contains(key)
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
    /// [`Exhausted`] when the allowance refuses the memory of the next generation; then nothing is
    /// forgotten.
    pub fn advance(&mut self, now: u64) -> Result<(), Exhausted> {
        self.count();
        let result = self.table.advance(now);
        self.refresh();
        result
    }

    /// Lets go of arrays that are no longer in use. Each other method does it too; call this one
    /// when a handle is going to rest.
    #[inline]
    pub fn refresh(&mut self) {
        if !self.table.is_current(&self.view) {
            self.refresh_slow();
        }
    }

    #[cold]
    fn refresh_slow(&mut self) {
        self.count();
        self.view = self.table.view();
    }

    /// How many keys are remembered, but for those not yet counted ([`COUNT_LAG`]) and those that
    /// are being moved.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.view().held() + self.uncounted
    }

    /// True if no key is remembered; as exact as [`len`](Self::len).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory of the arrays in use, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.table.view().bytes()
    }

    #[inline]
    fn insert_scrambled(&mut self, key: K) -> Result<bool, Exhausted> {
        if key.is_reserved() {
            return Ok(self.table.insert_reserved(key));
        }
        loop {
            if self.table.is_crammed(&self.view) {
                if self.view.contains(key) {
                    return Ok(false);
                }
                self.make_room()?;
                continue;
            }
            match self.view.insert(key) {
                Outcome::Present => return Ok(false),
                Outcome::Inserted => {
                    self.inserted();
                    return Ok(true);
                }
                Outcome::Sealed => self.refresh_slow(),
                Outcome::Full => self.make_room()?,
            }
        }
    }

    #[cold]
    fn make_room(&mut self) -> Result<(), Exhausted> {
        self.count();
        self.table.make_room(&self.view)?;
        self.refresh();
        Ok(())
    }

    #[inline]
    fn inserted(&mut self) {
        self.uncounted += 1;
        // Small tables are counted exactly: their slack is no larger than that.
        if self.uncounted >= COUNT_LAG.min(self.view.target().len() / 1024) {
            self.count();
            self.table.maintain(&self.view);
        }
    }

    fn count(&mut self) {
        if self.uncounted != 0 {
            self.view.target().count(self.uncounted);
            self.uncounted = 0;
        }
    }
}

impl<K: Key> Clone for Dedup<K> {
    fn clone(&self) -> Self {
        Self::new(self.table.clone())
    }
}

impl<K: Key> Drop for Dedup<K> {
    fn drop(&mut self) {
        self.count();
    }
}
