//! Models of the pools: nothing is lent twice, nothing is lost, and what one thread did to a
//! thing is seen by the thread that takes it next.
#![cfg(loom)]

use pelton_pool::{Budget, Buffer, BufferPool, Leased, ObjectPool};
use pelton_sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use pelton_sync::{Arc, UnsafeCell, model, thread};

/// A pool of one class, whose budget allows `buffers` of them.
fn buffers(count: u64) -> (BufferPool, Budget) {
    let budget = Budget::new(count * 64);
    let builder = BufferPool::builder().budget(budget.clone());
    (builder.largest_class(64).build(), budget)
}

/// Objects whose every use loom watches.
fn cells(capacity: usize) -> ObjectPool<UnsafeCell<usize>> {
    ObjectPool::new(capacity, || UnsafeCell::new(0))
}

/// Writes to a lent object: loom fails if another thread has it, or gave it back unseen.
fn touch(object: &Leased<UnsafeCell<usize>>) {
    // SAFETY: whoever holds the lease is alone with the object; loom checks it.
    object.with_mut(|value| unsafe { *value += 1 });
}

#[test]
fn an_idle_buffer_is_never_refused() {
    model(|| {
        let (pool, budget) = buffers(1);
        let buffer = pool.lease(64).unwrap();
        let returner = thread::spawn(move || drop(buffer));
        drop(pool.lease(64));
        returner.join().unwrap();
        drop(pool.lease(64).expect("it is back by now"));
        drop(pool);
        assert_eq!(budget.used(), 0);
    });
}

#[test]
fn two_leases_are_two_buffers() {
    model(|| {
        let (pool, budget) = buffers(2);
        let other = pool.clone();
        let address = |buffer: &mut Buffer| buffer.spare_mut().as_ptr().addr();
        let rival = thread::spawn(move || other.lease(1).unwrap());
        let mut ours = pool.lease(1).unwrap();
        let mut theirs = rival.join().unwrap();
        assert_ne!(address(&mut ours), address(&mut theirs));
        drop((ours, theirs, pool));
        assert_eq!(budget.used(), 0);
    });
}

#[test]
fn closing_meets_a_return() {
    model(|| {
        let (pool, budget) = buffers(2);
        let buffer = pool.lease(64).unwrap();
        drop(pool.lease(64).unwrap());
        let returner = thread::spawn(move || drop(buffer));
        drop(pool);
        returner.join().unwrap();
        assert_eq!(budget.used(), 0);
    });
}

#[test]
fn closing_meets_a_growing_buffer() {
    model(|| {
        let budget = Budget::unlimited();
        let builder = BufferPool::builder().budget(budget.clone());
        let pool = builder.largest_class(128).build();
        let mut buffer = pool.lease(64).unwrap();
        let grower = thread::spawn(move || buffer.extend_from_slice(&[1; 100]).unwrap());
        drop(pool);
        grower.join().unwrap();
        assert_eq!(budget.used(), 0);
    });
}

#[test]
fn trimming_meets_returning_and_leasing() {
    model(|| {
        let (pool, budget) = buffers(3);
        let held = [pool.lease(1).unwrap(), pool.lease(1).unwrap()];
        let other = pool.clone();
        let returner = thread::spawn(move || {
            drop(held);
            drop(other.lease(1).unwrap());
        });
        pool.trim();
        returner.join().unwrap();
        assert_eq!(budget.used(), pool.stats().idle_bytes);
        pool.trim();
        assert_eq!(budget.used(), 0);
    });
}

/// A lease that the budget refuses frees what lies idle in another class, while it comes back.
#[test]
fn reclaiming_another_class_meets_returns_to_it() {
    model(|| {
        let budget = Budget::new(128);
        let builder = BufferPool::builder().budget(budget.clone());
        let pool = builder.largest_class(128).build();
        let held = [pool.lease(64).unwrap(), pool.lease(64).unwrap()];
        let returner = thread::spawn(move || drop(held));
        let early = pool.lease(128).is_ok();
        returner.join().unwrap();
        drop(pool.lease(128).expect("nothing else is lent"));
        assert_eq!(budget.used(), pool.stats().held_bytes, "early: {early}");
        drop(pool);
        assert_eq!(budget.used(), 0);
    });
}

/// The budget's pressure frees idle buffers, while one comes back.
#[test]
fn pressure_meets_a_return() {
    model(|| {
        let (pool, budget) = buffers(3);
        let held = pool.lease(64).unwrap();
        let returner = thread::spawn(move || drop(held));
        let reservation = budget.reserve(120).unwrap();
        returner.join().unwrap();
        assert_eq!(budget.used(), 120 + pool.stats().idle_bytes);
        drop((reservation, pool));
        assert_eq!(budget.used(), 0);
    });
}

