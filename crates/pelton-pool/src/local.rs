//! One thread's own end of an object pool.

use std::fmt;

use crate::object_pool::{Core, Entry, Leased, MAGAZINE, ObjectPool};
use crate::stack::Stack;
use crate::sync::Arc;

/// One thread's own end of an [`ObjectPool`]: takes from and returns to a magazine that nobody
/// else sees, and meets the others only once in half a magazine.
///
/// What [`take`](Self::take) lends may be returned anywhere: to this end or to another with
/// [`put`](Self::put), or by dropping it. Up to 129 objects wait here, out of the reach of others,
/// until the end drops; it keeps the pool open.
///
/// ```
/// let pool = pelton_pool::ObjectPool::new(1000, || [0u8; 512]);
/// let mut local = pool.local();
/// for round in 0..10_000 {
///     let mut line = local.take();
///     line[0] = round as u8;
///     local.put(line);
/// }
/// assert_eq!(pool.stats().misses, 0);
/// ```
pub struct Local<T> {
    /// The object that came back last, unless it is out again: whoever takes and returns one at a
    /// time finds it here, in the handle, without the way through the magazine's memory.
    newest: Option<Entry<T>>,
    /// Idle objects, newest last.
    magazine: Stack<Entry<T>, MAGAZINE>,
    /// Objects handed out from the magazine since the pool was last told.
    hits: u64,
    core: Arc<Core<T>>,
    /// Keeps the pool open.
    pool: ObjectPool<T>,
}

impl<T> Local<T> {
    pub(crate) fn new(pool: ObjectPool<T>) -> Self {
        Self {
            newest: None,
            magazine: Stack::new(),
            hits: 0,
            core: pool.core().clone(),
            pool,
        }
    }

    /// An idle object, or a new one where none is idle, as [`ObjectPool::take`].
    #[inline]
    #[must_use]
    pub fn take(&mut self) -> Leased<T> {
        match self.newest.take().or_else(|| self.magazine.pop()) {
            Some(entry) => {
                self.hits += 1;
                Leased::new(entry)
            }
            None => self.take_slow(),
        }
    }

    /// Returns `leased` to this end. One that another pool lent goes home to that pool.
    #[inline]
    pub fn put(&mut self, leased: Leased<T>) {
        let Some(entry) = leased.into_entry_of(&self.core) else {
            return;
        };
        if self.newest.is_none() {
            self.newest = Some(entry);
        } else if let Err(entry) = self.magazine.push(entry) {
            self.put_slow(entry);
        }
    }

    /// The pool of this end.
    #[must_use]
    pub fn pool(&self) -> &ObjectPool<T> {
        &self.pool
    }

    #[cold]
    fn take_slow(&mut self) -> Leased<T> {
        self.core.depot.load(&mut self.magazine, MAGAZINE / 2);
        match self.magazine.pop() {
            Some(entry) => {
                self.hits += 1;
                Leased::new(entry)
            }
            None => self.pool.take(),
        }
    }

    /// How many objects wait here.
    fn idle(&self) -> usize {
        self.magazine.len() + usize::from(self.newest.is_some())
    }

    /// Makes room in a full magazine.
    #[cold]
    fn put_slow(&mut self, entry: Entry<T>) {
        self.unload(MAGAZINE / 2);
        // There is room now.
        drop(self.magazine.push(entry));
    }

    /// Gives all but the newest `keep` objects to the others.
    #[cold]
    fn unload(&mut self, keep: usize) {
        let hits = std::mem::take(&mut self.hits);
        self.core.depot.unload(&mut self.magazine, keep, hits);
        self.core.drop_surplus();
    }
}

impl<T> Drop for Local<T> {
    fn drop(&mut self) {
        if let Some(entry) = self.newest.take() {
            self.put_slow(entry);
        }
        self.unload(0);
    }
}

impl<T> fmt::Debug for Local<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local")
            .field("idle", &self.idle())
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}
