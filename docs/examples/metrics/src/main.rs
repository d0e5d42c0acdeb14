//! Four threads do something and measure it; the page that Prometheus would fetch is printed.

use std::time::Instant;

use pelton_metrics::{Registry, Unit};

fn main() -> Result<(), pelton_metrics::Error> {
    let registry = Registry::new();
    let sorts = registry.counter("sorts_total", "Lists sorted.", Unit::Count, &[])?;
    let took = registry.histogram("sort_seconds", "Time of a sort.", Unit::Nanoseconds, &[])?;

    std::thread::scope(|scope| {
        for seed in 1..=4 {
            let (mut sorts, mut took) = (sorts.local(), took.local());
            scope.spawn(move || {
                for round in 0..250 {
                    let began = Instant::now();
                    sort_something(seed * 1000 + round);
                    took.record(began.elapsed().as_nanos() as u64); // a plain store
                    sorts.increment(); // and another
                }
            });
        }
    });

    print!("{}", registry.snapshot().prometheus());
    let seen = took.snapshot();
    let at = |percent| seen.percentile(percent).unwrap_or(0);
    println!(
        "half took at most {} ns, all but 1 % {} ns",
        at(50.0),
        at(99.0)
    );
    assert_eq!((sorts.value(), seen.count()), (1000, 1000));
    Ok(())
}

fn sort_something(seed: u64) {
    let mut list: Vec<u64> = (0..1000).map(|item| (item * seed) % 997).collect();
    list.sort_unstable();
    assert!(list.is_sorted());
}
