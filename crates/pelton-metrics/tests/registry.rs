//! The registry gives the same metric to whoever asks again, keeps Prometheus' rules, and refuses
//! what would not stop growing.
#![cfg(not(loom))]

use pelton_metrics::{Error, ErrorKind, Layout, Limits, Registry, Unit, Value};

#[track_caller]
fn refused(result: Result<impl Sized, Error>, message: &str) {
    let error = result.err().expect("should be refused");
    assert_eq!(error.to_string(), message);
}

fn counter(name: &str, unit: Unit) -> Result<pelton_metrics::Counter, Error> {
    Registry::new().counter(name, "help", unit, &[])
}

#[test]
fn asking_again_gives_the_same_metric() {
    let registry = Registry::new();
    let ask = |labels: &[(&str, &str)]| {
        let found = registry
            .clone()
            .counter("hits_total", "Hits.", Unit::Count, labels);
        found.unwrap()
    };
    ask(&[("a", "1"), ("b", "2")]).add(1);
    ask(&[("b", "2"), ("a", "1")]).local().add(10);
    ask(&[("a", "1"), ("b", "3")]).add(100);
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.families().len(), 1);
    assert_eq!(snapshot.families()[0].series().len(), 2);
    let value = snapshot.value("hits_total", &[("b", "2"), ("a", "1")]);
    assert_eq!(value, Some(&Value::Counter(11)));
    assert_eq!(snapshot.value("hits_total", &[("a", "1")]), None);
    assert_eq!(snapshot.value("misses_total", &[]), None);
}

#[test]
fn names_are_identifiers() {
    const RULE: &str = "names match [a-zA-Z_][a-zA-Z0-9_]* (colons are for recording rules)";
    for name in [
        "",
        "1_total",
        "a-b_total",
        "a:b_total",
        "a total",
        "größe_total",
        "a\n_total",
    ] {
        refused(
            counter(name, Unit::Count),
            &format!("metric {name:?}: {RULE}"),
        );
    }
    assert!(counter("_A9_total", Unit::Count).is_ok());
}

#[test]
fn counters_and_only_counters_are_totals() {
    refused(
        counter("a", Unit::Count),
        "metric \"a\": counters end in _total",
    );
    let gauge = Registry::new().gauge("a_total", "", Unit::Count, &[]);
    refused(gauge, "metric \"a_total\": only counters end in _total");
    let histogram = Registry::new().histogram("a_total", "", Unit::Count, &[]);
    refused(histogram, "metric \"a_total\": only counters end in _total");
}

#[test]
fn parts_of_metrics_are_reserved() {
    const RULE: &str = "_bucket, _count, _sum and _created belong to the parts of a metric";
    for name in ["a_bucket", "a_count", "a_sum", "a_created"] {
        let gauge = Registry::new().gauge(name, "", Unit::Count, &[]);
        refused(gauge, &format!("metric {name:?}: {RULE}"));
    }
}

#[test]
fn names_say_their_unit() {
    const RULE: &str = "the name says its base unit: _bytes, _seconds or _ratio (before _total)";
    for (unit, name) in [
        (Unit::Bytes, "read_total"),
        (Unit::Bytes, "bytes_total"),
        (Unit::Nanoseconds, "busy_nanoseconds_total"),
        (Unit::Millionths, "load_total"),
    ] {
        refused(counter(name, unit), &format!("metric {name:?}: {RULE}"));
    }
    assert!(counter("read_bytes_total", Unit::Bytes).is_ok());
    assert!(counter("busy_seconds_total", Unit::Nanoseconds).is_ok());
    assert!(
        Registry::new()
            .gauge("load_ratio", "", Unit::Millionths, &[])
            .is_ok()
    );
}

