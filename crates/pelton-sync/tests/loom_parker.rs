//! Models of the parker: a wake-up is never lost, and what came before it is seen.
#![cfg(loom)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use pelton_sync::atomic::{AtomicUsize, Ordering};
use pelton_sync::{Arc, Condvar, Mutex, Parker, model, thread};

/// What is written before `unpark` is seen after `park`.
fn value_is_seen() {
    let parker = Parker::new();
    let value = Arc::new(AtomicUsize::new(0));
    let (unparker, writer) = (parker.unparker(), value.clone());
    let handle = thread::spawn(move || {
        writer.store(1, Ordering::Relaxed);
        unparker.unpark();
    });
    parker.park();
    assert_eq!(value.load(Ordering::Relaxed), 1);
    handle.join().unwrap();
}

#[test]
fn park_synchronizes_with_unpark() {
    model(value_is_seen);
}

#[test]
fn park_meets_two_unparks() {
    model(|| {
        let parker = Parker::new();
        let (first, second) = (parker.unparker(), parker.unparker());
        let handle = thread::spawn(move || first.unpark());
        second.unpark();
        parker.park();
        handle.join().unwrap();
    });
}

#[test]
fn token_survives_a_timeout_race() {
    model(|| {
        let parker = Parker::new();
        let unparker = parker.unparker();
        let handle = thread::spawn(move || unparker.unpark());
        if !parker.park_timeout(Duration::ZERO) {
            parker.park();
        }
        handle.join().unwrap();
    });
}

/// Whoever comes second is refused, and the first gets the token all the same.
#[test]
fn two_in_one_parker_are_refused() {
    model(|| {
        let parker = Arc::new(Parker::new());
        let (other, key) = (parker.clone(), parker.unparker());
        let waiting = thread::spawn(move || catch_unwind(AssertUnwindSafe(|| other.park())));
        let look = || parker.park_timeout(Duration::ZERO);
        let is_refused = catch_unwind(AssertUnwindSafe(look)).is_err();
        key.unpark();
        let was_refused = waiting.join().unwrap().is_err();
        assert!(!(is_refused && was_refused), "both were refused");
    });
}

/// The twin: a token published with Relaxed carries nothing with it.
#[test]
#[should_panic(expected = "left: 0")]
fn loom_rejects_a_relaxed_token() {
    model(|| {
        let token = Arc::new(AtomicUsize::new(0));
        let value = Arc::new(AtomicUsize::new(0));
        let (writer, unparker) = (value.clone(), token.clone());
        thread::spawn(move || {
            writer.store(1, Ordering::Relaxed);
            unparker.store(1, Ordering::Relaxed);
        });
        while token.load(Ordering::Relaxed) == 0 {
            thread::yield_now();
        }
        assert_eq!(value.load(Ordering::Relaxed), 1);
    });
}

/// The parker's place in small, with the steps of its two sides to leave out.
#[derive(Default)]
struct Place {
    /// 0 empty, 1 parked, 2 notified.
    state: AtomicUsize,
    lock: Mutex<()>,
    wake: Condvar,
}

impl Place {
    fn park(&self) {
        let mut guard = self.lock.lock().unwrap();
        let mut seen = self
            .state
            .compare_exchange(0, 1, Ordering::AcqRel, Ordering::Acquire);
        while seen != Err(2) {
            guard = self.wake.wait(guard).unwrap();
            seen = self
                .state
                .compare_exchange(2, 0, Ordering::AcqRel, Ordering::Acquire);
            seen = seen.map_or_else(Err, |_| Err(2));
        }
    }

    fn unpark(&self, takes_the_lock: bool) {
        if self.state.swap(2, Ordering::AcqRel) == 1 {
            if takes_the_lock {
                drop(self.lock.lock().unwrap());
            }
            self.wake.notify_one();
        }
    }
}

fn signal(takes_the_lock: bool) {
    // Leaked, because loom's types must not be dropped while loom unwinds, as the twin makes it.
    let place: &Place = Box::leak(Box::default());
    let handle = thread::spawn(move || place.unpark(takes_the_lock));
    place.park();
    handle.join().unwrap();
}

#[test]
fn a_signal_behind_the_lock_finds_the_sleeper() {
    model(|| signal(true));
}

/// The twin: a signal given without the lock falls between the announcement and the wait.
#[test]
#[should_panic(expected = "deadlock")]
fn loom_rejects_a_signal_without_the_lock() {
    model(|| signal(false));
}

/// The twin: a time-out that clears the state without looking at it throws a token away.
#[test]
#[should_panic(expected = "the token is lost")]
fn loom_rejects_a_timeout_that_does_not_look() {
    model(|| {
        let state = Arc::new(AtomicUsize::new(1));
        let other = state.clone();
        let handle = thread::spawn(move || other.store(2, Ordering::Release));
        let has_token = state.load(Ordering::Acquire) == 2;
        state.store(0, Ordering::Relaxed);
        handle.join().unwrap();
        let is_kept = state.load(Ordering::Relaxed) == 2;
        assert!(has_token || is_kept, "the token is lost");
    });
}
