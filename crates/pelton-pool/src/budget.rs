//! One limit in bytes, taken from before memory is, given back when a reservation drops.
//!
//! Bytes in use and level share one atomic word, so that a change of level happens exactly once,
//! in the operation that crossed the threshold, and is never lost or seen twice.

use std::fmt;

use crate::level::{Level, Thresholds};
use crate::reservation::{OverBudget, Reservation};
use crate::subscription::{Subscribers, Subscription};
use crate::sync::{Arc, AtomicU8, AtomicU64, Ordering};

/// What an unlimited budget gives as its limit, in bytes.
pub const UNLIMITED: u64 = u64::MAX;

/// The low bits of the state hold the level, the others the bytes in use.
const LEVEL_BITS: u32 = 2;
/// The most that can be counted: 4 EiB, more than any machine addresses.
const COUNTABLE: u64 = u64::MAX >> LEVEL_BITS;

/// A limit in bytes that many share; cheap to clone, every clone is the same budget.
///
/// Budgets form a tree: what is taken from a child is taken from all its ancestors too, and the
/// first level that has not enough refuses, by name. Nothing here allocates memory or frees it;
/// a budget only says how much may be.
///
/// Reserving is one compare-and-exchange a level of the tree, and never waits.
///
/// ```
/// use pelton_pool::{Budget, Level};
///
/// let engine = Budget::new(1000);
/// let lane = engine.child("lane", Some(600));
/// let held = lane.reserve(500)?;
/// assert_eq!((lane.used(), engine.used()), (500, 500));
///
/// let refused = lane.reserve(200).unwrap_err();
/// assert_eq!(
///     refused.to_string(),
///     r#"budget "lane": requested 200 bytes, available 100 of 600"#
/// );
///
/// drop(held);
/// assert_eq!((engine.used(), engine.level()), (0, Level::Normal));
/// # Ok::<(), pelton_pool::OverBudget>(())
/// ```
#[derive(Clone)]
pub struct Budget {
    node: Arc<Node>,
}

struct Node {
    name: Box<str>,
    /// In range `0..=COUNTABLE`, or [`UNLIMITED`].
    limit: u64,
    thresholds: Thresholds,
    /// Bytes in use, shifted left by `LEVEL_BITS`, and the level they mean.
    state: AtomicU64,
    /// The most bytes in use at once so far.
    high_water: AtomicU64,
    /// The level that the world outside asks for, as set by [`Budget::signal`].
    outside: AtomicU8,
    parent: Option<Budget>,
    subscribers: Subscribers,
}

/// Whether a change of bytes changed a level, and subscribers are to hear of it.
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "subscribers wait for news"]
pub(crate) struct News {
    changed: bool,
}

/// Bytes in use and level, as one state holds them.
fn unpack(state: u64) -> (u64, Level) {
    let level = (state & ((1 << LEVEL_BITS) - 1)) as u8;
    (state >> LEVEL_BITS, Level::from_bits(level))
}

fn pack(used: u64, level: Level) -> u64 {
    used << LEVEL_BITS | level as u64
}

impl Budget {
    /// A budget of `limit_bytes`, named "memory". Limits of 4 EiB and more are no limit.
    #[must_use]
    pub fn new(limit_bytes: u64) -> Self {
        Self::root("memory", limit_bytes)
    }

    /// A budget that counts but never refuses, named "memory".
    #[must_use]
    pub fn unlimited() -> Self {
        Self::new(UNLIMITED)
    }

    /// A budget of `limit_bytes` under a name of its own, which errors will show.
    #[must_use]
    pub fn root(name: &str, limit_bytes: u64) -> Self {
        Self::build(name, limit_bytes, None)
    }

    /// A part of this budget with a limit of its own, or with none but its ancestors'.
    ///
    /// The limit may exceed the parent's; the smaller one binds.
    #[must_use]
    pub fn child(&self, name: &str, limit_bytes: Option<u64>) -> Self {
        Self::build(name, limit_bytes.unwrap_or(UNLIMITED), Some(self.clone()))
    }

