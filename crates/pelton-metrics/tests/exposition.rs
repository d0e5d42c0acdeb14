//! What is written can be read: Prometheus text and JSON, by parsers that are not ours.
#![cfg(not(loom))]

use std::collections::BTreeMap;

use pelton_metrics::{Layout, Registry, Unit};
use prometheus_parse::{HistogramCount, Sample, Scrape, Value};
use proptest::prelude::*;

fn scrape(registry: &Registry) -> Scrape {
    let text = registry.snapshot().prometheus();
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    Scrape::parse(lines).expect("the text is well-formed")
}

fn sample<'a>(scrape: &'a Scrape, name: &str) -> &'a Sample {
    let mut named = scrape.samples.iter().filter(|sample| sample.metric == name);
    let found = named.next().expect("the sample is there");
    assert!(named.next().is_none(), "{name} comes twice");
    found
}

#[test]
fn empty_registry_writes_nothing() {
    let snapshot = Registry::new().snapshot();
    assert_eq!(snapshot.prometheus(), "");
    assert_eq!(snapshot.json(), "[]");
}

#[test]
fn text_is_what_the_format_asks_for() {
    let registry = Registry::new();
    let labels: &[_] = &[("stage", "filter"), ("lane", "b\"\\\n")];
    let help = "Records, by\nstage \\ lane.";
    let records = registry
        .counter("records_total", help, Unit::Count, labels)
        .unwrap();
    records.add(12);
    let load = registry
        .gauge("load_ratio", "Load.", Unit::Millionths, &[])
        .unwrap();
    load.set(-250_000);
    let sizes = registry.histogram_with("size_bytes", "", Unit::Bytes, &[], Layout::new(1, 7));
    let sizes = sizes.unwrap();
    [0, 2, 3, 3, 9].iter().for_each(|&size| sizes.record(size));
    let expected = r#"# HELP load_ratio Load.
# TYPE load_ratio gauge
load_ratio -0.25
# HELP records_total Records, by\nstage \\ lane.
# TYPE records_total counter
records_total{lane="b\"\\\n",stage="filter"} 12
# HELP size_bytes 
# TYPE size_bytes histogram
size_bytes_bucket{le="0"} 1
size_bytes_bucket{le="1"} 1
size_bytes_bucket{le="3"} 4
size_bytes_bucket{le="7"} 4
size_bytes_bucket{le="+Inf"} 5
size_bytes_sum 17
size_bytes_count 5
"#;
    assert_eq!(registry.snapshot().prometheus(), expected);
}

#[test]
fn parser_reads_counters_and_gauges() {
    let registry = Registry::new();
    let labels: &[_] = &[("stage", "filter")];
    let busy = registry.counter("busy_seconds_total", "Busy.", Unit::Nanoseconds, labels);
    busy.unwrap().add(1_500_000_020);
    let depth = registry.gauge("depth", "Depth.", Unit::Count, &[]).unwrap();
    depth.set(i64::MIN);
    let scrape = scrape(&registry);
    let busy = sample(&scrape, "busy_seconds_total");
    assert_eq!(busy.value, Value::Counter(1.500_000_02));
    assert_eq!(busy.labels.get("stage"), Some("filter"));
    assert_eq!(
        sample(&scrape, "depth").value,
        Value::Gauge(i64::MIN as f64)
    );
    assert_eq!(scrape.docs["depth"], "Depth.");
}

#[test]
fn histogram_keeps_its_series_whatever_was_recorded() {
    let registry = Registry::new();
    let wait = registry
        .histogram("wait_seconds", "", Unit::Nanoseconds, &[])
        .unwrap();
    let names = || {
        let text = registry.snapshot().prometheus();
        let name = |line: &str| line.rsplit_once(' ').map(|(name, _)| name.to_owned());
        text.lines().map(name).collect::<Vec<_>>()
    };
    let before = names();
    wait.record(7);
    wait.record(u64::MAX);
    assert_eq!(names(), before);
    assert_eq!(before.len(), 2 + 41 + 1 + 2);
}

