//! When a consumer does better to wait a moment.

use std::time::{Duration, Instant};

use crate::sync::spin_loop;

/// Values that make a look at the tail worth its price: two lines of words.
const RICH: usize = 16;
/// How long a late look waits: about as long as a line takes from core to core, there and back.
///
/// A time, not a number of pauses, which last from a few to 140 cycles by the make of the core.
const WAIT: Duration = Duration::from_nanos(300);
/// Lean looks before the first try.
const FIRST: u32 = 32;
/// Lean looks between tries that did not pay, so that the price of a try is spread over many.
const LAST: u32 = 4096;

/// Learns whether waiting before a look pays.
///
/// A consumer that is faster than its producers finds one value at each look, and each look takes
/// the line of the tail, and that of the slot, away from a producer, which is slowed down by it.
/// If the consumer waits as long as a line takes to travel, producers can get many values ahead.
/// So now and then, after many lean looks, one look is made late; as long as late looks are rich
/// ones, the next is late too. Where waiting does not pay, as for a value that goes to and fro, it
/// is hardly ever tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Lean looks until one is made late.
    left: u32,
    /// Lean looks from one try to the next, in range `FIRST..=LAST`.
    interval: u32,
}

impl Patience {
    pub(crate) const NEW: Self = Self {
        left: FIRST,
        interval: FIRST,
    };

    /// True if the next look is to be a late one.
    #[inline]
    pub(crate) fn is_late(self) -> bool {
        self.left == 0
    }

    /// Called after a look in time that found `count` values. No branch: it is all that a queue
    /// which never waits pays for.
    #[inline]
    pub(crate) fn learn(&mut self, count: usize) {
        self.left -= u32::from(count < RICH);
    }

    /// What follows from a late look that found `count` values.
    ///
    /// By value, so that the caller's state stays in registers.
    #[inline]
    pub(crate) fn judge(self, count: usize) -> Self {
        if count >= RICH {
            return Self {
                left: 0,
                interval: FIRST,
            };
        }
        Self {
            left: self.interval,
            interval: LAST.min(2 * self.interval),
        }
    }
}

/// Waits before a late look. In a model time stands still: there it is one step.
#[cold]
#[inline(never)]
pub(crate) fn wait_slow() {
    let began = Instant::now();
    spin_loop();
    while !cfg!(loom) && began.elapsed() < WAIT {
        spin_loop();
    }
}
