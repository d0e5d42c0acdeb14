//! Objects and their pool: recycling, fallbacks, the way home, and the event they are made for.
#![cfg(not(loom))]

use std::panic::{AssertUnwindSafe, catch_unwind};

use pelton_pool::{Budget, ObjectPool};
use pelton_sync::atomic::{AtomicUsize, Ordering};
use pelton_sync::{Arc, scaled, thread};

/// An event of a stream: nine cache lines, the first of which holds all that routing needs.
#[repr(C, align(64))]
struct Event {
    id: u64,
    topic: u32,
    payload_size: u32,
    created_ns: u64,
    received_ns: u64,
    processed_ns: u64,
    source_type: u8,
    payload: [u8; 512],
}

const _: () = assert!(size_of::<Event>() == 576 && align_of::<Event>() == 64);

impl Event {
    fn new() -> Self {
        Self {
            id: 0,
            topic: 0,
            payload_size: 0,
            created_ns: 0,
            received_ns: 0,
            processed_ns: 0,
            source_type: 0,
            payload: [0; 512],
        }
    }
}

/// Counts how many of it are alive.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self(alive.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn counted(capacity: usize) -> (ObjectPool<Counted>, Arc<AtomicUsize>) {
    let alive = Arc::new(AtomicUsize::new(0));
    let count = alive.clone();
    (
        ObjectPool::new(capacity, move || Counted::new(&count)),
        alive,
    )
}

#[test]
fn events_are_aligned_and_recycled() {
    let pool = ObjectPool::new(1000, Event::new);
    let mut local = pool.local();
    let mut served = std::collections::HashSet::new();
    for id in 0..scaled(5000, 100) as u64 {
        let mut event = local.take();
        event.id = id;
        event.payload_size = 512;
        event.payload[511] = id as u8;
        assert_eq!((&raw const *event).addr() % 64, 0);
        served.insert((&raw const *event).addr());
        if id % 2 == 0 {
            local.put(event);
        }
    }
    assert!(served.len() <= 1000);
    assert_eq!(pool.stats().misses, 0);
}

#[test]
fn capacity_is_made_at_the_start_and_paid() {
    let budget = Budget::new(10 * 576);
    let build = |capacity| {
        let builder = ObjectPool::builder(Event::new).capacity(capacity);
        builder.budget(budget.clone()).build()
    };
    assert_eq!(build(11).unwrap_err().requested, 11 * 576);
    let pool = build(10).unwrap();
    assert_eq!((pool.stats().idle, budget.available()), (10, 0));
    drop(pool);
    assert_eq!(budget.used(), 0);
}

#[test]
fn beyond_the_capacity_objects_are_counted_and_not_kept() {
    let (pool, alive) = counted(2);
    let mut held: Vec<_> = (0..5).map(|_| pool.take()).collect();
    assert!(pool.try_take().is_none());
    assert_eq!((pool.stats().misses, pool.stats().hits), (3, 2));
    held.clear();
    assert_eq!((pool.stats().idle, alive.load(Ordering::Relaxed)), (2, 2));
    assert_eq!(pool.stats().high_water, 5);
    assert!(pool.try_take().is_some());
}

#[test]
fn an_end_of_its_own_keeps_no_more_than_the_capacity_either() {
    let (pool, alive) = counted(2);
    let mut local = pool.local();
    let held: Vec<_> = (0..300).map(|_| local.take()).collect();
    held.into_iter().for_each(|object| local.put(object));
    drop(local);
    assert_eq!((pool.stats().idle, alive.load(Ordering::Relaxed)), (2, 2));
    assert_eq!((pool.stats().hits, pool.stats().misses), (2, 298));
}

#[test]
fn zero_capacity_keeps_nothing() {
    let (pool, alive) = counted(0);
    assert!(pool.try_take().is_none());
    drop(pool.take());
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}

#[test]
fn zero_sized_objects() {
    let pool = ObjectPool::new(3, || ());
    let mut local = pool.local();
    let unit = local.take();
    local.put(unit);
    drop(local);
    assert_eq!((pool.stats().idle, pool.stats().outstanding), (3, 0));
}

#[test]
fn reset_runs_on_every_way_home() {
    let build = ObjectPool::builder(|| 0).capacity(1);
    let pool = build.reset(|value| *value = 0).build().unwrap();
    let mut local = pool.local();
    *pool.take() = 1;
    assert_eq!(*pool.take(), 0);
    let mut object = local.take();
    *object = 2;
    local.put(object);
    assert_eq!(*local.take(), 0);
}

