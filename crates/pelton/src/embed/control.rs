//! What all workers are told at once.

use pelton_sync::atomic::{AtomicUsize, Ordering};

/// What workers do. Later ones win: an engine that stops is neither paused nor resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    Run,
    /// Take nothing up.
    Pause,
    /// Work off what is there, without waiting for receivers.
    Drain,
    /// Give back what is there without working on it, without waiting for receivers.
    Abort,
}

const MODES: [Mode; 4] = [Mode::Run, Mode::Pause, Mode::Drain, Mode::Abort];

/// The mode, which only says what to do and passes nothing on; hence Relaxed. Whoever may be
/// waiting is notified after a change, behind a fence, and looks again.
#[derive(Debug, Default)]
pub(super) struct Control {
    mode: AtomicUsize,
}

impl Control {
    #[inline]
    pub(super) fn mode(&self) -> Mode {
        MODES[self.mode.load(Ordering::Relaxed) & 3]
    }

    /// Pauses or goes on, unless the engine stops already.
    pub(super) fn pause(&self, paused: bool) {
        let (from, to) = if paused {
            (Mode::Run, Mode::Pause)
        } else {
            (Mode::Pause, Mode::Run)
        };
        let (from, to) = (from as usize, to as usize);
        // A failed exchange means that there is nothing to change.
        let _ = self
            .mode
            .compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Drains or aborts; a drain does not soften an abort.
    pub(super) fn stop(&self, mode: Mode) {
        self.mode.fetch_max(mode as usize, Ordering::Relaxed);
    }
}
