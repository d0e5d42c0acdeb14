//! One thread makes events, some of them twice; three check them; one collects what is new.

use pelton_queue::dedup::Dedup;
use pelton_queue::{mpmc, unbounded, wait};

fn main() {
    let (mut events, work) = wait::pair(mpmc::channel(256)); // full means wait
    let (results, mut collected) = wait::pair(unbounded::channel());
    let seen = Dedup::<u64>::builder()
        .build()
        .expect("no allowance was set");

    let mut sums = [0; 2];
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..100_000_u64 {
                let id = number / 2; // everything comes twice
                events.push(id).expect("the workers stay to the end");
            }
        });
        for worker in 0..3 {
            let (mut work, mut results, mut seen) = (work.clone(), results.clone(), seen.clone());
            scope.spawn(move || {
                while let Ok(id) = work.pop() {
                    if seen.insert(id).expect("no allowance was set") {
                        results
                            .push((worker, id))
                            .expect("the collector stays to the end");
                    }
                }
            });
        }
        drop((work, results)); // the last end that drops closes
        let mut by_worker = [0; 3];
        while let Ok((worker, id)) = collected.pop() {
            by_worker[worker] += 1;
            sums[0] += id;
            sums[1] += 1;
        }
        println!("new events by worker: {by_worker:?}");
    });
    println!("{} of 100000 events were new", sums[1]);
    assert_eq!(sums, [(0..50_000).sum(), 50_000]);
}
