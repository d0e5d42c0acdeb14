//! Models of a future's state: polled by one worker at a time, and after every wake-up.
#![cfg(loom)]

mod held;

#[allow(unused_imports, dead_code, reason = "each model uses a part")]
#[path = "../src/sync.rs"]
mod sync;
#[allow(dead_code, reason = "each model uses a part")]
#[path = "../src/wake.rs"]
mod wake;

use pelton_sync::atomic::{AtomicUsize, Ordering};
use pelton_sync::{UnsafeCell, model, thread};

use held::hold;
use wake::WakeState;

/// A future that counts its polls in a plain cell: loom objects if two polls meet.
struct Future {
    state: WakeState,
    queued: AtomicUsize,
    polls: UnsafeCell<usize>,
    events: AtomicUsize,
    seen: AtomicUsize,
}

// SAFETY: the state orders the polls, which is what the model shows.
unsafe impl Sync for Future {}
// SAFETY: as above.
unsafe impl Send for Future {}

impl Future {
    fn new() -> Self {
        Self {
            state: WakeState::queued(),
            queued: AtomicUsize::new(1),
            polls: UnsafeCell::new(0),
            events: AtomicUsize::new(0),
            seen: AtomicUsize::new(0),
        }
    }

    /// An event, and the wake-up for it.
    fn signal(&self) {
        self.events.fetch_add(1, Ordering::Relaxed);
        if self.state.wake() {
            self.queued.fetch_add(1, Ordering::Release);
        }
    }

    /// Polls if it is queued; true when it did.
    fn run(&self) -> bool {
        let taken = self
            .queued
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, |n| n.checked_sub(1));
        if taken.is_err() {
            return false;
        }
        self.state.begin();
        // SAFETY: one poll at a time, which is what the model shows.
        self.polls.with_mut(|polls| unsafe { *polls += 1 });
        self.seen
            .store(self.events.load(Ordering::Relaxed), Ordering::Relaxed);
        if self.state.suspend() {
            self.queued.fetch_add(1, Ordering::Release);
        }
        true
    }
}

#[test]
fn every_event_is_seen_by_a_poll() {
    model(|| {
        hold(Future::new(), |future| {
            let wakers = [0, 1].map(|_| thread::spawn(move || future.signal()));
            future.run();
            wakers.into_iter().for_each(|waker| waker.join().unwrap());
            while future.run() {}
            assert_eq!(future.seen.load(Ordering::Relaxed), 2);
            assert_eq!(future.queued.load(Ordering::Relaxed), 0);
        });
    });
}

#[test]
fn two_workers_never_poll_at_once() {
    model(|| {
        hold(Future::new(), |future| {
            let other = thread::spawn(move || {
                future.signal();
                future.run();
            });
            future.run();
            other.join().unwrap();
            while future.run() {}
            assert_eq!(future.seen.load(Ordering::Relaxed), 1);
        });
    });
}

/// The twin: a poll that clears the wake-up when it ends, instead of when it begins, loses the
/// event that came meanwhile.
#[test]
#[should_panic(expected = "the event is lost")]
fn loom_rejects_a_state_that_forgets() {
    model(|| {
        hold(
            (AtomicUsize::new(0), AtomicUsize::new(0)),
            |(event, queued)| {
                let waker = thread::spawn(move || {
                    event.store(1, Ordering::Relaxed);
                    queued.store(1, Ordering::Release);
                });
                let mut seen = event.load(Ordering::Relaxed);
                queued.store(0, Ordering::Relaxed);
                waker.join().unwrap();
                if queued.load(Ordering::Acquire) == 1 {
                    seen = event.load(Ordering::Relaxed);
                }
                assert_eq!(seen, 1, "the event is lost");
            },
        );
    });
}
