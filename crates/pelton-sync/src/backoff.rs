//! Exponential back-off for contended loops.

use crate::{hint, thread};

/// 2^6 = 64 pauses, about a microsecond: past that another thread deserves the core.
const SPIN_LIMIT: u32 = 6;
/// Four yields more, then waiting is a parker's business.
const YIELD_LIMIT: u32 = 10;

/// Waits a little longer each time: pauses first, then yields to the operating system.
///
/// Never blocks by itself; ask [`is_spent`](Self::is_spent) when to park instead.
///
/// ```
/// let mut backoff = pelton_sync::Backoff::new();
/// while !backoff.is_spent() {
///     backoff.snooze();
/// }
/// ```
#[derive(Debug, Default)]
pub struct Backoff {
    /// In range `0..=YIELD_LIMIT + 1`.
    step: u32,
}

impl Backoff {
    /// Starts with the shortest wait.
    #[must_use]
    pub const fn new() -> Self {
        Self { step: 0 }
    }

    /// Forgets the waiting so far: progress was made.
    pub fn reset(&mut self) {
        self.step = 0;
    }

    /// Pauses after a lost race: the other side has already moved on.
    #[inline]
    pub fn spin(&mut self) {
        pause(self.step.min(SPIN_LIMIT));
        if self.step <= SPIN_LIMIT {
            self.step += 1;
        }
    }

    /// Pauses, or yields once pausing has not helped: the other side must still do something.
    #[inline]
    pub fn snooze(&mut self) {
        if self.step <= SPIN_LIMIT {
            pause(self.step);
        } else {
            thread::yield_now();
        }
        if self.step <= YIELD_LIMIT {
            self.step += 1;
        }
    }

    /// True once waiting longer is a waste and the caller should park.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.step > YIELD_LIMIT
    }
}

fn pause(step: u32) {
    // One pause is one step of a model; many would only repeat it.
    let pauses = if cfg!(loom) { 1 } else { 1 << step };
    for _ in 0..pauses {
        hint::spin_loop();
    }
}
