//! Snapshots tell what was recorded, merge, and subtract.
#![cfg(not(loom))]

use std::time::Duration;

use pelton_metrics::{Kind, Layout, Registry, Snapshot, Unit, Value, per_second};

/// A registry with one metric of each kind, filled with `amount`.
fn filled(amount: u64) -> (Registry, Snapshot) {
    let registry = Registry::new();
    fill(&registry, amount);
    let snapshot = registry.snapshot();
    (registry, snapshot)
}

fn fill(registry: &Registry, amount: u64) {
    let labels: &[_] = &[("stage", "parse")];
    let hits = registry.counter("hits_total", "Hits.", Unit::Count, labels);
    hits.expect("the name keeps the rules").local().add(amount);
    let depth = registry.gauge("depth_bytes", "Depth.", Unit::Bytes, labels);
    depth
        .expect("the name keeps the rules")
        .set(amount.cast_signed());
    let wait = registry.histogram("wait_seconds", "Wait.", Unit::Nanoseconds, labels);
    wait.expect("the name keeps the rules")
        .local()
        .record(amount);
}

fn wait(snapshot: &Snapshot) -> (u64, u64) {
    match snapshot.value("wait_seconds", &[("stage", "parse")]) {
        Some(Value::Histogram(seen)) => (seen.count(), seen.sum()),
        other => panic!("{other:?}"),
    }
}

fn hits(snapshot: &Snapshot) -> Option<&Value> {
    snapshot.value("hits_total", &[("stage", "parse")])
}

fn depth(snapshot: &Snapshot) -> Option<&Value> {
    snapshot.value("depth_bytes", &[("stage", "parse")])
}

#[test]
fn tells_names_units_and_labels_in_order() {
    let (_, snapshot) = filled(5);
    let told: Vec<_> = snapshot
        .families()
        .iter()
        .map(|family| (family.name(), family.help(), family.unit(), family.kind()))
        .collect();
    let histogram = Kind::Histogram(Layout::default());
    assert_eq!(
        told,
        [
            ("depth_bytes", "Depth.", Unit::Bytes, Kind::Gauge),
            ("hits_total", "Hits.", Unit::Count, Kind::Counter),
            ("wait_seconds", "Wait.", Unit::Nanoseconds, histogram),
        ]
    );
    let series = &snapshot.families()[0].series()[0];
    assert!(series.labels().eq([("stage", "parse")]));
    assert_eq!(series.value(), &Value::Gauge(5));
}

#[test]
fn is_a_moment_that_later_records_do_not_change() {
    let (registry, snapshot) = filled(5);
    fill(&registry, 6);
    assert_eq!(hits(&snapshot), Some(&Value::Counter(5)));
    assert_eq!(wait(&snapshot), (1, 5));
}

#[test]
fn delta_subtracts_what_was_before() {
    let (registry, before) = filled(5);
    fill(&registry, 7);
    let late = registry
        .counter("late_total", "", Unit::Count, &[])
        .unwrap();
    late.add(3);
    let delta = registry.snapshot().delta(&before);
    assert_eq!(hits(&delta), Some(&Value::Counter(7)));
    assert_eq!(depth(&delta), Some(&Value::Gauge(7)));
    assert_eq!(wait(&delta), (1, 7));
    assert_eq!(delta.value("late_total", &[]), Some(&Value::Counter(3)));
}

#[test]
fn what_started_anew_counts_in_full() {
    let ((registry, _), (_, after)) = (filled(100), filled(3));
    fill(&registry, 100);
    let delta = after.delta(&registry.snapshot());
    assert_eq!(hits(&delta), Some(&Value::Counter(3)));
    assert_eq!(wait(&delta), (1, 3));
}

#[test]
fn merge_adds_and_keeps_what_one_side_has() {
    let ((_, mut ours), (other, _)) = (filled(5), filled(7));
    other.gauge("a", "", Unit::Count, &[]).unwrap().set(1);
    let labels: &[_] = &[("stage", "filter")];
    let more = other.counter("hits_total", "Hits.", Unit::Count, labels);
    more.unwrap().add(2);
    ours.merge(&other.snapshot()).unwrap();
    assert_eq!(hits(&ours), Some(&Value::Counter(12)));
    assert_eq!(depth(&ours), Some(&Value::Gauge(12)));
    assert_eq!(wait(&ours), (2, 12));
    assert_eq!(ours.value("a", &[]), Some(&Value::Gauge(1)));
    assert_eq!(ours.value("hits_total", labels), Some(&Value::Counter(2)));
    let names = ours.families().iter().map(|family| family.name());
    assert!(names.is_sorted());
}

#[test]
fn merge_refuses_different_descriptions_and_changes_nothing() {
    let (_, mut ours) = filled(5);
    let (other, _) = filled(7);
    let foreign = Registry::new();
    foreign.gauge("a", "", Unit::Count, &[]).unwrap();
    foreign
        .gauge("hits_total_seen", "", Unit::Count, &[])
        .unwrap();
    let labels: &[_] = &[("host", "b")];
    foreign
        .counter("hits_total", "Hits.", Unit::Count, labels)
        .unwrap();
    let error = ours.merge(&foreign.snapshot()).unwrap_err();
    let message = "metric \"hits_total\": registered before with other label names";
    assert_eq!(error.to_string(), message);
    assert_eq!(ours.families().len(), 3);
    assert!(ours.merge(&other.snapshot()).is_ok());
}

#[test]
fn rates_need_time() {
    assert_eq!(per_second(10, Duration::from_millis(500)), Some(20.0));
    assert_eq!(per_second(10, Duration::ZERO), None);
    assert_eq!(per_second(0, Duration::from_nanos(1)), Some(0.0));
}
