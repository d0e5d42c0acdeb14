//! How long keys are remembered.

use super::handle::COUNT_LAG;

/// Of a generation's keys, one in so many may be uncounted by each handle.
const UNCOUNTED: usize = 256;

/// A span of keys or of time, cut into generations.
///
/// With `generations` of them, the newest takes keys and the others are full; when the newest is
/// full too, the oldest goes. So each key outlives `generations - 1` whole generations.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    limit: Limit,
    /// In range `2..`.
    generations: u64,
}

#[derive(Debug, Clone, Copy)]
enum Limit {
    /// Nothing is ever forgotten.
    None,
    /// So many keys a generation; at least one.
    Keys(usize),
    /// So much time a generation, in the caller's unit; at least one.
    Time(u64),
}

impl Window {
    pub(super) const ENDLESS: Self = Self {
        limit: Limit::None,
        generations: 2,
    };

    pub(super) fn keys(keys: usize, generations: u32) -> Self {
        let each = keys.div_ceil(generations as usize - 1).max(1);
        Self {
            limit: Limit::Keys(each),
            generations: generations.into(),
        }
    }

    pub(super) fn time(span: u64, generations: u32) -> Self {
        let generations = generations.into();
        Self {
            limit: Limit::Time(span.div_ceil(generations - 1).max(1)),
            generations,
        }
    }

    /// How many new keys a handle may leave uncounted; nobody asks without a limit by keys.
    #[inline]
    pub(super) fn lag(&self) -> usize {
        match self.limit {
            Limit::Keys(each) => (each / UNCOUNTED).clamp(1, COUNT_LAG),
            Limit::None | Limit::Time(_) => usize::MAX,
        }
    }

    /// True if a generation of so many keys has got one too many: only then may the oldest go.
    pub(super) fn is_over(&self, held: usize) -> bool {
        matches!(self.limit, Limit::Keys(each) if held > each)
    }

    /// The generation that takes keys at the time `now`.
    pub(super) fn generation_at(&self, now: u64) -> u64 {
        match self.limit {
            Limit::Time(each) => now / each,
            Limit::None | Limit::Keys(_) => 0,
        }
    }

    /// True if `generation` is still remembered when `newest` takes keys.
    pub(super) fn keeps(&self, generation: u64, newest: u64) -> bool {
        newest - generation.min(newest) < self.generations
    }

    /// For how many keys to make a generation when `guess` is all that is known.
    pub(super) fn expected(&self, guess: usize) -> usize {
        match self.limit {
            Limit::Keys(each) => each,
            Limit::None | Limit::Time(_) => guess,
        }
    }
}
