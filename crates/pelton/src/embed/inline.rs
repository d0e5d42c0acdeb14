//! The worker of an engine that has no threads.

use std::fmt;
use std::sync::{Arc, Weak};
use std::task::Poll;

use pelton_queue::wait::Waiting;
use pelton_queue::{Pop, PopError};
use pelton_sync::{Mutex, PoisonError};

use super::embedded::Shared;
use super::lanes::LaneReceiver;
use super::worker::Worker;

/// A worker without a thread: whoever finds nothing to receive lends it theirs, and whoever ends
/// the engine. One at a time, so that records keep their order; others wait for the lock, at most
/// as long as the stages take with a batch.
pub(super) struct Inline {
    shared: Arc<Shared>,
    worker: Mutex<Worker>,
}

impl Inline {
    pub(super) fn new(shared: Arc<Shared>, worker: Worker) -> Self {
        Self {
            shared,
            worker: Mutex::new(worker),
        }
    }

    /// Works on what is there; behind the last of all it closes the way out.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] when there is nothing to do now, [`PopError::Closed`] when there never
    /// will be.
    pub(super) fn turn(&self) -> Result<(), PopError> {
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        worker.turn()
    }

    /// Works until nothing will ever be there, waiting at the `gate`.
    pub(super) fn run(&self, mut gate: Waiting<LaneReceiver>) {
        gate.wait(|_| {
            loop {
                match self.turn() {
                    Ok(()) => {}
                    Err(PopError::Empty) => return Poll::Pending,
                    Err(PopError::Closed) => return Poll::Ready(()),
                }
            }
        });
    }
}

/// What receivers share of it, which is nothing once the engine has ended: stages are dropped
/// with the engine, whoever still receives.
#[derive(Clone)]
pub(super) struct Hands(Arc<LastOut>);

/// When the last receiver is gone nobody is left to work, so nothing more is let in.
struct LastOut(Weak<Inline>);

impl Drop for LastOut {
    fn drop(&mut self) {
        if let Some(inline) = self.0.upgrade() {
            inline.shared.close();
        }
    }
}

impl Hands {
    pub(super) fn of(inline: &Arc<Inline>) -> Self {
        Self(Arc::new(LastOut(Arc::downgrade(inline))))
    }

    /// As [`Inline::turn`].
    pub(super) fn turn(&self) -> Result<(), PopError> {
        let inline = self.0.0.upgrade().ok_or(PopError::Closed)?;
        inline.turn()
    }

    /// A glance: false when [`turn`](Self::turn) would find nothing.
    pub(super) fn looks_ready(&self) -> bool {
        let inline = self.0.0.upgrade();
        inline.is_none_or(|inline| inline.shared.gate.end().looks_ready())
    }
}

impl fmt::Debug for Hands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hands")
    }
}
