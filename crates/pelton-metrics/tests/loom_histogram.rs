//! Models of histograms: what a snapshot counts is inside its sum, minimum and maximum, and nothing
//! is lost while handles come and go.
#![cfg(loom)]

use pelton_metrics::{Histogram, HistogramSnapshot, Layout};
use pelton_sync::atomic::{AtomicU64, Ordering, fence};
use pelton_sync::{Arc, model, thread};

/// Four buckets: 0, 1, 2 and 3; what is above goes to the fifth.
fn small() -> Histogram {
    Histogram::with_layout(Layout::new(1, 3))
}

/// Checks that each counted value has its part in the rest.
#[track_caller]
fn check(seen: &HistogramSnapshot) {
    let counted: u64 = seen.buckets().map(|(end, count)| end.min(9) * count).sum();
    assert!(seen.sum() >= counted, "{seen:?}");
    if let (Some((first, _)), Some((last, _))) = (seen.buckets().next(), seen.buckets().last()) {
        assert!(seen.min() <= Some(first), "{seen:?}");
        assert!(seen.max() >= Some(last.min(9)), "{seen:?}");
    }
}

#[test]
fn what_is_counted_is_inside_the_rest() {
    model(|| {
        let histogram = small();
        let writer = histogram.clone();
        let handle = thread::spawn(move || {
            let mut local = writer.local();
            local.record(2);
            local.record(1);
        });
        check(&histogram.snapshot());
        handle.join().unwrap();
        let seen = histogram.snapshot();
        assert_eq!((seen.count(), seen.sum()), (2, 3));
        assert_eq!((seen.min(), seen.max()), (Some(1), Some(2)));
    });
}

#[test]
fn shared_records_are_whole_too() {
    model(|| {
        let histogram = small();
        let writer = histogram.clone();
        let handle = thread::spawn(move || writer.record(9));
        histogram.record(2);
        check(&histogram.snapshot());
        handle.join().unwrap();
        let seen = histogram.snapshot();
        assert_eq!((seen.count(), seen.sum()), (2, 11));
        assert_eq!((seen.min(), seen.max()), (Some(2), Some(9)));
    });
}

#[test]
fn handles_that_come_and_go_lose_nothing() {
    model(|| {
        let histogram = small();
        let mut local = histogram.local();
        local.record(3);
        let handle = thread::spawn(move || {
            local.record(2);
            drop(local);
        });
        histogram.local().record(1);
        handle.join().unwrap();
        let seen = histogram.snapshot();
        assert_eq!((seen.count(), seen.sum()), (3, 6));
        assert_eq!((seen.min(), seen.max()), (Some(1), Some(3)));
    });
}

/// One record and one reader in small, with the order of the bucket's store to choose.
fn record_meets_reader(bucket_store: Ordering) {
    let cell = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
    let writer = cell.clone();
    let handle = thread::spawn(move || {
        writer.0.store(7, Ordering::Relaxed);
        writer.1.store(1, bucket_store);
    });
    let count = cell.1.load(Ordering::Relaxed);
    fence(Ordering::Acquire);
    let sum = cell.0.load(Ordering::Relaxed);
    assert!(sum >= 7 * count, "counted before it was summed");
    handle.join().unwrap();
}

#[test]
fn bucket_stored_with_release_comes_after_its_sum() {
    model(|| record_meets_reader(Ordering::Release));
}

/// The twin: a bucket stored with Relaxed may be seen before its sum.
#[test]
#[should_panic(expected = "counted before it was summed")]
fn loom_rejects_a_bucket_stored_with_relaxed() {
    model(|| record_meets_reader(Ordering::Relaxed));
}
