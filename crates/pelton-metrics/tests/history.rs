//! History: right rates and percentiles at each resolution, in bounded memory, by any clock.
#![cfg(not(loom))]

use std::time::Duration;

use pelton_metrics::{Counter, History, Point, Registry, Resolution, Retention, Trend, Unit};

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn counting() -> (Registry, Counter) {
    let registry = Registry::new();
    let counter = registry.counter("a_total", "", Unit::Count, &[]);
    (registry, counter.expect("the name keeps the rules"))
}

fn counts(history: &History, resolution: Resolution) -> Vec<u64> {
    let count = |point: &Point| match point.trend {
        Trend::Counter(count) => count,
        other => panic!("{other:?}"),
    };
    history
        .points("a_total", &[], resolution)
        .map(count)
        .collect()
}

#[test]
fn empty_history_has_no_points() {
    let mut history = History::new();
    history.record(seconds(1), &Registry::new().snapshot());
    assert_eq!(history.points("a", &[], Resolution::Second).len(), 0);
    assert_eq!((history.series(), history.left_out()), (0, 0));
}

#[test]
fn down_samples_to_minutes_and_hours_and_forgets() {
    let (registry, counter) = counting();
    let retention = Retention {
        seconds: 5,
        minutes: 3,
        hours: 2,
        ..Retention::default()
    };
    let mut history = History::with_retention(retention);
    // In hour h every second counts h + 1.
    for second in 0..=4 * 3600 {
        history.record(seconds(second), &registry.snapshot());
        counter.add(second / 3600 + 1);
    }
    assert_eq!(counts(&history, Resolution::Second), [4; 5]);
    assert_eq!(counts(&history, Resolution::Minute), [4 * 60; 3]);
    assert_eq!(counts(&history, Resolution::Hour), [3 * 3600, 4 * 3600]);
    let newest = history
        .points("a_total", &[], Resolution::Hour)
        .next_back()
        .unwrap();
    assert_eq!(
        (newest.start, newest.elapsed),
        (seconds(3 * 3600), seconds(3600))
    );
    assert_eq!(newest.rate(), Some(4.0));
}

#[test]
fn point_covers_a_gap_and_its_rate_knows() {
    let (registry, counter) = counting();
    let mut history = History::new();
    history.record(Duration::from_millis(900), &registry.snapshot());
    counter.add(30);
    history.record(Duration::from_millis(3900), &registry.snapshot());
    let points: Vec<_> = history.points("a_total", &[], Resolution::Second).collect();
    let expected = Point {
        start: Duration::from_millis(900),
        elapsed: seconds(3),
        trend: Trend::Counter(30),
    };
    assert_eq!(points, [&expected]);
    assert_eq!(points[0].rate(), Some(10.0));
    assert_eq!(counts(&history, Resolution::Minute), []);
}

#[test]
fn several_snapshots_in_a_second_are_one_point() {
    let (registry, counter) = counting();
    let mut history = History::new();
    for tenth in 0..=20 {
        history.record(Duration::from_millis(100 * tenth), &registry.snapshot());
        counter.add(1);
    }
    assert_eq!(counts(&history, Resolution::Second), [10, 10]);
}

#[test]
fn clock_that_goes_back_is_ignored() {
    let (registry, counter) = counting();
    let mut history = History::new();
    history.record(seconds(10), &registry.snapshot());
    counter.add(1);
    history.record(seconds(5), &registry.snapshot());
    history.record(seconds(10), &registry.snapshot());
    assert_eq!(counts(&history, Resolution::Second), []);
    history.record(seconds(11), &registry.snapshot());
    assert_eq!(counts(&history, Resolution::Second), [1]);
}

