//! Where idle items wait: a magazine for each shard of threads, over one store for all.
//!
//! After Bonwick and Adams, "Magazines and Vmem" (USENIX 2001), with two differences: items move
//! between magazine and store in runs, not as whole magazines, and a thread's magazine is locked
//! (one exchange, not waited for), so that what lies in it can still be reached by everyone.

use std::cell::Cell;
use std::sync::LazyLock;

use crate::lock::{Inside, Parting, TryLock};
use crate::stack::Stack;
use crate::sync::{AtomicUsize, CachePadded, Ordering, thread_local};

thread_local! {
    /// This thread's number, or `usize::MAX` before its first visit to any depot.
    #[allow(
        clippy::missing_const_for_thread_local,
        reason = "loom's macro has no const form"
    )]
    static NUMBER: Cell<usize> = Cell::new(usize::MAX);
}

/// How many threads have a number. Behind a `LazyLock`, since a model's atomics are not `const`.
static NUMBERED: LazyLock<AtomicUsize> = LazyLock::new(|| AtomicUsize::new(0));

/// Idle items of one kind.
pub(crate) struct Depot<T> {
    shards: Box<[CachePadded<TryLock<Shelf<T>>>]>,
    store: CachePadded<TryLock<Shelf<T>>>,
    /// The most items in one shard's magazine; at least 1.
    magazine: usize,
}

/// Idle items, newest last, and how often they served.
struct Shelf<T> {
    items: Vec<T>,
    /// Items handed out from here, ever.
    hits: u64,
    /// Once true, nothing is put here any more.
    closed: bool,
}

/// What a depot holds and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DepotStats {
    /// Items that lie idle.
    pub(crate) idle: usize,
    /// Items handed out, ever.
    pub(crate) hits: u64,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            hits: 0,
            closed: false,
        }
    }
}

impl<T> Shelf<T> {
    #[inline]
    fn pop(&mut self) -> Option<T> {
        let item = self.items.pop()?;
        self.hits += 1;
        Some(item)
    }

    /// Takes the newest `count` items away.
    fn take_newest(&mut self, count: usize) -> std::vec::Drain<'_, T> {
        let rest = self.items.len().saturating_sub(count);
        self.items.drain(rest..)
    }
}

impl<T> Depot<T> {
    /// A depot of `shards` magazines, a power of two, of at most `magazine` items each.
    pub(crate) fn new(shards: usize, magazine: usize) -> Self {
        debug_assert!(shards.is_power_of_two() && magazine > 0);
        let shard = |_| CachePadded::new(TryLock::new(Shelf::default()));
        Self {
            shards: (0..shards).map(shard).collect(),
            store: CachePadded::new(TryLock::new(Shelf::default())),
            magazine,
        }
    }

    /// An idle item, from wherever it lies.
    #[inline]
    pub(crate) fn take(&self) -> Option<T> {
        let home = self.home();
        let shelf = self.shards[home].try_enter();
        match shelf.and_then(|mut shelf| shelf.with(Shelf::pop)) {
            Some(item) => Some(item),
            None => self.take_slow(home),
        }
    }

    /// A place for one more item, or none once the depot is closed.
    #[inline]
    pub(crate) fn place(&self) -> Option<Place<T>> {
        let home = self.home();
        if let Some(mut shelf) = self.shards[home].try_enter()
            && shelf.with(|shelf| !shelf.closed && shelf.items.len() < self.magazine)
        {
            return Some(Place::on(shelf));
        }
        self.place_slow(home)
    }

    /// Moves the older half of the magazine of `home` into the store; the place is there too.
    #[cold]
    fn place_slow(&self, home: usize) -> Option<Place<T>> {
        let mut store = self.store.enter();
        if store.with(|store| store.closed) {
            return None;
        }
        if let Some(mut shelf) = self.shards[home].try_enter() {
            shelf.with(|shelf| {
                let half = shelf.items.len() / 2;
                store.with(|store| store.items.extend(shelf.items.drain(..half)));
            });
        }
        Some(Place::on(store))
    }

    /// Refills the magazine of `home` from the store, else from the other magazines.
    #[cold]
    fn take_slow(&self, home: usize) -> Option<T> {
        let steal = |victim| self.steal(home, victim);
        self.refill(home)
            .or_else(|| (0..self.shards.len()).find_map(steal))
    }

    /// Takes an item from the magazine of `victim`, and moves half of the rest to `home`, so that
    /// a thread that only takes meets one that only returns rarely.
    fn steal(&self, home: usize, victim: usize) -> Option<T> {
        let mut from = self.shards[victim].enter();
        let item = from.with(Shelf::pop)?;
        from.with(|from| self.restock(home, from, from.items.len() / 2));
        Some(item)
    }

