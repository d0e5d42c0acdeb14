//! When a consumer does better to wait a moment.

use crate::sync::spin_loop;

/// Values that make a look at the tail worth its price: two lines of words.
const RICH: usize = 16;
/// Pauses of a wait: about as long as a line takes from core to core, there and back.
const PAUSES: usize = 4;
/// Lean looks before the first try.
const FIRST: u32 = 32;
/// Lean looks between tries that did not pay, so that the price of a try is spread over many.
const LAST: u32 = 4096;

/// Learns whether waiting before a look pays.
///
/// A consumer that is faster than its producer finds one value at each look, and each look takes
/// the line of the tail, and that of the slot, away from the producer, which is slowed down by it.
/// If the consumer waits as long as a line takes to travel, the producer can get many values ahead.
/// So now and then, after many lean looks, one look is made late; as long as late looks are rich
/// ones, the next is late too. Where waiting does not pay, as for a value that goes to and fro, it
/// is hardly ever tried.
#[derive(Debug)]
pub(super) struct Patience {
    /// Lean looks until one is made late.
    left: u32,
    /// Lean looks from one try to the next, in range `FIRST..=LAST`.
    interval: u32,
}

impl Patience {
    pub(super) const NEW: Self = Self {
        left: FIRST,
        interval: FIRST,
    };

    /// Called before a look: waits if it is time to.
    #[inline]
    pub(super) fn wait(&self) {
        if self.left == 0 {
            (0..PAUSES).for_each(|_| spin_loop());
        }
    }

    /// Called after a look that found `count` values.
    #[inline]
    pub(super) fn learn(&mut self, count: usize) {
        if self.left == 0 {
            self.judge(count);
        } else if count < RICH {
            self.left -= 1;
        }
    }

    fn judge(&mut self, count: usize) {
        if count >= RICH {
            self.interval = FIRST;
        } else {
            self.left = self.interval;
            self.interval = LAST.min(2 * self.interval);
        }
    }
}
