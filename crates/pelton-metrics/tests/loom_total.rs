//! Models of counters and gauges: nothing is lost or counted twice while handles come and go, and
//! a read sees everything that was recorded before it.
#![cfg(loom)]

use pelton_metrics::{Counter, Gauge};
use pelton_sync::atomic::{AtomicBool, AtomicU64, Ordering};
use pelton_sync::{Arc, model, thread};

#[test]
fn read_sees_what_was_recorded_before_it_and_grows() {
    model(|| {
        let counter = Counter::new();
        let told = Arc::new(AtomicU64::new(0));
        let (writer, teller) = (counter.clone(), told.clone());
        let handle = thread::spawn(move || {
            let mut local = writer.local();
            for count in 1..=2 {
                local.increment();
                teller.store(count, Ordering::Release);
            }
        });
        let before = told.load(Ordering::Acquire);
        let first = counter.value();
        assert!((before..=2).contains(&first));
        assert!(counter.value() >= first);
        handle.join().unwrap();
        assert_eq!(counter.value(), 2);
    });
}

#[test]
fn handles_that_come_and_go_lose_nothing() {
    model(|| {
        let counter = Counter::new();
        let spawn = |amount| {
            let counter = counter.clone();
            thread::spawn(move || counter.local().add(amount))
        };
        let (first, second) = (spawn(1), spawn(10));
        assert!([0, 1, 10, 11].contains(&counter.value()));
        first.join().unwrap();
        second.join().unwrap();
        counter.local().add(100);
        assert_eq!(counter.value(), 111);
    });
}

#[test]
fn handle_dropped_elsewhere_leaves_its_cell_whole() {
    model(|| {
        let counter = Counter::new();
        let mut local = counter.local();
        local.add(1);
        let handle = thread::spawn(move || {
            local.add(1);
            drop(local);
        });
        let mut next = counter.local();
        next.add(1);
        handle.join().unwrap();
        assert_eq!(counter.value(), 3);
    });
}

#[test]
fn shared_additions_meet_local_ones() {
    model(|| {
        let gauge = Gauge::new();
        let other = gauge.clone();
        let handle = thread::spawn(move || {
            other.add(5);
            other.local().sub(2);
        });
        gauge.add(1);
        // The parts are read one after the other: the later change may be seen without the earlier.
        assert!([1, 6, 4, -1].contains(&gauge.value()));
        handle.join().unwrap();
        assert_eq!(gauge.value(), 4);
    });
}

/// What handles add stays on top of what is set.
#[test]
fn setting_meets_local_additions() {
    model(|| {
        let gauge = Gauge::new();
        let other = gauge.clone();
        let handle = thread::spawn(move || other.set(10));
        let mut local = gauge.local();
        local.add(1);
        assert!([1, 11].contains(&gauge.value()));
        handle.join().unwrap();
        assert_eq!(gauge.value(), 11);
    });
}

/// Two who read beside a writer: what each sees grows.
#[test]
fn two_readers_meet_a_writer() {
    model(|| {
        let counter = Counter::new();
        let (writer, other) = (counter.clone(), counter.clone());
        let writing = thread::spawn(move || writer.local().add(2));
        let reading = thread::spawn(move || {
            let first = other.value();
            assert!(first <= other.value());
        });
        let first = counter.value();
        writing.join().unwrap();
        assert!(first <= counter.value() && counter.value() == 2);
        reading.join().unwrap();
    });
}

/// The protocol of one cell in small, with the order of the lease's end to choose.
///
/// The first owner records and goes. The second records if it finds the cell free, and then must go
/// on from the first one's value.
fn leases_follow_each_other(end_of_lease: Ordering) {
    let cell = Arc::new((AtomicBool::new(true), AtomicU64::new(0)));
    let first = cell.clone();
    let handle = thread::spawn(move || {
        first.1.store(1, Ordering::Relaxed);
        first.0.store(false, end_of_lease);
    });
    let is_free = !cell.0.load(Ordering::Acquire);
    if is_free {
        let value = cell.1.load(Ordering::Relaxed);
        cell.1.store(value + 1, Ordering::Relaxed);
    }
    handle.join().unwrap();
    let recorded = 1 + u64::from(is_free);
    assert_eq!(cell.1.load(Ordering::Relaxed), recorded, "a record is lost");
}

#[test]
fn lease_that_ends_with_release_hands_over() {
    model(|| leases_follow_each_other(Ordering::Release));
}

/// The twin: a lease that ends with Relaxed leaves its last value behind.
#[test]
#[should_panic(expected = "a record is lost")]
fn loom_rejects_a_lease_that_ends_with_relaxed() {
    model(|| leases_follow_each_other(Ordering::Relaxed));
}

/// The twin: plain stores are for one writer.
#[test]
#[should_panic(expected = "a record is lost")]
fn loom_rejects_two_writers_of_one_cell() {
    model(|| {
        let cell = Arc::new(AtomicU64::new(0));
        let other = cell.clone();
        let add = |cell: &AtomicU64| {
            let value = cell.load(Ordering::Relaxed);
            cell.store(value + 1, Ordering::Relaxed);
        };
        let handle = thread::spawn(move || add(&other));
        add(&cell);
        handle.join().unwrap();
        assert_eq!(cell.load(Ordering::Relaxed), 2, "a record is lost");
    });
}

/// The twin: a cell that is folded into the shared part without excluding readers is seen twice.
#[test]
#[should_panic(expected = "a record is seen twice")]
fn loom_rejects_folding_beside_a_reader() {
    model(|| {
        let parts = Arc::new((AtomicU64::new(0), AtomicU64::new(1)));
        let folding = parts.clone();
        let handle = thread::spawn(move || {
            folding.0.fetch_add(1, Ordering::AcqRel);
            folding.1.store(0, Ordering::Release);
        });
        let seen = parts.0.load(Ordering::Acquire) + parts.1.load(Ordering::Acquire);
        assert!(seen <= 1, "a record is seen twice");
        handle.join().unwrap();
    });
}
