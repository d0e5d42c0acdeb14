//! One part of a table: the arrays in use, and how they change.

use std::fmt;
use std::sync::Arc as StdArc;

use super::allowance::{Allowance, Exhausted};
use super::array::{Array, Outcome};
use super::key::Key;
use super::window::Window;
use crate::reclaim::{Guard, Replaceable};
use crate::sync::{Mutex, MutexGuard, PoisonError, scaled, yield_now};

/// An array grows when four of five slots are taken; linear probing then looks at about two lines.
const FULL_AT: (usize, usize) = (4, 5);
/// By half: never less than 8 of 15 slots are in use after the first growth.
const GROWTH: (usize, usize) = (3, 2);
/// With no memory to grow, an array takes keys until one slot in so many is left.
const HARD_SLACK: usize = 16;
/// The least length of an array.
pub(super) const LEN_MIN: usize = scaled(16, 8);

pub(super) fn scale(number: usize, (numerator, denominator): (usize, usize)) -> usize {
    let scaled = number as u128 * numerator as u128 / denominator as u128;
    usize::try_from(scaled).unwrap_or(usize::MAX)
}

/// The arrays in use. Never changed, only replaced.
#[derive(Debug)]
pub(super) struct View<K: Key> {
    /// Keys are put in here.
    target: StdArc<Array<K>>,
    /// Oldest first; the last one may be moving into the target.
    older: Vec<StdArc<Array<K>>>,
}

impl<K: Key> View<K> {
    #[inline]
    pub(super) fn target(&self) -> &Array<K> {
        &self.target
    }

    /// The array that moves into the target, if one does.
    #[inline]
    pub(super) fn source(&self) -> Option<&Array<K>> {
        let source = self.older.last()?;
        let moves = source.generation() == self.target.generation() && !source.is_stuck();
        moves.then_some(source)
    }

    #[inline]
    pub(super) fn insert(&self, key: K) -> Outcome {
        if self.older.iter().any(|array| array.settle(key)) {
            return Outcome::Present;
        }
        self.target.insert(key)
    }

    pub(super) fn contains(&self, key: K) -> bool {
        self.arrays().any(|array| array.contains(key))
    }

    #[inline]
    pub(super) fn prefetch(&self, key: K) {
        self.target.prefetch(key);
        for array in &self.older {
            array.prefetch(key);
        }
    }

    fn arrays(&self) -> impl Iterator<Item = &StdArc<Array<K>>> {
        self.older.iter().chain([&self.target])
    }

    /// The keys held; of the array that is moving only what is still to be moved.
    pub(super) fn held(&self) -> usize {
        let sum: usize = self.arrays().map(|array| array.held()).sum();
        let moved = self.source().map_or(0, |source| {
            source.held() - source.unmoved().min(source.held())
        });
        sum.saturating_sub(moved)
    }

    pub(super) fn bytes(&self) -> usize {
        let bytes = self.arrays().map(|array| Array::<K>::bytes(array.len()));
        bytes.sum()
    }

    /// True if it takes no more keys before it grows.
    #[inline]
    pub(super) fn is_crammed(&self) -> bool {
        let coming = self.source().map_or(0, Array::unmoved);
        let len = self.target.len();
        self.target.held() + coming >= len - len / HARD_SLACK
    }

    /// True if it is time to grow.
    fn is_full(&self) -> bool {
        self.target.held() >= scale(self.target.len(), FULL_AT) && self.source().is_none()
    }
}

/// The keys of one range of ranks; shards grow one at a time.
pub(super) struct Shard<K: Key> {
    view: Replaceable<View<K>>,
    /// Held by who replaces the view.
    changing: Mutex<()>,
}

impl<K: Key> Shard<K> {
    pub(super) fn new(len: usize, allowance: &StdArc<dyn Allowance>) -> Result<Self, Exhausted> {
        let view = View {
            target: new_array(len, 0, allowance)?,
            older: Vec::new(),
        };
        Ok(Self {
            view: Replaceable::new(view),
            changing: Mutex::new(()),
        })
    }