    fn build(name: &str, limit: u64, parent: Option<Self>) -> Self {
        let limit = if limit >= COUNTABLE { UNLIMITED } else { limit };
        let thresholds = Thresholds::of(limit);
        let level = thresholds.next(Level::Normal, 0);
        let node = Node {
            name: name.into(),
            limit,
            thresholds,
            state: AtomicU64::new(pack(0, level)),
            high_water: AtomicU64::new(0),
            outside: AtomicU8::new(Level::Normal as u8),
            parent,
            subscribers: Subscribers::new(),
        };
        Self {
            node: Arc::new(node),
        }
    }

    /// Takes `bytes` from this budget and all its ancestors, until the reservation drops.
    ///
    /// Zero bytes are always granted. Takes O(depth of the tree) and never waits. Where
    /// two requests race for the last bytes of an ancestor, the levels below the loser have briefly
    /// counted it, so that a third that would just fit may be refused as well.
    ///
    /// # Errors
    ///
    /// When this budget or an ancestor has fewer bytes left; the error names which. Nothing is
    /// taken then.
    pub fn reserve(&self, bytes: u64) -> Result<Reservation, OverBudget> {
        let news = self.take(bytes)?;
        let reservation = Reservation::taken(self.clone(), bytes);
        self.announce(news);
        Ok(reservation)
    }

    /// Bytes in use, by reservations here and in all descendants.
    #[must_use]
    pub fn used(&self) -> u64 {
        unpack(self.node.state.load(Ordering::Relaxed)).0
    }

