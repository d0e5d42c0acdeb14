//! Counting and recording from two threads.

use std::hint::black_box;
use std::thread;
use std::time::Instant;

use pelton_metrics::{Counter, Histogram};

use crate::benchmark::{Benchmark, Goal, Sample};

pub(super) fn benchmarks() -> Vec<Benchmark> {
    vec![counters(), histograms()]
}

fn counters() -> Benchmark {
    let model = "an increment of one counter from two threads";
    let goal = Goal::Nanoseconds(0.5);
    let all = Benchmark::new("primitives/metrics/counter", model, 10_000_000, goal);
    let all = all.ours("pelton-metrics", |items| {
        let counter = Counter::new();
        let elapsed = from_two(items, || counter.local(), |local, _| local.increment());
        Sample::new(elapsed, counter.value())
    });
    let all = all.peer("std atomic", |items| {
        let counter = std::sync::atomic::AtomicU64::new(0);
        let add = |_: &mut (), _| {
            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        };
        let elapsed = from_two(items, || (), add);
        Sample::new(elapsed, counter.into_inner())
    });
    #[cfg(feature = "peers")]
    let all = all
        .peer("prometheus", peers::counter)
        .peer("prometheus local", peers::counter_local)
        .peer("metrics", peers::counter_of_metrics);
    all
}

fn histograms() -> Benchmark {
    let model = "a record into one histogram from two threads";
    let goal = Goal::Nanoseconds(2.5);
    let all = Benchmark::new("primitives/metrics/histogram", model, 4_000_000, goal);
    let all = all.ours("pelton-metrics", |items| {
        let histogram = Histogram::new();
        let record = |local: &mut pelton_metrics::LocalHistogram, item| local.record(latency(item));
        let elapsed = from_two(items, || histogram.local(), record);
        Sample::new(elapsed, histogram.snapshot().count())
    });
    #[cfg(feature = "peers")]
    let all = all
        .peer("hdrhistogram local", peers::histogram_hdr)
        .peer("prometheus-client", peers::histogram_client)
        .peer("prometheus", peers::histogram_prometheus);
    all
}

/// A value of a latency's spread, in nanoseconds: most near a microsecond, some far above.
fn latency(item: u64) -> u64 {
    let mixed = item.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    500 + (mixed >> (mixed & 15))
}

/// Lets each of two threads do half of the items with a handle of its own. What a handle does
/// when it is dropped belongs to the work.
fn from_two<L>(
    items: u64,
    handle: impl Fn() -> L + Sync,
    work: impl Fn(&mut L, u64) + Sync,
) -> std::time::Duration {
    let half = |from: u64, to: u64| {
        let mut local = handle();
        // The handle is seen from outside each time, or a loop would become one addition.
        (from..to).for_each(|item| work(black_box(&mut local), item));
    };
    let began = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| half(0, items / 2));
        half(items / 2, items);
    });
    began.elapsed()
}

/// The ways that a smoke run leaves out.
#[cfg(feature = "peers")]
mod peers {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex};

    use prometheus::core::{Atomic, GenericLocalCounter};

    use super::{from_two, latency};
    use crate::benchmark::Sample;

    pub(super) fn counter(items: u64) -> Sample {
        let counter = prometheus::IntCounter::new("items", "items").expect("a plain name");
        let elapsed = from_two(items, || counter.clone(), |counter, _| counter.inc());
        Sample::new(elapsed, counter.get())
    }

    /// A local counter that flushes when its thread ends.
    struct Flushing<P: Atomic>(GenericLocalCounter<P>);

    impl<P: Atomic> Drop for Flushing<P> {
        fn drop(&mut self) {
            self.0.flush();
        }
    }

    pub(super) fn counter_local(items: u64) -> Sample {
        let counter = prometheus::IntCounter::new("items", "items").expect("a plain name");
        let elapsed = from_two(
            items,
            || Flushing(counter.local()),
            |local, _| local.0.inc(),
        );
        Sample::new(elapsed, counter.get())
    }

    pub(super) fn counter_of_metrics(items: u64) -> Sample {
        let cell = Arc::new(AtomicU64::new(0));
        let counter = metrics::Counter::from_arc(cell.clone());
        let elapsed = from_two(items, || counter.clone(), |counter, _| counter.increment(1));
        Sample::new(elapsed, cell.load(Ordering::Relaxed))
    }

    type Hdr = hdrhistogram::Histogram<u64>;

    /// A histogram of one thread, added to the common one when its thread ends.
    struct Merging<'a>(Hdr, &'a Mutex<Hdr>);

    impl Drop for Merging<'_> {
        fn drop(&mut self) {
            if let Ok(mut all) = self.1.lock() {
                all.add(&self.0).expect("both have the same bounds");
            }
        }
    }

    pub(super) fn histogram_hdr(items: u64) -> Sample {
        // Two digits: one part in a hundred, as close to ours as its digits allow.
        let empty = || Hdr::new_with_bounds(1, 60_000_000_000, 2).expect("good bounds");
        let all = Mutex::new(empty());
        let record = |local: &mut Merging<'_>, item| {
            local.0.record(latency(item)).expect("within the bounds");
        };
        let elapsed = from_two(items, || Merging(empty(), &all), record);
        let count = all.lock().map_or(0, |all| all.len());
        Sample::new(elapsed, count)
    }

    pub(super) fn histogram_client(items: u64) -> Sample {
        let buckets = prometheus_client::metrics::histogram::exponential_buckets(500.0, 2.0, 16);
        let histogram = prometheus_client::metrics::histogram::Histogram::new(buckets);
        let record = |_: &mut (), item| histogram.observe(latency(item) as f64);
        let elapsed = from_two(items, || (), record);
        Sample::new(elapsed, items)
    }

    pub(super) fn histogram_prometheus(items: u64) -> Sample {
        let buckets = prometheus::exponential_buckets(500.0, 2.0, 16).expect("good bounds");
        let options = prometheus::HistogramOpts::new("latency", "latency").buckets(buckets);
        let histogram = prometheus::Histogram::with_opts(options).expect("a plain name");
        let record = |_: &mut (), item| histogram.observe(latency(item) as f64);
        let elapsed = from_two(items, || (), record);
        Sample::new(elapsed, histogram.get_sample_count())
    }
}
