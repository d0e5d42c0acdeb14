//! Models of the registry: two that ask for one metric get one metric, and a snapshot beside them
//! is whole.
#![cfg(loom)]

use pelton_metrics::{Counter, Limits, Registry, Unit, Value};
use pelton_sync::atomic::{AtomicU64, Ordering};
use pelton_sync::{Arc, Mutex, model, thread};

fn ask(registry: &Registry) -> Counter {
    registry.counter("a_total", "", Unit::Count, &[]).unwrap()
}

fn value(registry: &Registry) -> Option<Value> {
    registry.snapshot().value("a_total", &[]).cloned()
}

#[test]
fn two_that_ask_for_one_metric_get_one() {
    model(|| {
        let registry = Registry::new();
        let other = registry.clone();
        let handle = thread::spawn(move || ask(&other).add(1));
        ask(&registry).add(10);
        let seen = value(&registry);
        assert!(
            [10, 11]
                .map(|count| Some(Value::Counter(count)))
                .contains(&seen)
        );
        handle.join().unwrap();
        assert_eq!(value(&registry), Some(Value::Counter(11)));
    });
}

/// The limit holds however many ask at once, and what was let in counts.
#[test]
fn two_that_ask_for_the_last_place_get_it_once() {
    model(|| {
        let mut limits = Limits::default();
        limits.series_max = 1;
        let registry = Registry::with_limits(limits);
        let ask = |registry: &Registry, part: &str| {
            let labels = [("part", part)];
            let counter = registry.counter("a_total", "", Unit::Count, &labels);
            counter.map(|counter| counter.add(1)).is_ok()
        };
        let other = registry.clone();
        let handle = thread::spawn(move || ask(&other, "there"));
        let is_here = ask(&registry, "here");
        assert!(is_here ^ handle.join().unwrap());
        let part = if is_here { "here" } else { "there" };
        let seen = registry.snapshot();
        assert_eq!(
            seen.value("a_total", &[("part", part)]),
            Some(&Value::Counter(1))
        );
    });
}

#[test]
fn snapshot_sees_what_was_recorded_before_it() {
    model(|| {
        let registry = Registry::new();
        let counter = ask(&registry);
        let told = Arc::new(AtomicU64::new(0));
        let teller = told.clone();
        let handle = thread::spawn(move || {
            counter.local().add(5);
            teller.store(5, Ordering::Release);
        });
        let before = told.load(Ordering::Acquire);
        match value(&registry) {
            Some(Value::Counter(count)) => assert!((before..=5).contains(&count)),
            other => panic!("{other:?}"),
        }
        handle.join().unwrap();
    });
}

/// The twin: looking and adding under two locks makes two metrics of one name.
#[test]
#[should_panic(expected = "registered twice")]
fn loom_rejects_a_registry_that_lets_go_between_looking_and_adding() {
    model(|| {
        let names = Arc::new(Mutex::new(Vec::new()));
        let register = |names: &Mutex<Vec<&str>>| {
            let is_new = names.lock().unwrap().is_empty();
            if is_new {
                names.lock().unwrap().push("a_total");
            }
        };
        let other = names.clone();
        let handle = thread::spawn(move || register(&other));
        register(&names);
        handle.join().unwrap();
        assert_eq!(names.lock().unwrap().len(), 1, "registered twice");
    });
}
