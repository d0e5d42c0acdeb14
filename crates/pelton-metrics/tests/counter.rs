//! Counters and gauges count what their handles were told, while the handles live and afterwards.
#![cfg(not(loom))]

use pelton_metrics::{Counter, Gauge};
use pelton_sync::thread;

#[test]
fn smoke() {
    let counter = Counter::default();
    assert_eq!(counter.value(), 0);
    let mut local = counter.local();
    local.increment();
    local.add(41);
    counter.add(100);
    counter.clone().add(1000);
    assert_eq!(counter.value(), 1142);
}

#[test]
fn counts_stay_when_a_handle_goes_and_when_its_cell_is_used_again() {
    let counter = Counter::new();
    for round in 1..=5 {
        let (mut first, mut second) = (counter.local(), counter.local());
        first.add(1);
        second.add(10);
        drop(first);
        second.add(100);
        assert_eq!(counter.value(), round * 111);
    }
}

#[test]
fn handle_outlives_its_counter() {
    let mut local = Counter::new().local();
    local.add(1);
}

#[test]
fn nothing_is_lost_between_threads_and_values_only_grow() {
    const EACH: u64 = if cfg!(miri) { 50 } else { 20_000 };
    let counter = Counter::new();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..EACH {
                    let mut local = counter.local();
                    local.add(2);
                    counter.add(1);
                }
            });
        }
        let mut before = 0;
        while before < 2 * 3 * EACH {
            let now = counter.value();
            assert!(now >= before, "{now} after {before}");
            before = now;
            thread::yield_now();
        }
    });
    assert_eq!(counter.value(), 2 * 3 * EACH);
}

#[test]
fn counter_wraps() {
    let counter = Counter::new();
    counter.local().add(u64::MAX);
    counter.add(2);
    assert_eq!(counter.value(), 1);
}

#[test]
fn gauge_is_the_sum_of_its_parts() {
    let gauge = Gauge::default();
    let (mut up, mut down) = (gauge.local(), gauge.local());
    up.add(7);
    down.sub(10);
    assert_eq!(gauge.value(), -3);
    gauge.set(100);
    gauge.add(5);
    gauge.sub(1);
    assert_eq!(gauge.value(), 101);
    drop((up, down));
    gauge.set(3);
    assert_eq!(gauge.value(), 0);
}

#[test]
fn gauge_takes_the_ends_of_its_range() {
    let gauge = Gauge::new();
    gauge.set(i64::MIN);
    assert_eq!(gauge.value(), i64::MIN);
    gauge.sub(i64::MIN);
    assert_eq!(gauge.value(), 0);
    gauge.local().sub(i64::MIN);
    assert_eq!(gauge.value(), i64::MIN);
}
