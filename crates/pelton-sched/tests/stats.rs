//! What the figures say: who ran what, and that an idle pool does nothing.
#![cfg(not(loom))]

use pelton_sched::{Priority, Scheduler, Stats};
use pelton_sync::{Arc, Parker, scaled, thread};

const TASKS: usize = scaled(1000, 50);

fn total(stats: &Stats, figure: impl Fn(&pelton_sched::WorkerStats) -> usize) -> usize {
    stats.workers.iter().map(figure).sum()
}

#[test]
fn every_task_is_counted_once() {
    let pool = Scheduler::builder().workers(2).build().unwrap();
    for _ in 0..TASKS {
        pool.spawn(Priority::Normal, || ()).unwrap();
    }
    pool.scope(|scope| (0..TASKS).for_each(|_| scope.spawn(|| ())));
    pool.drain(None);
    let stats = pool.stats();
    assert_eq!((stats.submitted, stats.queued), (TASKS + 1, 0));
    assert_eq!(stats.run(), 2 * TASKS + 1);
    assert_eq!(total(&stats, |worker| worker.spawned), TASKS);
    assert!(total(&stats, |worker| worker.injected) > TASKS);
    assert!(stats.workers.iter().any(|worker| !worker.busy.is_zero()));
}

/// The spawner keeps its worker until another has run its tasks: they can only be stolen.
#[test]
fn what_a_busy_worker_spawned_is_stolen() {
    let pool = Arc::new(Scheduler::builder().workers(2).build().unwrap());
    let inner = pool.clone();
    let spawner = pool.spawn_with_handle(Priority::Normal, move || {
        let done = Parker::new();
        let bell = done.unparker();
        inner
            .spawn(Priority::Normal, move || bell.unpark())
            .expect("from a task");
        done.park();
    });
    spawner.unwrap().join().unwrap();
    assert!(total(&pool.stats(), |worker| worker.stolen) >= 1);
}

#[test]
fn an_idle_pool_parks_and_stays_parked() {
    let pool = Scheduler::builder().workers(2).build().unwrap();
    pool.scope(|_| ());
    while total(&pool.stats(), |worker| worker.parked) < 2 {
        thread::yield_now();
    }
    pool.spawn_with_handle(Priority::Low, || ())
        .unwrap()
        .join()
        .unwrap();
    // Nobody polls: after everyone has parked, nothing is counted any more.
    let mut before = pool.stats();
    for _ in 0..1000 {
        thread::yield_now();
        let now = pool.stats();
        if now == before {
            return;
        }
        before = now;
    }
    panic!("the pool never came to rest");
}

#[test]
fn pinned_workers_name_their_cores() {
    let pool = Scheduler::builder().workers(2).pin(true).build().unwrap();
    pool.scope(|scope| (0..100).for_each(|_| scope.spawn(|| ())));
    pool.drain(None);
    let cores: Vec<_> = pool
        .stats()
        .workers
        .iter()
        .map(|worker| worker.core)
        .collect();
    assert_eq!(cores.len(), 2);
    let allowed: Vec<_> = core_affinity::get_core_ids().unwrap_or_default();
    let is_allowed = |core: &usize| allowed.iter().any(|id| id.id == *core);
    assert!(cores.iter().flatten().all(is_allowed));
}