#[test]
fn labels_keep_the_rules() {
    let registry = Registry::new();
    let ask = |labels: &[(&str, &str)]| registry.histogram("size_bytes", "", Unit::Bytes, labels);
    let identifier = "names match [a-zA-Z_][a-zA-Z0-9_]* and do not start with __";
    for label in ["", "0", "a-b", "__name__"] {
        let message = format!("metric \"size_bytes\": label {label:?}: {identifier}");
        refused(ask(&[(label, "x")]), &message);
    }
    refused(
        ask(&[("le", "1")]),
        "metric \"size_bytes\": label \"le\": le belongs to the buckets of histograms",
    );
    refused(
        ask(&[("a", "1"), ("b", "1"), ("a", "2")]),
        "metric \"size_bytes\": label \"a\": each name comes once",
    );
    refused(
        ask(&[("a", &"x".repeat(129))]),
        "metric \"size_bytes\": label \"a\": the value is longer than the limit",
    );
    refused(
        ask(&[("a", "1"); 9]),
        "metric \"size_bytes\": more than 8 labels",
    );
    assert!(registry.snapshot().families().is_empty());
}

#[test]
fn what_was_registered_is_fixed() {
    let registry = Registry::new();
    let labels: &[_] = &[("a", "1")];
    let known = registry.histogram("wait_seconds", "Wait.", Unit::Nanoseconds, labels);
    let known = known.unwrap();
    known.record(1);
    let conflict = |what| format!("metric \"wait_seconds\": registered before with {what}");
    refused(
        registry.gauge("wait_seconds", "Wait.", Unit::Nanoseconds, labels),
        &conflict("another kind or other buckets"),
    );
    let layout = Layout::new(3, 1000);
    refused(
        registry.histogram_with("wait_seconds", "Wait.", Unit::Nanoseconds, labels, layout),
        &conflict("another kind or other buckets"),
    );
    refused(
        registry.histogram("wait_seconds", "Wait.", Unit::Count, labels),
        &conflict("another unit"),
    );
    refused(
        registry.histogram("wait_seconds", "Weight.", Unit::Nanoseconds, labels),
        &conflict("another help text"),
    );
    for other in [&[][..], &[("b", "1")], &[("a", "1"), ("b", "1")]] {
        refused(
            registry.histogram("wait_seconds", "Wait.", Unit::Nanoseconds, other),
            &conflict("other label names"),
        );
    }
    assert_eq!(registry.snapshot().families()[0].series().len(), 1);
}

#[test]
fn exploding_label_set_is_refused_and_the_rest_goes_on() {
    let limits = Limits {
        series_max: 10,
        ..Limits::default()
    };
    let registry = Registry::with_limits(limits);
    let ask = |user: u32| {
        let user = user.to_string();
        registry.counter("visits_total", "Visits.", Unit::Count, &[("user", &user)])
    };
    let taken: Vec<_> = (0..1000).map_while(|user| ask(user).ok()).collect();
    assert_eq!(taken.len(), 10);
    let error = ask(10).unwrap_err();
    assert_eq!(error.metric(), "visits_total");
    let (what, limit) = ("series", 10);
    assert_eq!(error.kind(), &ErrorKind::Limit { what, limit });
    taken[3].add(1);
    ask(3).unwrap().add(1);
    let value = registry
        .snapshot()
        .value("visits_total", &[("user", "3")])
        .cloned();
    assert_eq!(value, Some(Value::Counter(2)));
    assert!(registry.gauge("level", "", Unit::Count, &[]).is_ok());
}

#[test]
fn exploding_names_are_refused() {
    let limits = Limits {
        families_max: 2,
        ..Limits::default()
    };
    let registry = Registry::with_limits(limits);
    let ask = |name| registry.gauge(name, "", Unit::Count, &[]);
    assert!(ask("a").is_ok() && ask("b").is_ok());
    refused(ask("c"), "metric \"c\": more than 2 metrics");
    assert!(ask("a").is_ok());
}

#[test]
fn limit_of_zero_refuses_everything() {
    let limits = Limits {
        series_max: 0,
        ..Limits::default()
    };
    let gauge = Registry::with_limits(limits).gauge("a", "", Unit::Count, &[]);
    refused(gauge, "metric \"a\": more than 0 series");
}