#[test]
fn figures_meet_a_lease_and_a_return() {
    model(|| {
        let (pool, _) = buffers(1);
        let other = pool.clone();
        let rival = thread::spawn(move || drop(other.lease(64).unwrap()));
        let stats = pool.stats();
        assert!(
            stats.outstanding <= 1 && stats.held_bytes <= 64,
            "{stats:?}"
        );
        assert!(stats.idle_bytes <= 64 && stats.misses <= 1, "{stats:?}");
        rival.join().unwrap();
        assert_eq!((pool.stats().outstanding, pool.stats().idle_bytes), (0, 64));
    });
}

#[test]
fn objects_are_lent_once_and_seen() {
    model(|| {
        let pool = cells(1);
        let other = pool.clone();
        let rival = thread::spawn(move || other.try_take().map(|object| touch(&object)));
        let _ = pool.try_take().map(|object| touch(&object));
        rival.join().unwrap();
        assert_eq!((pool.stats().idle, pool.stats().outstanding), (1, 0));
    });
}

#[test]
fn magazines_overflow_into_the_store_and_refill_from_it() {
    model(|| {
        let pool = cells(3);
        let held = [pool.take(), pool.take(), pool.take()];
        let other = pool.clone();
        let rival = thread::spawn(move || {
            for object in held {
                touch(&object);
                drop(object);
            }
        });
        let ours = other.try_take();
        ours.iter().for_each(touch);
        drop(ours);
        rival.join().unwrap();
        assert_eq!((pool.stats().idle, pool.stats().misses), (3, 0));
    });
}

#[test]
fn ends_exchange_through_the_store() {
    model(|| {
        let pool = cells(3);
        let mut there = pool.local();
        let held = [pool.take(), pool.take(), pool.take()];
        let rival = thread::spawn(move || {
            for object in held {
                touch(&object);
                there.put(object);
            }
        });
        let mut here = pool.local();
        let object = here.take();
        touch(&object);
        here.put(object);
        drop(here);
        rival.join().unwrap();
        // Had all three been out, a fourth was made, and both ends may have made room for it.
        assert!((2..=3).contains(&pool.stats().idle));
        assert_eq!(pool.stats().outstanding, 0);
    });
}

#[test]
fn closing_meets_an_end_of_its_own_and_a_drop() {
    model(|| {
        let pool = cells(2);
        let mut local = pool.local();
        let (first, second) = (pool.take(), pool.take());
        let rival = thread::spawn(move || {
            local.put(first);
            drop(local);
        });
        drop(pool);
        drop(second);
        rival.join().unwrap();
    });
}

/// The twin: a lock that is left with Relaxed hands nothing over.
#[test]
#[should_panic(expected = "Causality violation")]
fn loom_rejects_a_relaxed_unlock() {
    model(|| {
        let shared = Arc::new(Guarded {
            taken: AtomicBool::new(false),
            value: UnsafeCell::new(0),
        });
        let visit = |guarded: &Guarded| {
            if !guarded.taken.swap(true, Ordering::Acquire) {
                // SAFETY: only one can have turned `taken`; what is wrong is the handing over.
                guarded.value.with_mut(|value| unsafe { *value += 1 });
                guarded.taken.store(false, Ordering::Relaxed);
            }
        };
        let other = shared.clone();
        let rival = thread::spawn(move || visit(&other));
        visit(&shared);
        rival.join().unwrap();
    });
}

/// The twin's cell and the flag that guards it.
struct Guarded {
    taken: AtomicBool,
    value: UnsafeCell<usize>,
}

// SAFETY: whether the flag guards the cell is what loom is to find out.
unsafe impl Sync for Guarded {}

/// The twin: asking outside the lock whether the pool is closed loses what comes back meanwhile.
#[test]
#[should_panic(expected = "an item was lost")]
fn loom_rejects_a_stale_look_at_closed() {
    model(|| {
        let shelf = Arc::new((AtomicBool::new(false), pelton_sync::Mutex::new(0)));
        let other = shelf.clone();
        let returner = thread::spawn(move || {
            if !other.0.load(Ordering::Acquire) {
                *other.1.lock().unwrap() += 1;
            }
        });
        shelf.0.store(true, Ordering::Release);
        *shelf.1.lock().unwrap() = 0;
        returner.join().unwrap();
        assert_eq!(*shelf.1.lock().unwrap(), 0, "an item was lost");
    });
}

/// The twin: who frees as many as it counted, rather than as many as it got, forgets one that was
/// lent meanwhile.
#[test]
#[should_panic(expected = "lent and not counted")]
fn loom_rejects_freeing_by_an_old_count() {
    model(|| {
        let [idle, held] = [const { 1 }; 2].map(AtomicUsize::new);
        let shelf = Arc::new((idle, held));
        let other = shelf.clone();
        let borrower = thread::spawn(move || other.0.swap(0, Ordering::AcqRel));
        let count = shelf.0.load(Ordering::Acquire);
        shelf.0.store(0, Ordering::Release);
        shelf.1.fetch_sub(count, Ordering::AcqRel);
        let lent = borrower.join().unwrap();
        let held = shelf.1.load(Ordering::Relaxed);
        assert!(lent <= held, "lent and not counted");
    });
}
