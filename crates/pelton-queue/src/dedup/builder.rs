//! How a table is made.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::marker::PhantomData;
use std::sync::Arc as StdArc;

use super::allowance::{Allowance, Exhausted, Unlimited};
use super::handle::Dedup;
use super::key::Key;
use super::table::Table;
use super::window::Window;
use crate::sync::Arc;

/// Makes a [`Dedup`]; from [`Dedup::builder`].
#[must_use = "a builder does nothing until it builds"]
pub struct Builder<K> {
    expected: usize,
    window: Window,
    allowance: StdArc<dyn Allowance>,
    seed: u64,
    key: PhantomData<K>,
}

impl<K: Key> Builder<K> {
    pub(super) fn new() -> Self {
        Self {
            expected: 0,
            window: Window::ENDLESS,
            allowance: StdArc::new(Unlimited),
            seed: RandomState::new().hash_one(0),
            key: PhantomData,
        }
    }

    /// Makes room for so many keys from the start, or in the first generation of a window by time.
    /// Default 0: it grows as it is filled.
    pub fn expected(mut self, keys: usize) -> Self {
        self.expected = keys;
        self
    }

    /// Remembers each key for at least the next `keys` new keys, and at most
    /// `keys * generations / (generations - 1)` and the lag of the counts. Default: for ever.
    ///
    /// More generations hold less beyond the window, and cost a cache miss each. Two is a good
    /// choice; memory is then twice the window.
    ///
    /// # Panics
    ///
    /// If `generations` is less than 2.
    pub fn window_keys(mut self, keys: usize, generations: u32) -> Self {
        assert!(generations >= 2, "a window has at least two generations");
        self.window = Window::keys(keys, generations);
        self
    }

    /// Remembers each key for at least a time of `span`, and at most
    /// `span * generations / (generations - 1)`, as told by [`Dedup::advance`] in any unit.
    /// Default: for ever.
    ///
    /// # Panics
    ///
    /// If `generations` is less than 2.
    pub fn window_time(mut self, span: u64, generations: u32) -> Self {
        assert!(generations >= 2, "a window has at least two generations");
        self.window = Window::time(span, generations);
        self
    }

    /// Takes its memory from `allowance`. Default [`Unlimited`].
    pub fn allowance(mut self, allowance: StdArc<dyn Allowance>) -> Self {
        self.allowance = allowance;
        self
    }

    /// Places keys by this seed. Default random, so that nobody can choose keys that crowd
    /// together. The answers do not depend on it.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Allocates the first arrays and gives the first handle.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] when the allowance or the system refuses the memory.
    pub fn build(self) -> Result<Dedup<K>, Exhausted> {
        let table = Table::new(self.expected, self.seed, self.window, &self.allowance)?;
        Ok(Dedup::new(Arc::new(table)))
    }
}

impl<K> fmt::Debug for Builder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("expected", &self.expected)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}
