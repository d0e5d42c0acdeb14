//! What the handles share: the arrays in use, and how they change.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc as StdArc;

use super::allowance::{Allowance, Exhausted};
use super::array::{Array, Outcome};
use super::key::Key;
use super::window::Window;
use crate::sync::{Arc, AtomicUsize, Mutex, MutexGuard, Ordering, PoisonError, scaled};

/// An array grows when four of five slots are taken; linear probing then looks at about two lines.
const FULL_AT: (usize, usize) = (4, 5);
/// By half: never less than 8 of 15 slots are in use after the first growth.
const GROWTH: (usize, usize) = (3, 2);
/// With no memory to grow, an array takes keys until one slot in so many is left.
const HARD_SLACK: usize = 16;
/// The least length of an array.
const LEN_MIN: usize = scaled(64, 8);

fn scale(number: usize, (numerator, denominator): (usize, usize)) -> usize {
    let scaled = number as u128 * numerator as u128 / denominator as u128;
    usize::try_from(scaled).unwrap_or(usize::MAX)
}

/// The length for `keys` that are known to come: three of five slots, so that a search looks at one
/// line, for 13.3 bytes a 64-bit key.
fn len_for(keys: usize) -> usize {
    scale(keys, (5, 3)).saturating_add(LEN_MIN)
}

/// The arrays in use, oldest first; keys are put into the last. Never changed, only replaced.
#[derive(Debug)]
pub(super) struct View<K: Key> {
    version: usize,
    arrays: Vec<Arc<Array<K>>>,
}

impl<K: Key> View<K> {
    pub(super) fn target(&self) -> &Array<K> {
        self.arrays.last().expect("a view has an array")
    }

    fn older(&self) -> &[Arc<Array<K>>] {
        &self.arrays[..self.arrays.len() - 1]
    }

    /// The array that moves into the target, if one does.
    fn source(&self) -> Option<&Array<K>> {
        let source = self.older().last()?;
        let moves = source.generation() == self.target().generation() && !source.is_stuck();
        moves.then_some(source)
    }

    #[inline]
    pub(super) fn insert(&self, key: K) -> Outcome {
        if self.older().iter().any(|array| array.settle(key)) {
            return Outcome::Present;
        }
        self.target().insert(key)
    }

    pub(super) fn contains(&self, key: K) -> bool {
        self.arrays.iter().any(|array| array.contains(key))
    }

    #[inline]
    pub(super) fn prefetch(&self, key: K) {
        for array in &self.arrays {
            array.prefetch(key);
        }
    }

    /// The keys held; of the array that is moving only what is still to be moved.
    pub(super) fn held(&self) -> usize {
        let sum: usize = self.arrays.iter().map(|array| array.held()).sum();
        let moved = self.source().map_or(0, |source| {
            source.held() - source.unmoved().min(source.held())
        });
        sum.saturating_sub(moved)
    }

    pub(super) fn bytes(&self) -> usize {
        self.arrays
            .iter()
            .map(|array| Array::<K>::bytes(array.len()))
            .sum()
    }
}

/// The table behind all handles.
pub(super) struct Table<K: Key> {
    pub(super) seed: u64,
    window: Window,
    allowance: StdArc<dyn Allowance>,
    /// The version of `view`, so that handles can tell without the lock that theirs is current.
    version: AtomicUsize,
    view: Mutex<Arc<View<K>>>,
    /// Keys whose scrambled bits no slot can hold, and the generation that saw them: for a given
    /// seed two of all 64-bit keys.
    reserved: Mutex<HashMap<K, u64>>,
}

impl<K: Key> Table<K> {
    pub(super) fn new(
        expected: usize,
        seed: u64,
        window: Window,
        allowance: StdArc<dyn Allowance>,
    ) -> Result<Self, Exhausted> {
        let array = new_array(len_for(window.expected(expected)), 0, &allowance)?;
        let view = View {
            version: 0,
            arrays: vec![Arc::new(array)],
        };
        Ok(Self {
            seed,
            window,
            allowance,
            version: AtomicUsize::new(0),
            view: Mutex::new(Arc::new(view)),
            reserved: Mutex::new(HashMap::new()),
        })
    }

    pub(super) fn view(&self) -> Arc<View<K>> {
        self.lock().clone()
    }

    #[inline]
    pub(super) fn is_current(&self, view: &View<K>) -> bool {
        // ORDERING: Acquire; pairs with the Release store in `replace`.
        self.version.load(Ordering::Acquire) == view.version
    }

