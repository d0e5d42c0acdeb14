//! Models of the parker: a wake-up is never lost, and what came before it is seen.
#![cfg(loom)]

use pelton_sync::atomic::{AtomicUsize, Ordering};
use pelton_sync::{Arc, Parker, model, thread};

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
        if !parker.park_timeout(std::time::Duration::ZERO) {
            parker.park();
        }
        handle.join().unwrap();
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