    #[inline]
    pub(super) fn view<'a>(&'a self, guard: &'a Guard) -> &'a View<K> {
        self.view.load(guard)
    }

    /// For whoever wants to replace `view`; none if someone else has.
    fn change(&self, view: &View<K>, guard: &Guard) -> Option<MutexGuard<'_, ()>> {
        let lock = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        // The guard keeps the address of `view` from being used again.
        std::ptr::eq(self.view.load(guard), view).then_some(lock)
    }

    /// After it the view is at least as new as that of whoever has sealed a slot: views change
    /// under the lock.
    #[cold]
    pub(super) fn catch_up(&self) {
        drop(self.changing.lock());
    }

    /// Moves a chunk if there is one to be moved in `view`.
    #[inline]
    pub(super) fn help(&self, view: &View<K>, guard: &Guard) {
        if let Some(source) = view.source()
            && source.move_chunk(view.target())
        {
            self.retire(source, guard);
        }
    }

    #[cold]
    fn retire(&self, source: &Array<K>, guard: &Guard) {
        let _lock = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let view = self.view.load(guard);
        let mut older = view.older.clone();
        older.retain(|array| !std::ptr::eq(&raw const **array, source));
        let target = view.target.clone();
        self.view.replace(View { target, older }, guard);
    }

    /// Called now and then with an up-to-date count. Refused memory is no error yet.
    pub(super) fn maintain(&self, view: &View<K>, guard: &Guard) {
        if view.is_full() {
            let _ = self.grow(view, guard);
        }
    }

    /// Makes room: moves what is to be moved, or else grows.
    #[cold]
    pub(super) fn make_room(&self, view: &View<K>, guard: &Guard) -> Result<(), Exhausted> {
        if view.source().is_some() {
            self.help(view, guard);
            yield_now();
            return Ok(());
        }
        self.grow(view, guard)
    }

    /// Puts an array half as long again behind the target of `view`, unless someone else has
    /// changed the view meanwhile.
    fn grow(&self, view: &View<K>, guard: &Guard) -> Result<(), Exhausted> {
        let Some(_lock) = self.change(view, guard) else {
            return Ok(());
        };
        let old = &view.target;
        let len = scale(old.len(), GROWTH);
        let target = new_array(len, old.generation(), old.allowance())?;
        let older = view.older.iter().chain([old]).cloned().collect();
        self.view.replace(View { target, older }, guard);
        Ok(())
    }

    /// Starts `generation` with an array of `len`, and forgets what `window` does not keep, unless
    /// someone else has changed the view meanwhile. With no memory the newest keys stay with those
    /// of the next generation, remembered for longer.
    #[cold]
    pub(super) fn rotate(
        &self,
        view: &View<K>,
        generation: u64,
        len: usize,
        window: Window,
        guard: &Guard,
    ) -> Result<(), Exhausted> {
        let Some(_lock) = self.change(view, guard) else {
            return Ok(());
        };
        let keeps = |array: &&StdArc<Array<K>>| window.keeps(array.generation(), generation);
        let (target, older, result) = match new_array(len, generation, view.target.allowance()) {
            Ok(target) => (
                target,
                view.arrays().filter(keeps).cloned().collect(),
                Ok(()),
            ),
            Err(refused) => {
                view.target.extend_to(generation);
                let older = view.older.iter().filter(keeps).cloned().collect();
                (view.target.clone(), older, Err(refused))
            }
        };
        self.view.replace(View { target, older }, guard);
        result
    }
}

fn new_array<K: Key>(
    len: usize,
    generation: u64,
    allowance: &StdArc<dyn Allowance>,
) -> Result<StdArc<Array<K>>, Exhausted> {
    let array = Array::new(len, generation, allowance).ok_or(Exhausted {
        needed_bytes: Array::<K>::bytes(len),
        done: 0,
    })?;
    Ok(StdArc::new(array))
}

impl<K: Key> fmt::Debug for Shard<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let guard = crate::reclaim::pin();
        f.debug_struct("Shard")
            .field("view", self.view(&guard))
            .finish_non_exhaustive()
    }
}