#[test]
fn gauge_tells_its_levels() {
    let registry = Registry::new();
    let labels: &[_] = &[("a", "1"), ("b", "2")];
    let gauge = registry.gauge("level", "", Unit::Count, labels).unwrap();
    let mut history = History::new();
    for (millis, level) in [(0, 5), (300, -7), (600, 9), (900, 2), (1000, 100)] {
        gauge.set(level);
        history.record(Duration::from_millis(millis), &registry.snapshot());
    }
    let swapped = [("b", "2"), ("a", "1")];
    let point = history
        .points("level", &swapped, Resolution::Second)
        .next()
        .unwrap();
    let (min, max, last) = (-7, 9, 2);
    assert_eq!(point.trend, Trend::Gauge { min, max, last });
    assert_eq!(point.rate(), None);
}

#[test]
fn histogram_tells_the_percentiles_of_its_step() {
    let registry = Registry::new();
    let wait = registry
        .histogram("wait_seconds", "", Unit::Nanoseconds, &[])
        .unwrap();
    let mut history = History::new();
    // The first half of the minute is fast, the second slow, the next minute silent.
    for second in 0..=120 {
        history.record(seconds(second), &registry.snapshot());
        if second < 60 {
            wait.record(if second < 30 { 100 } else { 200 });
        }
    }
    let trends = |resolution| {
        let points = history.points("wait_seconds", &[], resolution);
        points
            .map(|point| match point.trend {
                Trend::Histogram(summary) => {
                    summary.map(|seen| (seen.count, seen.sum, seen.p50, seen.max))
                }
                other => panic!("{other:?}"),
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        trends(Resolution::Minute),
        [Some((60, 9000, 100, 200)), None]
    );
    let by_second = trends(Resolution::Second);
    assert_eq!(
        by_second[29..31],
        [Some((1, 100, 100, 100)), Some((1, 200, 200, 200))]
    );
    assert_eq!(by_second[60..], [None; 60]);
    let rates = history
        .points("wait_seconds", &[], Resolution::Minute)
        .map(Point::rate);
    assert_eq!(rates.collect::<Vec<_>>(), [Some(1.0), Some(0.0)]);
}

#[test]
fn too_many_series_are_left_out_and_counted() {
    let registry = Registry::new();
    for value in ["1", "2", "3"] {
        registry
            .gauge("level", "", Unit::Count, &[("a", value)])
            .unwrap();
    }
    let retention = Retention {
        series_max: 2,
        ..Retention::default()
    };
    let mut history = History::with_retention(retention);
    for second in 0..5 {
        history.record(seconds(second), &registry.snapshot());
    }
    assert_eq!((history.series(), history.left_out()), (2, 5));
    assert_eq!(
        history
            .points("level", &[("a", "2")], Resolution::Second)
            .len(),
        4
    );
    assert_eq!(
        history
            .points("level", &[("a", "3")], Resolution::Second)
            .len(),
        0
    );
}

#[test]
fn retention_of_nothing_keeps_nothing() {
    let (registry, _counter) = counting();
    let retention = Retention {
        seconds: 0,
        minutes: 0,
        hours: 0,
        ..Retention::default()
    };
    let mut history = History::with_retention(retention);
    for hour in 0..3 {
        history.record(seconds(3600 * hour), &registry.snapshot());
    }
    for resolution in [Resolution::Second, Resolution::Minute, Resolution::Hour] {
        assert_eq!(history.points("a_total", &[], resolution).len(), 0);
    }
}

#[test]
fn labels_cannot_be_confused() {
    let registry = Registry::new();
    let ask = |labels| registry.gauge("level", "", Unit::Count, labels).unwrap();
    ask(&[("a", "1,b=1:2"), ("b", "")]).set(1);
    ask(&[("a", "1"), ("b", "2,b=0:")]).set(2);
    let mut history = History::new();
    history.record(seconds(0), &registry.snapshot());
    history.record(seconds(1), &registry.snapshot());
    assert_eq!(history.series(), 2);
}

#[test]
fn points_are_as_small_as_the_docs_say() {
    assert_eq!(size_of::<Point>(), 80);
}
