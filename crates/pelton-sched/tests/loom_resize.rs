//! Models of the seats: a place below the target has one worker, however often the target moves.
#![cfg(loom)]

mod held;

#[allow(dead_code, reason = "each model uses a part")]
#[path = "../src/seats.rs"]
mod seats;
#[allow(unused_imports, reason = "each model uses a part")]
#[path = "../src/sync.rs"]
mod sync;

use pelton_sync::{model, thread};

use held::hold;
use seats::Seats;

/// The worker of place 1: leaves as soon as it is surplus; true if it looked once and stays.
fn worker(seats: &Seats<()>) -> bool {
    if seats.is_surplus(1) {
        return seats.leave(1, (), false).is_err();
    }
    true
}

fn seats() -> Seats<()> {
    let seats = Seats::new([(), ()].into_iter(), 2);
    assert!(seats.take(1).is_some());
    seats
}

/// Lowers and raises the target; true if place 1 was found free and filled again.
fn fall_and_rise(seats: &Seats<()>) -> bool {
    seats.set_target(1);
    seats.set_target(2);
    seats.take(1).is_some()
}

#[test]
fn a_place_is_not_left_empty_when_the_target_falls_and_rises() {
    model(|| {
        hold(seats(), |seats| {
            let leaver = thread::spawn(move || worker(seats));
            let is_refilled = fall_and_rise(seats);
            let has_stayed = leaver.join().unwrap();
            assert!(is_refilled != has_stayed, "{is_refilled} {has_stayed}");
        });
    });
}

#[test]
fn two_who_fill_a_place_start_one_worker() {
    model(|| {
        hold(Seats::new([(), ()].into_iter(), 2), |seats| {
            let other = thread::spawn(move || seats.take(1).is_some());
            let is_mine = seats.take(1).is_some();
            assert!(is_mine != other.join().unwrap());
        });
    });
}

/// The twin: a worker that does not look again under the lock leaves a place that was just found
/// taken.
#[test]
#[should_panic(expected = "nobody sits there")]
fn loom_rejects_leaving_on_an_old_target() {
    model(|| {
        hold(seats(), |seats| {
            let leaver = thread::spawn(move || {
                let is_leaving = seats.is_surplus(1);
                if is_leaving {
                    seats.put_back(1, ());
                }
                !is_leaving
            });
            let is_refilled = fall_and_rise(seats);
            let has_stayed = leaver.join().unwrap();
            assert!(is_refilled || has_stayed, "nobody sits there");
        });
    });
}
