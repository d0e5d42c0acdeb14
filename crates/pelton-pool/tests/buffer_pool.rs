//! Buffers and their pool: sizes, reuse, refusal, the way home.
#![cfg(not(loom))]

use std::io::{self, Read, Write};

use pelton_pool::{Budget, Buffer, BufferPool, Level};
use pelton_sync::{Parker, scaled, thread};

fn pool() -> BufferPool {
    BufferPool::new(Budget::unlimited())
}

#[test]
fn smoke() {
    let pool = pool();
    let mut buffer = pool.lease(100).unwrap();
    assert_eq!((buffer.len(), buffer.capacity()), (0, 128));
    buffer.extend_from_slice(b"one").unwrap();
    buffer[0] = b'O';
    assert_eq!((buffer.as_ref(), buffer.is_empty()), (&b"One"[..], false));
    buffer.clear();
    assert!(buffer.is_empty());
}

#[test]
fn capacity_is_the_next_power_of_two_and_aligned() {
    let pool = pool();
    for (bytes, capacity) in [
        (0, 64),
        (1, 64),
        (64, 64),
        (65, 128),
        (4096, 4096),
        (70_000, 131_072),
    ] {
        let mut buffer = pool.lease(bytes).unwrap();
        assert_eq!(buffer.capacity(), capacity);
        assert_eq!(buffer.spare_mut().as_ptr().addr() % 64, 0);
        assert_eq!(buffer.spare_mut().len(), capacity);
    }
}

#[test]
fn a_returned_buffer_is_lent_again() {
    let pool = pool();
    let first = pool.lease(1000).unwrap().spare_mut().as_ptr().addr();
    let second = pool.lease(600).unwrap().spare_mut().as_ptr().addr();
    assert_eq!(first, second);
    let stats = pool.stats();
    assert_eq!((stats.hits, stats.misses, stats.outstanding), (1, 1, 0));
    assert_eq!(
        (stats.idle_bytes, stats.held_bytes, stats.high_water),
        (1024, 1024, 1024)
    );
    let class = stats
        .classes
        .iter()
        .find(|class| class.size == 1024)
        .unwrap();
    assert_eq!(
        (class.hits, class.misses, class.idle, class.outstanding),
        (1, 1, 1, 0)
    );
}

#[test]
fn spare_memory_is_readable_into() {
    let mut source = io::repeat(7).take(3000);
    let mut buffer = pool().lease(2000).unwrap();
    let read = source.read(buffer.spare_mut()).unwrap();
    buffer.advance(read);
    assert_eq!((read, buffer.len()), (2048, 2048));
    assert!(buffer.iter().all(|&byte| byte == 7));
    assert!(buffer.spare_mut().is_empty());
}

#[test]
fn writing_grows_and_keeps_what_was_written() {
    let pool = pool();
    let mut buffer = pool.lease(1).unwrap();
    let text: Vec<u8> = (0..10_000u32).map(|n| n as u8).collect();
    for part in text.chunks(37) {
        buffer.write_all(part).unwrap();
    }
    buffer.flush().unwrap();
    assert_eq!((&buffer[..], buffer.capacity()), (&text[..], 16_384));
    assert_eq!(pool.stats().outstanding, 1, "the smaller ones went home");
}

#[test]
fn lengths_beyond_the_capacity_panic() {
    let refused = |misuse: fn(&mut Buffer)| {
        let attempt = move || misuse(&mut pool().lease(64).unwrap());
        std::panic::catch_unwind(attempt).is_err()
    };
    assert!(refused(|buffer| buffer.set_len(65)));
    assert!(refused(|buffer| buffer.advance(65)));
    assert!(!refused(|buffer| buffer.set_len(64)));
    assert!(!refused(|buffer| buffer.advance(64)));
    assert!(!refused(|buffer| buffer.truncate(65)));
}

#[test]
fn budget_refuses_by_name_and_nothing_is_lost() {
    let pool = BufferPool::new(Budget::root("blocks", 2048));
    let held = [pool.lease(1024).unwrap(), pool.lease(1024).unwrap()];
    let refused = pool.lease(1).unwrap_err();
    assert_eq!(
        refused.to_string(),
        r#"budget "blocks": requested 64 bytes, available 0 of 2048"#
    );
    drop(held);
    assert_eq!(pool.budget().used(), 2048, "idle memory counts");
    assert!(pool.lease(2048).is_ok(), "idle buffers make way");
    assert_eq!(pool.stats().held_bytes, 2048);
}

