//! The threads that work for lanes, and when the last of them has left.

use std::sync::Arc;
use std::time::Instant;

use pelton_sync::thread::{self, JoinHandle};
use pelton_sync::{Condvar, Mutex, PoisonError};

use super::lane::Lane;
use super::precedence::Precedence;
use crate::Error;

/// How many workers are still at it.
#[derive(Debug, Default)]
pub(super) struct Crew {
    working: Mutex<usize>,
    left: Condvar,
}

impl Crew {
    fn change(&self, by: isize) {
        let mut working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        *working = working.saturating_add_signed(by);
        self.left.notify_all();
    }

    /// Waits until all have left; false when some have not by `deadline`.
    pub(super) fn wait(&self, deadline: Instant) -> bool {
        let mut working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        while *working > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.left.wait_timeout(working, left);
            working = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// Lets `workers` threads work for `lane`.
pub(super) fn spawn(
    lane: &Arc<Lane>,
    workers: usize,
    precedence: Arc<Precedence>,
    crew: &Arc<Crew>,
) -> Result<Vec<JoinHandle<()>>, Error> {
    let mut threads = Vec::new();
    for _ in 0..workers {
        let (lane, precedence, crew) = (lane.clone(), precedence.clone(), crew.clone());
        crew.change(1);
        let thread = thread::Builder::new().name(format!("pelton-{}", lane.name));
        let spawned = thread.spawn(move || {
            lane.work(&precedence);
            crew.change(-1);
        });
        threads.push(spawned.map_err(|error| Error::internal(&error))?);
    }
    Ok(threads)
}