    /// The limit of this level alone, in bytes; [`UNLIMITED`] where it has none.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.node.limit
    }

    /// How many bytes a reservation made now could get: the least that is left here or in an
    /// ancestor.
    #[must_use]
    pub fn available(&self) -> u64 {
        let left = self.lineage().map(Self::left_here);
        left.min().unwrap_or(0)
    }

    /// The most bytes in use at once so far.
    #[must_use]
    pub fn high_water(&self) -> u64 {
        self.node.high_water.load(Ordering::Relaxed)
    }

    /// The pressure on whoever takes from here: the highest level among this budget, its
    /// ancestors, and what was [signalled](Self::signal) to them.
    #[must_use]
    pub fn level(&self) -> Level {
        let levels = self.lineage().map(Self::level_here);
        levels.max().unwrap_or_default()
    }

    /// The name that errors show.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.node.name
    }

    /// Calls `callback` with the new level whenever [`level`](Self::level) has changed, until the
    /// subscription drops.
    ///
    /// The callback runs on the thread that caused the change, never twice at once, and in the
    /// order of the changes; a change that was undone before anyone could be told is not told.
    /// It may use this budget in any way, drop reservations included: a change that it causes
    /// itself is told after it returns. It should be short.
    ///
    /// A call that already runs on another thread may outlive the subscription's drop by a moment.
    pub fn subscribe(&self, callback: impl Fn(Level) + Send + Sync + 'static) -> Subscription {
        let subscription = Subscription::new(self.clone(), Box::new(callback));
        for budget in self.lineage() {
            budget.node.subscribers.add(subscription.subscriber());
        }
        // A change between the first reading and the last list would go unheard.
        subscription.subscriber().tell();
        subscription
    }

    /// Raises this budget's level to at least `level` from outside, until signalled again.
    ///
    /// For what the count of bytes cannot see: the process's resident memory, a container's
    /// limit, an operator's wish. See [`memory`](crate::memory) for such readings.
    pub fn signal(&self, level: Level) {
        // ORDERING: AcqRel; a subscriber told by a later signal sees what came before this one.
        let before = self.node.outside.swap(level as u8, Ordering::AcqRel);
        if before != level as u8 {
            self.node.subscribers.tell();
        }
    }

    /// This budget and its ancestors, from here up.
    fn lineage(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |budget| budget.node.parent.as_ref())
    }

    fn left_here(&self) -> u64 {
        if self.node.limit == UNLIMITED {
            UNLIMITED
        } else {
            self.node.limit - self.used()
        }
    }

    fn level_here(&self) -> Level {
        // ORDERING: Acquire; pairs with the AcqRel exchanges in `change_here` and `signal`.
        let (_, inside) = unpack(self.node.state.load(Ordering::Acquire));
        let outside = Level::from_bits(self.node.outside.load(Ordering::Acquire));
        inside.max(outside)
    }

    /// Takes `bytes` here and from all ancestors; the caller [announces](Self::announce) the news
    /// once somebody owns the bytes.
    pub(crate) fn take(&self, bytes: u64) -> Result<News, OverBudget> {
        let mut news = News::default();
        if bytes == 0 {
            return Ok(news);
        }
        // Asking first keeps a refusal without trace: nothing counted below, no level changed.
        if let Some(short) = self.lineage().find(|budget| budget.left_here() < bytes) {
            return Err(short.refusal(bytes));
        }
        for budget in self.lineage() {
            if let Some(changed) = budget.take_here(bytes) {
                news.changed |= changed;
            } else {
                let refusal = budget.refusal(bytes);
                news.changed |= self.give_back_below(Some(budget), bytes);
                self.announce(news);
                return Err(refusal);
            }
        }
        for budget in self.lineage() {
            budget.mark_high_water();
        }
        Ok(news)
    }

    /// Gives `bytes` back here and to all ancestors.
    pub(crate) fn give_back(&self, bytes: u64) {
        let changed = bytes > 0 && self.give_back_below(None, bytes);
        self.announce(News { changed });
    }

    /// Tells the subscribers, if there is anything to tell. Callbacks may panic, so this comes
    /// last.
    #[inline]
    pub(crate) fn announce(&self, news: News) {
        if news.changed {
            for budget in self.lineage() {
                budget.node.subscribers.tell();
            }
        }
    }

    /// Gives `bytes` back to the levels from here up to `end`, which took nothing; true when a
    /// level changed.
    fn give_back_below(&self, end: Option<&Self>, bytes: u64) -> bool {
        let is_below = |budget: &&Self| end.is_none_or(|end| !Arc::ptr_eq(&budget.node, &end.node));
        let taken = self.lineage().take_while(is_below);
        taken.fold(false, |changed, budget| {
            budget.give_back_here(bytes) | changed
        })
    }

    #[cold]
    fn refusal(&self, requested: u64) -> OverBudget {
        OverBudget {
            budget: self.node.name.clone(),
            requested,
            available: self.left_here(),
            limit: self.limit(),
        }
    }

    fn take_here(&self, bytes: u64) -> Option<bool> {
        let most = self.node.limit.min(COUNTABLE);
        self.change_here(|used| used.checked_add(bytes).filter(|&sum| sum <= most))
    }

    fn give_back_here(&self, bytes: u64) -> bool {
        let given = self.change_here(|used| used.checked_sub(bytes));
        debug_assert!(given.is_some(), "more bytes given back than were taken");
        given.unwrap_or_default()
    }

    /// Moves the bytes in use, and with them the level: `None` when `step` refuses, else whether
    /// the level changed.
    fn change_here(&self, step: impl Fn(u64) -> Option<u64>) -> Option<bool> {
        let node = &*self.node;
        let mut state = node.state.load(Ordering::Relaxed);
        loop {
            let (used, level) = unpack(state);
            let used = step(used)?;
            let next = node.thresholds.next(level, used);
            // ORDERING: AcqRel; who takes bytes that another gave back comes after that giving,
            // and whoever reads a level (Acquire) sees what led to it.
            let moved = node.state.compare_exchange_weak(
                state,
                pack(used, next),
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
            match moved {
                Ok(_) => return Some(next != level),
                Err(current) => state = current,
            }
        }
    }

    fn mark_high_water(&self) {
        let used = self.used();
        if used > self.high_water() {
            self.node.high_water.fetch_max(used, Ordering::Relaxed);
        }
    }

    /// Takes `subscription` off this budget and all its ancestors.
    pub(crate) fn unsubscribe(&self, subscription: &Subscription) {
        for budget in self.lineage() {
            budget.node.subscribers.remove(subscription.subscriber());
        }
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("name", &self.name())
            .field("used", &self.used())
            .field("limit", &self.limit())
            .field("level", &self.level())
            .finish_non_exhaustive()
    }
}
