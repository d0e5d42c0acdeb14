//! The parker keeps one token, wakes, and times out.
#![cfg(not(loom))]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use pelton_sync::{Parker, thread};

#[test]
fn token_before_park_is_kept() {
    let parker = Parker::new();
    parker.unparker().unpark();
    parker.park();
}

#[test]
fn an_unparker_may_outlive_its_parker() {
    let parker = Parker::new();
    let unparker = parker.unparker();
    drop(parker);
    unparker.unpark();
    unparker.clone().unpark();
}

#[test]
fn tokens_do_not_add_up() {
    let parker = Parker::new();
    let unparker = parker.unparker();
    unparker.unpark();
    unparker.unpark();
    assert!(parker.park_timeout(Duration::from_secs(60)));
    assert!(!parker.park_timeout(Duration::ZERO));
}

#[test]
fn times_out_without_a_token() {
    assert!(!Parker::new().park_timeout(Duration::from_millis(1)));
}

/// Whichever comes second is told; the other waits on and gets the token.
#[test]
fn two_threads_in_one_parker_are_refused() {
    let parker = Arc::new(Parker::new());
    let key = parker.unparker();
    let other = parker.clone();
    let waiting = thread::spawn(move || other.park());
    let look = || parker.park_timeout(Duration::ZERO);
    let is_refused = || catch_unwind(AssertUnwindSafe(look)).is_err();
    while !waiting.is_finished() {
        if is_refused() {
            key.unpark();
            return waiting.join().unwrap();
        }
    }
    // The other came while this one looked.
    assert!(waiting.join().is_err());
}

#[test]
fn wakes_another_thread_each_time() {
    let (there, back) = (Parker::new(), Parker::new());
    let (to_there, to_back) = (there.unparker(), back.unparker());
    let echo = thread::spawn(move || {
        for _ in 0..1000 {
            there.park();
            to_back.unpark();
        }
    });
    for _ in 0..1000 {
        to_there.unpark();
        back.park();
    }
    echo.join().unwrap();
}
