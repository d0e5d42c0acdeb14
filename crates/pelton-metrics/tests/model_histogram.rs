//! Histograms against a sorted vector: percentiles within the stated error, sums exact, merging and
//! subtracting the same as recording.
#![cfg(not(loom))]

use pelton_metrics::{Histogram, HistogramSnapshot, Layout};
use proptest::collection::vec;
use proptest::prelude::*;

/// Values of every magnitude, small ones as often as large ones.
fn value() -> impl Strategy<Value = u64> {
    (0..64_u32, any::<u64>()).prop_map(|(shift, bits)| bits >> shift)
}

fn layout() -> impl Strategy<Value = Layout> {
    (1..=10_u32, value()).prop_map(|(bits, largest)| Layout::new(bits, largest))
}

fn record(histogram: &Histogram, values: &[u64]) {
    let mut handles = [histogram.local(), histogram.local()];
    for (place, &value) in values.iter().enumerate() {
        match place % 3 {
            2 => histogram.record(value),
            handle => handles[handle].record(value),
        }
    }
}

fn recorded(layout: Layout, values: &[u64]) -> HistogramSnapshot {
    let histogram = Histogram::with_layout(layout);
    record(&histogram, values);
    histogram.snapshot()
}

/// Nearest rank on the sorted values.
fn percentile(sorted: &[u64], percent: f64) -> u64 {
    let rank = (percent * sorted.len() as f64 / 100.0).ceil() as usize;
    sorted[rank.max(1) - 1]
}

proptest! {
    #[test]
    fn percentiles_keep_the_stated_error(
        layout in layout(),
        values in vec(value(), 1..200),
        percent in 0.0..=100.0_f64,
    ) {
        let seen = recorded(layout, &values);
        let mut sorted = values;
        sorted.sort_unstable();
        for percent in [percent, 0.0, 50.0, 99.0, 100.0] {
            let (truth, answer) = (percentile(&sorted, percent), seen.percentile(percent).unwrap());
            if truth <= layout.largest() {
                let error = u128::from(answer) - u128::from(truth);
                let bound = layout.relative_error() * truth as f64;
                prop_assert!(error as f64 <= bound, "{answer} for {truth}");
            } else {
                prop_assert_eq!(answer, sorted[sorted.len() - 1]);
            }
        }
    }

    #[test]
    fn moments_are_exact(layout in layout(), values in vec(0..1_u64 << 50, 1..100)) {
        let seen = recorded(layout, &values);
        let sum: u64 = values.iter().sum();
        prop_assert_eq!(seen.count(), values.len() as u64);
        prop_assert_eq!(seen.sum(), sum);
        prop_assert_eq!(seen.min(), values.iter().min().copied());
        prop_assert_eq!(seen.max(), values.iter().max().copied());
        let mean = sum as f64 / values.len() as f64;
        prop_assert!((seen.mean().unwrap() - mean).abs() <= mean * 1e-12);
    }

    #[test]
    fn merging_is_recording_together(
        layout in layout(),
        ours in vec(value(), 0..50),
        theirs in vec(value(), 0..50),
    ) {
        let mut merged = recorded(layout, &ours);
        merged.merge(&recorded(layout, &theirs)).unwrap();
        prop_assert_eq!(merged, recorded(layout, &[ours, theirs].concat()));
    }

    #[test]
    fn delta_is_what_came_later(
        layout in layout(),
        before in vec(0..1_u64 << 50, 0..50),
        after in vec(0..1_u64 << 50, 0..50),
    ) {
        let histogram = Histogram::with_layout(layout);
        record(&histogram, &before);
        let earlier = histogram.snapshot();
        record(&histogram, &after);
        let delta = histogram.snapshot().delta(&earlier).unwrap();
        let alone = recorded(layout, &after);
        prop_assert_eq!((delta.count(), delta.sum()), (alone.count(), alone.sum()));
        prop_assert!(delta.buckets().eq(alone.buckets()));
        // The extremes are known to their buckets.
        prop_assert!(delta.min() <= alone.min());
        prop_assert!(delta.max() >= alone.max());
    }

    #[test]
    fn buckets_are_narrow_and_in_order(layout in layout(), values in vec(value(), 1..100)) {
        let seen = recorded(layout, &values);
        let ends: Vec<u64> = seen.buckets().map(|(end, _)| end).collect();
        prop_assert!(ends.is_sorted_by(|left, right| left < right));
        for value in values {
            let end = ends[ends.partition_point(|&end| end < value)];
            let width = (end - value) as f64;
            prop_assert!(
                end == u64::MAX || width <= layout.relative_error() * value as f64,
                "{value} falls into the bucket that ends at {end}"
            );
        }
    }
}
