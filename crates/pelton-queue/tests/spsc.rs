//! The single-producer ring through its public door.
#![cfg(not(loom))]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pelton_queue::{PopError, PushError, spsc};
use pelton_sync::{scaled, thread};

/// Counts its drops; panics in the drop if told to.
struct Bomb(Arc<AtomicUsize>, bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        assert!(!self.1, "bomb");
    }
}

#[test]
fn smoke() {
    let (mut producer, mut consumer) = spsc::channel(2);
    producer.push(1).unwrap();
    assert_eq!(consumer.pop(), Ok(1));
    assert_eq!(consumer.pop(), Err(PopError::Empty));
}

#[test]
#[should_panic(expected = "capacity must be non-zero")]
fn zero_capacity() {
    let _ = spsc::channel::<u8>(0);
}

#[test]
#[should_panic(expected = "capacity exceeds the address space")]
fn absurd_capacity() {
    let _ = spsc::channel::<u64>(usize::MAX / 2);
}

#[test]
fn len_empty_full() {
    for capacity in 1..=9 {
        let (mut producer, mut consumer) = spsc::channel(capacity);
        assert!(producer.is_empty() && consumer.is_empty());
        for value in 0..capacity {
            assert_eq!(producer.len(), value);
            producer.push(value).unwrap();
        }
        assert_eq!((producer.len(), consumer.len()), (capacity, capacity));
        assert_eq!(
            (producer.capacity(), consumer.capacity()),
            (capacity, capacity)
        );
        assert_eq!(producer.push(9), Err(PushError::Full(9)));
        assert_eq!(producer.room(), 0);
        assert_eq!(consumer.pop(), Ok(0));
        assert_eq!(producer.room(), 1);
    }
}

#[test]
fn zero_sized_items_are_counted() {
    let (mut producer, mut consumer) = spsc::channel(3);
    assert_eq!(producer.push_slice(&[(); 5]), Ok(3));
    assert_eq!(producer.push(()), Err(PushError::Full(())));
    assert_eq!(consumer.read_chunk(9).unwrap().into_iter().count(), 3);
    assert_eq!(consumer.pop(), Err(PopError::Empty));
}

#[test]
fn close_by_producer_drains() {
    let (mut producer, mut consumer) = spsc::channel(4);
    producer.push_slice(&[1, 2]).unwrap();
    drop(producer);
    assert!(consumer.is_closed());
    assert_eq!(consumer.pop(), Ok(1));
    assert_eq!(consumer.read_chunk(4).unwrap().as_slices().0, [2]);
    assert_eq!(consumer.pop(), Ok(2));
    assert_eq!(consumer.pop(), Err(PopError::Closed));
    assert_eq!(consumer.pop_into(&mut Vec::new(), 1), Err(PopError::Closed));
}

#[test]
fn close_by_consumer_refuses_every_push() {
    let (mut producer, consumer) = spsc::channel(4);
    drop(consumer);
    assert!(producer.is_closed());
    assert_eq!(producer.push(1), Err(PushError::Closed(1)));
    assert_eq!(producer.push_slice(&[1]), Err(PushError::Closed(())));
    assert_eq!(producer.push_slice(&[]), Err(PushError::Closed(())));
    assert_eq!(producer.push_iter([1]), Err(PushError::Closed(())));
    assert!(producer.write_chunk(1).is_err());
}

#[test]
fn batches_go_round_the_end() {
    let (mut producer, mut consumer) = spsc::channel(5);
    let (mut next, mut expected) = (0, 0);
    for round in 1..200 {
        let batch: Vec<u32> = (next..next + round % 7).collect();
        let pushed = producer.push_slice(&batch).unwrap_or(0);
        next += pushed as u32;
        let mut values = Vec::new();
        let _ = consumer.pop_into(&mut values, round as usize % 4);
        for value in values {
            assert_eq!(value, expected);
            expected += 1;
        }
    }
    assert!(expected > 100);
}

#[test]
fn push_iter_takes_only_what_fits() {
    let (mut producer, mut consumer) = spsc::channel(3);
    let mut values = (0..7).map(|value| value.to_string());
    assert_eq!(producer.push_iter(values.by_ref()), Ok(3));
    assert_eq!(
        producer.push_iter(values.by_ref()),
        Err(PushError::Full(()))
    );
    assert_eq!(values.next().as_deref(), Some("3"));
    assert_eq!(consumer.pop().as_deref(), Ok("0"));
}