#[test]
fn an_object_whose_reset_panics_is_dropped() {
    let alive = Arc::new(AtomicUsize::new(0));
    let count = alive.clone();
    let build = ObjectPool::builder(move || Counted::new(&count)).capacity(2);
    let pool = build.reset(|_| panic!("stuck")).build().unwrap();
    let mut local = pool.local();
    let (first, second) = (pool.take(), pool.take());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(first))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| local.put(second))).is_err());
    assert_eq!(
        (alive.load(Ordering::Relaxed), pool.stats().outstanding),
        (0, 0)
    );
}

/// Counts its drops, and panics in each unless it is on the way of a panic already.
struct Bomb(Arc<AtomicUsize>);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        assert!(thread::panicking(), "bang");
    }
}

#[test]
fn an_object_whose_destructor_panics_harms_no_other() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = dropped.clone();
    let pool = ObjectPool::new(2, move || Bomb(count.clone()));
    let (first, others) = (pool.take(), [pool.take(), pool.take()]);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(first))).is_err());
    drop(others);
    assert_eq!((pool.stats().idle, pool.stats().outstanding), (2, 0));
    drop([pool.take(), pool.take()]);
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(pool))).is_err());
    assert_eq!(dropped.load(Ordering::Relaxed), 3);
}

#[test]
fn a_make_that_panics_leaks_nothing() {
    let alive = Arc::new(AtomicUsize::new(0));
    let count = alive.clone();
    let make = move || {
        assert!(count.load(Ordering::Relaxed) < 3, "enough");
        Counted::new(&count)
    };
    assert!(catch_unwind(AssertUnwindSafe(|| ObjectPool::new(5, make))).is_err());
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}

#[test]
fn drops() {
    let (pool, alive) = counted(300);
    let mut local = pool.local();
    let held: Vec<_> = (0..200).map(|_| local.take()).collect();
    let twin = pool.clone();
    drop((pool, twin));
    assert_eq!(
        alive.load(Ordering::Relaxed),
        300,
        "the end keeps the pool open"
    );
    drop(local);
    assert_eq!(alive.load(Ordering::Relaxed), 200, "what lay idle is gone");
    thread::spawn(move || drop(held)).join().unwrap();
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}

#[test]
fn another_pools_object_goes_home() {
    let (ours, _) = counted(1);
    let (theirs, _) = counted(1);
    let mut local = ours.local();
    local.put(theirs.take());
    assert_eq!((theirs.stats().idle, ours.stats().idle), (1, 1));
    let (mut here, mut there) = (ours.take(), theirs.take());
    std::mem::swap(&mut here, &mut there);
    drop((here, there));
    assert_eq!((theirs.stats().idle, ours.stats().idle), (1, 1));
}

#[test]
fn objects_taken_here_and_returned_there_come_around() {
    let pool = ObjectPool::new(600, Event::new);
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut there = pool.local();
    let returner = thread::spawn(move || receiver.iter().for_each(|event| there.put(event)));
    let mut here = pool.local();
    let (mut sent, total) = (0, scaled(20_000, 200));
    while sent < total {
        match pool.try_take() {
            Some(event) => {
                sender.send(event).unwrap();
                sent += 1;
            }
            None => thread::yield_now(),
        }
        let event = here.take();
        here.put(event);
    }
    drop(sender);
    returner.join().unwrap();
    drop(here);
    let stats = pool.stats();
    assert_eq!(stats.outstanding, 0);
    assert!(stats.idle <= 600 && stats.hits >= total as u64);
}

#[test]
fn no_object_is_lent_twice() {
    let pool = ObjectPool::new(8, || AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..3 {
            let pool = pool.clone();
            scope.spawn(move || {
                let mut local = pool.local();
                for round in 0..scaled(2000, 30) {
                    let object = if round % 3 == 0 {
                        pool.take()
                    } else {
                        local.take()
                    };
                    assert_eq!(object.swap(1, Ordering::Relaxed), 0);
                    object.store(0, Ordering::Relaxed);
                    if round % 2 == 0 {
                        local.put(object);
                    }
                }
            });
        }
    });
    assert_eq!((pool.stats().outstanding, pool.stats().idle), (0, 8));
}

#[test]
fn an_end_that_goes_leaves_its_objects_to_the_others() {
    let pool = ObjectPool::new(3, || 0u8);
    let mut local = pool.local();
    let lent: Vec<_> = (0..3).map(|_| local.take()).collect();
    lent.into_iter().for_each(|object| local.put(object));
    drop(local);
    let stats = pool.stats();
    assert_eq!((stats.idle, stats.outstanding, stats.misses), (3, 0, 0));
}