    fn lock(&self) -> MutexGuard<'_, Arc<View<K>>> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, current: &mut Arc<View<K>>, arrays: Vec<Arc<Array<K>>>) {
        let version = current.version.wrapping_add(1);
        *current = Arc::new(View { version, arrays });
        // ORDERING: Release; pairs with the Acquire load in `is_current`.
        self.version.store(version, Ordering::Release);
    }

    /// Moves a chunk if there is one to be moved in `view`.
    #[inline]
    pub(super) fn help(&self, view: &View<K>) {
        if let Some(source) = view.source()
            && source.move_chunk(view.target())
        {
            self.retire(source);
        }
    }

    #[cold]
    fn retire(&self, source: &Array<K>) {
        let mut current = self.lock();
        let mut arrays = current.arrays.clone();
        arrays.retain(|array| !std::ptr::eq(&raw const **array, source));
        self.replace(&mut current, arrays);
    }

    /// Called now and then with an up-to-date count: starts the next generation or the next size,
    /// when it is time. Refused memory is no error yet.
    pub(super) fn maintain(&self, view: &View<K>) {
        let target = view.target();
        if self.window.is_over(target.held()) {
            // Refused: the generation goes on until there is memory, or no slot left.
            let _ = self.rotate(view, 1);
        } else if target.held() >= scale(target.len(), FULL_AT) && view.source().is_none() {
            let _ = self.grow(view);
        }
    }

    /// True if `view` takes no more keys before it grows.
    #[inline]
    pub(super) fn is_crammed(&self, view: &View<K>) -> bool {
        let target = view.target();
        let coming = view.source().map_or(0, Array::unmoved);
        target.held() + coming >= target.len() - target.len() / HARD_SLACK
    }

    /// Makes room: moves what is to be moved, or else grows.
    #[cold]
    pub(super) fn make_room(&self, view: &View<K>) -> Result<(), Exhausted> {
        if view.source().is_some() {
            self.help(view);
            crate::sync::yield_now();
            return Ok(());
        }
        self.grow(view)
    }

    /// Puts an array half as long again behind the target of `view`, unless someone else has
    /// changed the view meanwhile.
    fn grow(&self, view: &View<K>) -> Result<(), Exhausted> {
        let mut current = self.lock();
        if current.version != view.version {
            return Ok(());
        }
        let target = view.target();
        let len = scale(target.len(), GROWTH);
        let array = new_array(len, target.generation(), &self.allowance)?;
        let mut arrays = current.arrays.clone();
        arrays.push(Arc::new(array));
        self.replace(&mut current, arrays);
        Ok(())
    }

    /// Starts the generation `steps` after that of `view`, and forgets those that are over, unless
    /// someone else has changed the view meanwhile.
    pub(super) fn rotate(&self, view: &View<K>, steps: u64) -> Result<(), Exhausted> {
        let mut current = self.lock();
        if current.version != view.version {
            return Ok(());
        }
        let target = view.target();
        let generation = target.generation().saturating_add(steps);
        let len = len_for(self.window.expected(target.held()));
        let array = new_array(len, generation, &self.allowance)?;
        let mut arrays = current.arrays.clone();
        arrays.retain(|array| self.window.keeps(array.generation(), generation));
        arrays.push(Arc::new(array));
        self.replace(&mut current, arrays);
        drop(current);
        let mut reserved = self.lock_reserved();
        reserved.retain(|_, seen| self.window.keeps(*seen, generation));
        Ok(())
    }

    /// Starts the generation of the time `now`, if it is not there yet.
    pub(super) fn advance(&self, now: u64) -> Result<(), Exhausted> {
        loop {
            let view = self.view();
            let steps = self
                .window
                .generation_at(now)
                .saturating_sub(view.target().generation());
            if steps == 0 {
                return Ok(());
            }
            self.rotate(&view, steps)?;
        }
    }

    /// Insertion for the few keys that no slot can hold.
    #[cold]
    pub(super) fn insert_reserved(&self, key: K) -> bool {
        let generation = self.view().target().generation();
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
        self.lock_reserved().contains_key(&key)
    }

    fn lock_reserved(&self) -> MutexGuard<'_, HashMap<K, u64>> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_array<K: Key>(
    len: usize,
    generation: u64,
    allowance: &StdArc<dyn Allowance>,
) -> Result<Array<K>, Exhausted> {
    Array::new(len, generation, allowance).ok_or(Exhausted {
        needed_bytes: Array::<K>::bytes(len),
        done: 0,
    })
}

impl<K: Key> fmt::Debug for Table<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("window", &self.window)
            .field("view", &self.view())
            .finish_non_exhaustive()
    }
}