#[test]
fn a_panicking_iterator_leaves_what_it_yielded() {
    let (mut producer, mut consumer) = spsc::channel(4);
    let values = (0..4).inspect(|value| assert!(*value < 2, "enough"));
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        producer.push_iter(values.map(Box::new))
    }));
    assert!(result.is_err());
    assert_eq!(*consumer.pop().unwrap(), 0);
    assert_eq!(*consumer.pop().unwrap(), 1);
    assert_eq!(consumer.pop(), Err(PopError::Empty));
}

#[test]
fn a_dropped_write_chunk_publishes_nothing() {
    let (mut producer, mut consumer) = spsc::channel::<u8>(4);
    drop(producer.write_chunk(2).unwrap());
    assert_eq!(consumer.pop(), Err(PopError::Empty));
    assert_eq!(producer.room(), 4);
}

#[test]
fn a_read_chunk_leaves_what_is_not_taken() {
    let (mut producer, mut consumer) = spsc::channel(4);
    producer.push_iter((0..4).map(Box::new)).unwrap();
    assert_eq!(consumer.read_chunk(2).unwrap().len(), 2);
    let mut taken = consumer.read_chunk(3).unwrap().into_iter();
    assert_eq!(taken.len(), 3);
    assert_eq!(taken.next().as_deref(), Some(&0));
    drop(taken);
    consumer.read_chunk(2).unwrap().commit(1);
    assert_eq!(consumer.pop().as_deref(), Ok(&2));
    let mut rest = consumer.read_chunk(1).unwrap();
    *rest.as_mut_slices().0[0] += 40;
    assert_eq!(consumer.peek().as_deref().map(|value| **value), Some(43));
}

#[test]
#[should_panic(expected = "commit exceeds the chunk")]
fn commit_beyond_the_chunk() {
    let (mut producer, mut consumer) = spsc::channel(4);
    producer.push(1).unwrap();
    consumer.read_chunk(4).unwrap().commit(2);
}

#[test]
fn drops() {
    let count = Arc::new(AtomicUsize::new(0));
    let (mut producer, mut consumer) = spsc::channel(5);
    for _ in 0..5 {
        assert!(producer.push(Bomb(count.clone(), false)).is_ok());
    }
    drop(consumer.pop());
    consumer.read_chunk(9).unwrap().commit(2);
    assert_eq!(count.load(Ordering::Relaxed), 3);
    drop(consumer);
    assert_eq!(count.load(Ordering::Relaxed), 3);
    drop(producer);
    assert_eq!(count.load(Ordering::Relaxed), 5);
}

#[test]
fn a_panicking_drop_drops_the_rest() {
    let count = Arc::new(AtomicUsize::new(0));
    let (mut producer, consumer) = spsc::channel(4);
    for index in 0..4 {
        assert!(producer.push(Bomb(count.clone(), index == 1)).is_ok());
    }
    drop(consumer);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(producer)));
    assert!(result.is_err());
    assert_eq!(count.load(Ordering::Relaxed), 4);
}

#[test]
fn a_panicking_drop_in_commit_gives_the_slots_back() {
    let count = Arc::new(AtomicUsize::new(0));
    let (mut producer, mut consumer) = spsc::channel(2);
    for index in 0..2 {
        assert!(producer.push(Bomb(count.clone(), index == 0)).is_ok());
    }
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        consumer.read_chunk(2).unwrap().commit(2);
    }));
    assert!(result.is_err());
    assert_eq!((count.load(Ordering::Relaxed), producer.room()), (2, 2));
}

#[test]
fn ends_move_between_threads() {
    fn check<T: Send>(_: &T) {}
    let (producer, consumer) = spsc::channel::<u8>(1);
    check(&producer);
    check(&consumer);
}

#[test]
fn items_arrive_once_and_in_order() {
    let total = scaled(200_000, 200);
    for capacity in [1, 3, 64] {
        let (mut producer, mut consumer) = spsc::channel(capacity);
        let pushing = thread::spawn(move || {
            let mut next = 0;
            while next < total {
                let batch = [next, next + 1, next + 2];
                let pushed = if next % 2 == 0 {
                    producer
                        .push_slice(&batch[..3.min(total - next)])
                        .unwrap_or(0)
                } else {
                    usize::from(producer.push(next).is_ok())
                };
                next += pushed;
                if pushed == 0 {
                    thread::yield_now();
                }
            }
        });
        let mut expected = 0;
        loop {
            match consumer.pop() {
                Ok(value) => {
                    assert_eq!(value, expected);
                    expected += 1;
                }
                Err(PopError::Empty) => thread::yield_now(),
                Err(PopError::Closed) => break,
            }
        }
        assert_eq!(expected, total);
        pushing.join().unwrap();
    }
}
