//! The event-count on which idle workers sleep: see "Sleep" in `PROTOCOLS.md`.
//!
//! Whoever makes work visible asks [`EventCount::notify_one`] afterwards; while every worker is
//! busy or somebody already searches, that costs a fence and a load, and no system call.

use crate::sync::{AtomicUsize, CachePadded, Mutex, Ordering, Parker, Unparker, fence, lock};

/// One worker that sleeps; the lower half of the state counts them.
const SLEEPING: usize = 1;
/// One worker that is awake and looks for work; the upper half counts them.
const SEARCHING: usize = 1 << (usize::BITS / 2);

/// Who sleeps and who searches.
///
/// A worker is busy (counted nowhere), searching, or sleeping.
/// Under the lock, the list of sleepers and the lower half of the state agree.
#[derive(Debug)]
pub(crate) struct EventCount {
    state: CachePadded<AtomicUsize>,
    /// The indices of those who sleep; the last to lie down is woken first, its cache is warm.
    sleepers: Mutex<Vec<usize>>,
    beds: Box<[(Parker, Unparker)]>,
}

fn sleeping(state: usize) -> usize {
    state % SEARCHING
}

fn searching(state: usize) -> usize {
    state / SEARCHING
}

impl EventCount {
    /// For workers with indices below `capacity`.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            state: CachePadded::new(AtomicUsize::new(0)),
            sleepers: Mutex::new(Vec::with_capacity(capacity)),
            beds: (0..capacity).map(|_| bed()).collect(),
        }
    }

    /// busy -> searching.
    pub(crate) fn begin_search(&self) {
        // Relaxed: the counter only saves wake-ups; `prepare` and `end_search` carry the proof.
        self.state.fetch_add(SEARCHING, Ordering::Relaxed);
    }

    /// searching -> busy. True for the last searcher: it must look whether work is left that was
    /// not announced to anybody because it was searching, and then wake another.
    #[must_use]
    pub(crate) fn end_search(&self) -> bool {
        // ORDERING: Release; pairs with the Acquire addition in `prepare`: who lies down after the
        // caller left sees the batch that it moved.
        let before = self.state.fetch_sub(SEARCHING, Ordering::Release);
        // ORDERING: SeqCst; pairs with the fence in `notify_one`: either that one sees nobody
        // searching, or the caller sees its work.
        fence(Ordering::SeqCst);
        searching(before) == 1
    }

    /// searching -> sleeping. The caller must look once more for work before it parks.
    pub(crate) fn prepare(&self, worker: usize) {
        let mut sleepers = lock(&self.sleepers);
        sleepers.push(worker);
        // ORDERING: Acquire; pairs with the Release subtraction in `end_search`.
        self.state
            .fetch_add(SLEEPING.wrapping_sub(SEARCHING), Ordering::Acquire);
        drop(sleepers);
        // ORDERING: SeqCst; pairs with the fence in `notify_one`: either that one sees a sleeper,
        // or the caller's second look sees its work.
        fence(Ordering::SeqCst);
    }

    /// sleeping -> searching, by the sleeper itself, which saw work on its second look.
    pub(crate) fn cancel(&self, worker: usize) {
        let is_removed = self.remove(&mut lock(&self.sleepers), worker);
        if !is_removed {
            // Somebody was faster: the token is there or about to be.
            self.beds[worker].0.park();
        }
    }

    /// Sleeps until somebody makes the transition to searching for this worker.
    pub(crate) fn park(&self, worker: usize) {
        self.beds[worker].0.park();
    }

    /// Wakes one sleeper unless somebody searches already. Call it after work became visible.
    #[inline]
    pub(crate) fn notify_one(&self) {
        // ORDERING: SeqCst; pairs with the fences in `prepare` and `end_search`.
        fence(Ordering::SeqCst);
        let state = self.state.load(Ordering::Relaxed);
        if sleeping(state) > 0 && searching(state) == 0 {
            self.notify_one_slow();
        }
    }

    #[cold]
    fn notify_one_slow(&self) {
        let mut sleepers = lock(&self.sleepers);
        if searching(self.state.load(Ordering::Relaxed)) > 0 {
            return;
        }
        let Some(&worker) = sleepers.last() else {
            return;
        };
        self.remove(&mut sleepers, worker);
        drop(sleepers);
        self.beds[worker].1.unpark();
    }

    /// Wakes `worker` if it sleeps. Call it after what it waits for became visible.
    pub(crate) fn notify(&self, worker: usize) {
        // ORDERING: SeqCst; pairs with the fence in `prepare`.
        fence(Ordering::SeqCst);
        if sleeping(self.state.load(Ordering::Relaxed)) == 0 {
            return;
        }
        let is_removed = self.remove(&mut lock(&self.sleepers), worker);
        if is_removed {
            self.beds[worker].1.unpark();
        }
    }

    /// Wakes every sleeper.
    pub(crate) fn notify_all(&self) {
        (0..self.beds.len()).for_each(|worker| self.notify(worker));
    }

    /// sleeping -> searching, for a worker in the list; false if it is not there.
    fn remove(&self, sleepers: &mut Vec<usize>, worker: usize) -> bool {
        let Some(place) = sleepers.iter().rposition(|&sleeper| sleeper == worker) else {
            return false;
        };
        sleepers.remove(place);
        self.state
            .fetch_add(SEARCHING.wrapping_sub(SLEEPING), Ordering::Relaxed);
        true
    }
}

fn bed() -> (Parker, Unparker) {
    let parker = Parker::new();
    let unparker = parker.unparker();
    (parker, unparker)
}