#[test]
fn a_refused_growth_leaves_the_buffer_as_it_was() {
    let pool = BufferPool::new(Budget::new(256));
    let mut buffer = pool.lease(128).unwrap();
    buffer.extend_from_slice(&[9; 100]).unwrap();
    let error = buffer.write_all(&[1; 100]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    assert_eq!(buffer[..], [9; 100]);
    buffer.extend_from_slice(&[9; 28]).unwrap();
    assert_eq!(buffer.len(), 128);
}

#[test]
fn memory_returned_by_one_thread_serves_another() {
    let pool = BufferPool::new(Budget::new(4096));
    let rounds = scaled(100, 5);
    for _ in 0..rounds {
        let buffer = pool.lease(4096).unwrap();
        thread::spawn(move || drop(buffer)).join().unwrap();
    }
    let hits = rounds as u64 - 1;
    assert_eq!((pool.stats().hits, pool.stats().misses), (hits, 1));
}

#[test]
fn beyond_the_classes_memory_is_exact_counted_and_freed() {
    let pool = BufferPool::builder().largest_class(1 << 10).build();
    let mut buffer = pool.lease(5000).unwrap();
    assert_eq!(buffer.capacity(), 5056);
    assert_eq!((pool.stats().fallbacks, pool.stats().outstanding), (1, 1));
    buffer.extend_from_slice(&[1; 5057]).unwrap();
    assert_eq!((buffer.capacity(), pool.stats().fallbacks), (10_112, 2));
    drop(buffer);
    let stats = pool.stats();
    assert_eq!(
        (stats.outstanding, stats.held_bytes, stats.misses),
        (0, 0, 2)
    );
    assert_eq!(stats.high_water, 5056 + 10_112);
}

#[test]
fn sizes_that_nobody_has_are_refused() {
    let pool = pool();
    for bytes in [usize::MAX, isize::MAX as usize - 100, 1 << 62] {
        assert!(pool.lease(bytes).is_err());
    }
    assert_eq!((pool.budget().used(), pool.stats().outstanding), (0, 0));
}

#[test]
fn a_pool_with_every_class_refuses_what_nobody_has() {
    let budget = Budget::unlimited();
    let builder = BufferPool::builder().budget(budget.clone());
    let pool = builder.largest_class(usize::MAX).build();
    for bytes in [
        usize::MAX,
        usize::MAX / 2 + 2,
        usize::MAX / 2,
        usize::MAX / 4,
    ] {
        assert!(pool.lease(bytes).is_err());
    }
    drop(pool.lease(100).unwrap());
    assert_eq!((pool.trim(), budget.used()), (128, 0));
}

#[test]
fn settings_beyond_their_bounds_are_taken_as_the_nearest() {
    let builder = BufferPool::builder().largest_class(0).shards(0);
    let pool = builder.build();
    drop((pool.lease(0).unwrap(), pool.lease(64).unwrap()));
    assert_eq!(pool.stats().idle_bytes, 128);
    assert_eq!((pool.shrink(-1.0), pool.shrink(f64::NAN)), (0, 0));
    assert_eq!(pool.shrink(f64::INFINITY), 128);
    let pool = BufferPool::builder().shards(usize::MAX).build();
    drop(pool.lease(64).unwrap());
    assert_eq!(pool.stats().idle_bytes, 64);
}

#[test]
fn shrink_frees_a_share_and_trim_the_rest() {
    let pool = pool();
    let held: Vec<_> = (0..10).map(|_| pool.lease(1024).unwrap()).collect();
    assert_eq!(pool.trim(), 0, "nothing idle");
    drop(held);
    assert_eq!(pool.shrink(0.25), 3 * 1024);
    assert_eq!(pool.shrink(f64::NAN), 0);
    assert_eq!(pool.shrink(-1.0), 0);
    assert_eq!((pool.trim(), pool.budget().used()), (7 * 1024, 0));
}

#[test]
fn pressure_frees_idle_memory() {
    let budget = Budget::new(1000 << 10);
    let pool = BufferPool::new(budget.child("pool", None));
    drop(
        (0..100)
            .map(|_| pool.lease(4096).unwrap())
            .collect::<Vec<_>>(),
    );
    assert_eq!(pool.stats().idle_bytes, 400 << 10);
    let mut table = budget.reserve(360 << 10).unwrap();
    assert_eq!(
        pool.stats().idle_bytes,
        200 << 10,
        "elevated: half is freed"
    );
    table.grow(380 << 10).unwrap();
    assert_eq!(pool.stats().idle_bytes, 0, "critical: all is freed");
    assert_eq!(budget.level(), Level::Elevated);
}

#[test]
fn buffers_outlive_their_pool() {
    let budget = Budget::new(1 << 20);
    let pool = BufferPool::new(budget.clone());
    drop(pool.lease(4096).unwrap());
    let mut buffer = pool.lease(1024).unwrap();
    drop(pool);
    assert_eq!(budget.used(), 1024, "what lay idle is freed with the pool");
    buffer.extend_from_slice(&[3; 2000]).unwrap();
    assert_eq!(
        budget.used(),
        2048,
        "growing still works, and frees at once"
    );
    thread::spawn(move || drop(buffer)).join().unwrap();
    assert_eq!(budget.used(), 0);
}

#[test]
fn clones_are_one_pool() {
    let pool = pool();
    let twin = pool.clone();
    drop(pool.lease(64).unwrap());
    drop(pool);
    drop(twin.lease(64).unwrap());
    assert_eq!(twin.stats().hits, 1);
}

#[cfg(debug_assertions)]
#[test]
fn idle_memory_is_poisoned_in_debug_builds() {
    let pool = pool();
    let mut buffer = pool.lease(64).unwrap();
    assert_eq!(buffer.spare_mut(), [0; 64]);
    buffer.extend_from_slice(b"secret").unwrap();
    drop(buffer);
    assert_eq!(pool.lease(64).unwrap().spare_mut(), [0xDB; 64]);
}

#[cfg(feature = "huge-pages")]
#[test]
fn huge_buffers_are_aligned_to_huge_pages() {
    let pool = BufferPool::builder().huge_pages(true).build();
    let address = |bytes| pool.lease(bytes).unwrap().spare_mut().as_ptr().addr();
    assert_eq!(
        (address(2 << 20) % (2 << 20), address(80 << 20) % (2 << 20)),
        (0, 0)
    );
    assert_eq!(address(100) % 64, 0);
    let mut buffer = pool.lease(4 << 20).unwrap();
    buffer.spare_mut().fill(1);
    buffer.set_len(4 << 20);
    assert!(buffer.iter().all(|&byte| byte == 1));
}

/// Threads take from, fill, check and return to one pool, and grow what they hold.
#[test]
fn stampede() {
    let budget = Budget::new(64 << 10);
    let pool = BufferPool::builder()
        .budget(budget.clone())
        .shards(2)
        .build();
    thread::scope(|scope| {
        for mark in 1..5u8 {
            let pool = &pool;
            scope.spawn(move || {
                (0..scaled(500, 20)).for_each(|round| fill_and_check(pool, mark, round))
            });
        }
    });
    assert_eq!(pool.stats().outstanding, 0);
    assert_eq!(budget.used(), pool.stats().idle_bytes);
    drop(pool);
    assert_eq!(budget.used(), 0);
}

fn fill_and_check(pool: &BufferPool, mark: u8, round: usize) {
    let Ok(mut buffer) = pool.lease(round % 3000) else {
        return;
    };
    for _ in 0..round % 7 {
        if buffer.extend_from_slice(&[mark; 500]).is_err() {
            break;
        }
    }
    assert!(buffer.iter().all(|&byte| byte == mark));
}

/// The last handle drops while others return what it lent: the memory is all freed.
#[test]
fn closing_meets_returning() {
    for _ in 0..scaled(200, 3) {
        let budget = Budget::unlimited();
        let pool = BufferPool::builder()
            .budget(budget.clone())
            .shards(2)
            .build();
        let buffers: Vec<_> = (0..8).map(|_| pool.lease(64).unwrap()).collect();
        let gate = Parker::new();
        let opener = gate.unparker();
        let returner = thread::spawn(move || {
            opener.unpark();
            drop(buffers);
        });
        gate.park();
        drop(pool);
        returner.join().unwrap();
        assert_eq!(budget.used(), 0);
    }
}