    fn refill(&self, home: usize) -> Option<T> {
        let mut store = self.store.enter();
        let item = store.with(Shelf::pop)?;
        store.with(|store| self.restock(home, store, self.magazine / 2));
        Some(item)
    }

    /// Moves up to `count` of the newest items of `from` to the magazine of `home`, if it is free
    /// and has room; `from` may be that magazine, which is not free then.
    fn restock(&self, home: usize, from: &mut Shelf<T>, count: usize) {
        if let Some(mut shelf) = self.shards[home].try_enter() {
            shelf.with(|shelf| {
                let room = self.magazine.saturating_sub(shelf.items.len());
                let count = if shelf.closed { 0 } else { count.min(room) };
                shelf.items.extend(from.take_newest(count));
            });
        }
    }

    /// Puts items into the store, for when a depot is new.
    pub(crate) fn stock(&self, items: impl Iterator<Item = T>) {
        self.store.enter().with(|store| store.items.extend(items));
    }

    /// Moves up to `count` of the store's newest items into `magazine`.
    pub(crate) fn load<const N: usize>(&self, magazine: &mut Stack<T, N>, count: usize) {
        self.store
            .enter()
            .with(|store| magazine.load(count, &mut store.items));
    }

    /// Moves all but the newest `keep` items of `magazine` into the store, and counts `hits` that
    /// they served.
    pub(crate) fn unload<const N: usize>(
        &self,
        magazine: &mut Stack<T, N>,
        keep: usize,
        hits: u64,
    ) {
        let surplus = magazine.len().saturating_sub(keep);
        self.store.enter().with(|store| {
            store.hits += hits;
            magazine.take_oldest(surplus, &mut store.items);
        });
    }

    /// Takes up to `count` idle items out for good, from the store first.
    pub(crate) fn withdraw(&self, count: usize) -> Vec<T> {
        let mut taken: Vec<T> = Vec::new();
        for mut shelf in self.shelves() {
            let missing = count - taken.len();
            shelf.with(|shelf| taken.extend(shelf.take_newest(missing)));
        }
        taken
    }

    /// Takes every item out for good and lets none in again.
    pub(crate) fn close(&self) -> Vec<T> {
        let mut taken = Vec::new();
        // The store comes last: an item that finds its magazine closed looks for a place there.
        for shelf in self
            .shards
            .iter()
            .map(|shard| &**shard)
            .chain([&*self.store])
        {
            shelf.enter().with(|shelf| {
                shelf.closed = true;
                taken.append(&mut shelf.items);
            });
        }
        taken
    }

    /// Each magazine is read at a moment of its own: exact when nobody else is at work.
    pub(crate) fn stats(&self) -> DepotStats {
        let mut stats = DepotStats::default();
        for mut shelf in self.shelves() {
            shelf.with(|shelf| {
                stats.idle += shelf.items.len();
                stats.hits += shelf.hits;
            });
        }
        stats
    }

    /// Goes into the store, then into each magazine, one at a time.
    fn shelves(&self) -> impl Iterator<Item = Inside<'_, Shelf<T>>> {
        let shards = self.shards.iter().map(|shard| &**shard);
        std::iter::once(&*self.store)
            .chain(shards)
            .map(TryLock::enter)
    }

    /// The shard where this thread begins: threads take turns, by number.
    #[inline]
    fn home(&self) -> usize {
        let last = self.shards.len() - 1;
        if last == 0 {
            return 0; // and a model, which has one shard, sees no number that outlives it
        }
        let number = NUMBER.with(Cell::get);
        let number = if number == usize::MAX {
            welcome()
        } else {
            number
        };
        number & last
    }
}

/// Gives this thread its number.
#[cold]
fn welcome() -> usize {
    let number = NUMBERED.fetch_add(1, Ordering::Relaxed);
    NUMBER.with(|cell| cell.set(number));
    number
}

/// Room for one item, kept from everyone else until it is filled.
pub(crate) struct Place<T> {
    shelf: Parting<Shelf<T>>,
}

impl<T> Place<T> {
    #[inline]
    fn on(mut shelf: Inside<'_, Shelf<T>>) -> Self {
        shelf.with(|shelf| shelf.items.reserve(1));
        Self {
            shelf: shelf.part(),
        }
    }

    /// Lays `item` down.
    ///
    /// # Safety
    ///
    /// The depot must exist until the item has been laid down; that the item itself keeps it alive
    /// is enough.
    #[inline]
    pub(crate) unsafe fn fill(self, item: T) {
        // SAFETY: the caller's promise. The push cannot panic: `on` made room.
        unsafe { self.shelf.leave(|shelf| shelf.items.push(item)) };
    }
}