proptest! {
    #[test]
    fn parser_reads_the_buckets_that_were_recorded(
        bits in 1..=7_u32,
        values in proptest::collection::vec((0..64_u32, any::<u64>()), 0..50),
    ) {
        let values: Vec<u64> = values.into_iter().map(|(shift, bits)| bits >> shift).collect();
        let (registry, layout) = (Registry::new(), Layout::new(bits, 1 << 30));
        let sizes = registry.histogram_with("size_bytes", "", Unit::Bytes, &[], layout).unwrap();
        values.iter().for_each(|&value| sizes.record(value));
        let scrape = scrape(&registry);
        let Value::Histogram(buckets) = &sample(&scrape, "size_bytes").value else {
            panic!("not a histogram");
        };
        for &HistogramCount { less_than, count } in buckets {
            let below = values.iter().filter(|&&value| value as f64 <= less_than).count();
            prop_assert_eq!(count, below as f64, "at {}", less_than);
        }
        let count = &sample(&scrape, "size_bytes_count").value;
        prop_assert_eq!(count, &Value::Untyped(values.len() as f64));
    }

    #[test]
    fn any_text_comes_back_from_json(
        help in any::<String>(),
        label in "\\PC{0,20}|[\\x00-\\x7f]{0,20}",
    ) {
        let registry = Registry::new();
        registry.gauge("a", &help, Unit::Count, &[("b", &label)]).unwrap().set(-3);
        let json: serde_json::Value = serde_json::from_str(&registry.snapshot().json()).unwrap();
        prop_assert_eq!(&json[0]["help"], &help);
        prop_assert_eq!(&json[0]["series"][0]["labels"]["b"], &label);
        prop_assert_eq!(&json[0]["series"][0]["value"], -3);
    }

    #[test]
    fn any_label_comes_back_from_prometheus_text(label in "[a-z\\\\\"\n{},= ]{0,20}") {
        let registry = Registry::new();
        registry.gauge("a", "", Unit::Count, &[("b", &label), ("c", "end")]).unwrap().set(1);
        let text = registry.snapshot().prometheus();
        let line = text.lines().last().unwrap();
        let value = line.strip_prefix("a{b=\"").unwrap().strip_suffix("\",c=\"end\"} 1").unwrap();
        let mut letters = value.chars();
        let mut unescaped = String::new();
        while let Some(letter) = letters.next() {
            prop_assert!(letter != '"' && letter != '\n');
            unescaped.push(match letter {
                '\\' => match letters.next() {
                    Some('n') => '\n',
                    Some(escaped @ ('"' | '\\')) => escaped,
                    other => panic!("\\{other:?} is no escape"),
                },
                plain => plain,
            });
        }
        prop_assert_eq!(unescaped, label);
    }
}

#[test]
fn json_tells_everything_in_base_units() {
    let registry = Registry::new();
    let labels: &[_] = &[("stage", "filter")];
    let help = "Time spent waiting.";
    let wait = registry
        .histogram("wait_seconds", help, Unit::Nanoseconds, labels)
        .unwrap();
    (1..=100).for_each(|step| wait.record(step * 1_000_000));
    let json: serde_json::Value = serde_json::from_str(&registry.snapshot().json()).unwrap();
    let family = &json[0];
    assert_eq!(family["name"], "wait_seconds");
    assert_eq!(family["help"], help);
    assert_eq!(family["kind"], "histogram");
    assert_eq!(family["unit"], "seconds");
    assert_eq!(family["series"][0]["labels"]["stage"], "filter");
    let value = &family["series"][0]["value"];
    assert_eq!(value["count"], 100);
    assert_eq!(
        (&value["sum"], &value["mean"]),
        (&5.05.into(), &0.0505.into())
    );
    assert_eq!((&value["min"], &value["max"]), (&0.001.into(), &0.1.into()));
    for (name, truth) in [("p50", 0.05), ("p90", 0.09), ("p99", 0.099), ("p999", 0.1)] {
        let answer = value[name].as_f64().unwrap();
        assert!(
            (truth..=truth * (1.0 + 1.0 / 128.0)).contains(&answer),
            "{name} is {answer}"
        );
    }
}

#[test]
fn json_of_an_empty_histogram_has_nulls() {
    let registry = Registry::new();
    registry
        .histogram("size_bytes", "", Unit::Bytes, &[])
        .unwrap();
    let json: Vec<BTreeMap<String, serde_json::Value>> =
        serde_json::from_str(&registry.snapshot().json()).unwrap();
    let value = &json[0]["series"][0]["value"];
    assert_eq!(value["count"], 0);
    for name in ["min", "max", "mean", "p50", "p90", "p99", "p999"] {
        assert!(value[name].is_null());
    }
}
