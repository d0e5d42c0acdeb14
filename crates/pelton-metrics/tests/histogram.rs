//! Histograms at their edges: nothing, one value, too large a value, bad questions.
#![cfg(not(loom))]

use pelton_metrics::{Histogram, HistogramSnapshot, Layout};
use pelton_sync::thread;

fn recorded(values: &[u64]) -> HistogramSnapshot {
    let histogram = Histogram::new();
    let mut local = histogram.local();
    values.iter().for_each(|&value| local.record(value));
    histogram.snapshot()
}

#[test]
fn empty_population_has_no_answers() {
    let empty = Histogram::default().snapshot();
    assert!(empty.is_empty());
    assert_eq!((empty.count(), empty.sum()), (0, 0));
    assert_eq!((empty.min(), empty.max(), empty.mean()), (None, None, None));
    assert_eq!(empty.percentile(50.0), None);
    assert_eq!(empty.buckets().count(), 0);
    assert_eq!(empty, HistogramSnapshot::empty(Layout::default()));
}

#[test]
fn one_value_is_every_percentile() {
    for value in [0, 1, 127, 255, 256, 1_000_003, u64::MAX] {
        let seen = recorded(&[value]);
        for percent in [0.0, 50.0, 99.9, 100.0] {
            assert_eq!(seen.percentile(percent), Some(value));
        }
        assert_eq!((seen.min(), seen.max()), (Some(value), Some(value)));
        assert_eq!(seen.mean(), Some(value as f64));
    }
}

#[test]
fn bad_questions_have_no_answer() {
    let seen = recorded(&[1, 2, 3]);
    for percent in [-0.1, 100.1, f64::NAN, f64::INFINITY] {
        assert_eq!(seen.percentile(percent), None);
    }
}

#[test]
fn values_above_the_largest_are_counted_and_answered_with_the_maximum() {
    let histogram = Histogram::with_layout(Layout::new(4, 1000));
    let mut local = histogram.local();
    local.record(10);
    local.record(1_000_000);
    local.record(5_000_000);
    histogram.record(2_000_000);
    let seen = histogram.snapshot();
    assert_eq!((seen.count(), seen.sum()), (4, 8_000_010));
    assert_eq!(seen.percentile(25.0), Some(10));
    assert_eq!(seen.percentile(26.0), Some(5_000_000));
    assert_eq!(seen.buckets().last(), Some((u64::MAX, 3)));
}

#[test]
fn sum_saturates() {
    let histogram = Histogram::new();
    let mut local = histogram.local();
    local.record_many(u64::MAX / 2, 3);
    histogram.record(u64::MAX);
    let seen = histogram.snapshot();
    assert_eq!((seen.count(), seen.sum()), (4, u64::MAX));
    assert!(seen.mean().unwrap() <= u64::MAX as f64);
}

#[test]
fn recording_no_times_is_nothing() {
    let histogram = Histogram::new();
    histogram.local().record_many(7, 0);
    assert_eq!(histogram.snapshot(), Histogram::new().snapshot());
}

#[test]
fn many_and_shared_records_are_the_same_as_single_ones() {
    let (one, other) = (Histogram::new(), Histogram::new());
    one.local().record_many(300, 3);
    one.record(4);
    let mut local = other.local();
    for value in [300, 4, 300, 300] {
        local.record(value);
    }
    assert_eq!(one.snapshot(), other.snapshot());
}

#[test]
fn records_stay_when_a_handle_goes_and_when_its_cell_is_used_again() {
    let histogram = Histogram::new();
    for round in 1..=5 {
        let (mut first, mut second) = (histogram.local(), histogram.local());
        first.record(round);
        second.record(100 * round);
    }
    let seen = histogram.snapshot();
    assert_eq!((seen.count(), seen.sum()), (10, 15 + 1500));
    assert_eq!((seen.min(), seen.max()), (Some(1), Some(500)));
}

#[test]
fn what_is_counted_is_inside_sum_and_extremes_while_others_record() {
    const EACH: u64 = if cfg!(miri) { 20 } else { 20_000 };
    let histogram = Histogram::with_layout(Layout::new(3, EACH));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut local = histogram.local();
                (1..=EACH).for_each(|value| local.record(value));
            });
        }
        let mut seen = histogram.snapshot();
        while seen.count() < 2 * EACH {
            let counted: u64 = seen.buckets().map(|(_, count)| count).sum();
            assert_eq!(counted, seen.count());
            // Of two writers that record 1, 2, 3, ... n records sum up to this at least.
            let half = seen.count() / 2;
            assert!(seen.sum() >= half * (half + 1), "{seen:?}");
            assert!(seen.is_empty() || seen.max() >= Some(half));
            seen = histogram.snapshot();
        }
        assert_eq!(seen.sum(), EACH * (EACH + 1));
    });
}

#[test]
fn different_buckets_do_not_mix() {
    let mut ours = recorded(&[1, 2]);
    let theirs = HistogramSnapshot::empty(Layout::new(3, 10));
    let before = ours.clone();
    let error = ours.merge(&theirs).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("histograms have different buckets: Layout")
    );
    assert_eq!(ours.delta(&theirs), Err(error));
    assert_eq!(ours, before);
}

#[test]
#[should_panic(expected = "precision must be in 1..=14 bits")]
fn no_precision() {
    let _ = Layout::new(0, 100);
}

#[test]
#[should_panic(expected = "precision must be in 1..=14 bits")]
fn too_much_precision() {
    let _ = Layout::new(15, 100);
}
