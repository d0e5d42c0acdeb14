//! Random trees of work, run by every means there is, against the plain recursion.
#![cfg(not(loom))]

use pelton_sched::{Priority, Scheduler, Scope};
use pelton_sync::Arc;
use pelton_sync::atomic::{AtomicUsize, Ordering::Relaxed};
use proptest::prelude::*;

/// One piece of work: its own worth, and how its parts are run.
#[derive(Debug, Clone)]
enum Work {
    Leaf(usize),
    Scope(Vec<Self>),
    Spawn(Vec<Self>),
    Join(Box<(Self, Self)>),
    Loop(usize),
    Detached(usize, Priority),
    Resize(usize),
}

/// The oracle.
fn worth(work: &Work) -> usize {
    match work {
        Work::Leaf(n) | Work::Detached(n, _) => *n,
        Work::Scope(parts) | Work::Spawn(parts) => parts.iter().map(worth).sum(),
        Work::Join(pair) => worth(&pair.0) + worth(&pair.1),
        Work::Loop(n) => (0..*n).sum(),
        Work::Resize(_) => 0,
    }
}

struct Run<'a> {
    pool: &'a Scheduler,
    sum: Arc<AtomicUsize>,
}

impl Run<'_> {
    fn add(&self, n: usize) {
        self.sum.fetch_add(n, Relaxed);
    }

    fn work<'s>(&'s self, scope: &'s Scope<'s, '_>, work: &'s Work) {
        match work {
            Work::Leaf(n) => self.add(*n),
            Work::Scope(parts) => self.pool.scope(|inner| {
                parts
                    .iter()
                    .for_each(|part| inner.spawn(|| self.work(inner, part)));
            }),
            Work::Spawn(parts) => parts
                .iter()
                .for_each(|part| scope.spawn_with(Priority::Low, || self.work(scope, part))),
            Work::Join(pair) => {
                let (a, b) = &**pair;
                self.pool
                    .join(|| self.work(scope, a), || self.work(scope, b));
            }
            Work::Loop(n) => self.pool.parallel_for(0..*n, |i| self.add(i)),
            Work::Detached(n, priority) => {
                let (sum, n) = (self.sum.clone(), *n);
                let body = move || {
                    sum.fetch_add(n, Relaxed);
                };
                self.pool.spawn(*priority, body).expect("the pool is open");
            }
            Work::Resize(workers) => self.pool.resize(*workers).expect("there are places"),
        }
    }
}

fn any_work() -> impl Strategy<Value = Work> {
    let priority = prop::sample::select(Priority::ALL.to_vec());
    let leaf = prop_oneof![
        4 => (0..100_usize).prop_map(Work::Leaf),
        2 => (0..200_usize).prop_map(Work::Loop),
        2 => (0..100_usize, priority).prop_map(|(n, priority)| Work::Detached(n, priority)),
        1 => (1..=4_usize).prop_map(Work::Resize),
    ];
    leaf.prop_recursive(5, 120, 8, |inner| {
        let parts = prop::collection::vec(inner.clone(), 0..8);
        prop_oneof![
            parts.clone().prop_map(Work::Scope),
            parts.prop_map(Work::Spawn),
            (inner.clone(), inner).prop_map(|pair| Work::Join(Box::new(pair))),
        ]
    })
}

proptest! {
    #[test]
    fn every_tree_is_worth_what_the_recursion_says(work in any_work(), workers in 1..=4_usize) {
        let builder = Scheduler::builder().workers(workers).max_workers(4);
        let pool = builder.build().expect("threads");
        let sum = Arc::new(AtomicUsize::new(0));
        let run = Run { pool: &pool, sum: sum.clone() };
        pool.scope(|scope| run.work(scope, &work));
        prop_assert!(pool.drain(None).is_complete);
        prop_assert_eq!(sum.load(Relaxed), worth(&work));
        let stats = pool.stats();
        let spawned: usize = stats.workers.iter().map(|worker| worker.spawned).sum();
        prop_assert_eq!(stats.run(), stats.submitted + spawned);
    }
}
