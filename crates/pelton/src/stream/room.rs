//! Tasks that wait for memory.

use std::future::poll_fn;
use std::task::{Poll, Waker};

use pelton_sync::{Mutex, PoisonError};

/// Where tasks wait until memory may have come free.
#[derive(Debug, Default)]
pub(super) struct Room {
    waiting: Mutex<Vec<Waker>>,
}

impl Room {
    /// Tries `attempt` until it gives something; tries again after each [`wake`](Self::wake).
    pub(super) async fn until<T>(&self, mut attempt: impl FnMut() -> Option<T>) -> T {
        poll_fn(|context| {
            if let Some(got) = attempt() {
                return Poll::Ready(got);
            }
            // In line before the second look: what comes free in between wakes this task.
            self.lock().push(context.waker().clone());
            attempt().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// Lets everybody who waits try again.
    pub(super) fn wake(&self) {
        let waiting = std::mem::take(&mut *self.lock());
        waiting.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> pelton_sync::MutexGuard<'_, Vec<Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
