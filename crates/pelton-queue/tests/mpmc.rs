//! The shared ring through its public door.
#![cfg(not(loom))]

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pelton_queue::{PopError, PushError, mpmc};
use pelton_sync::{scaled, thread};

#[test]
fn smoke() {
    let (mut sender, mut receiver) = mpmc::channel(2);
    sender.push(1).unwrap();
    assert_eq!(receiver.pop(), Ok(1));
    assert_eq!(receiver.pop(), Err(PopError::Empty));
}

#[test]
#[should_panic(expected = "capacity must be non-zero")]
fn zero_capacity() {
    let _ = mpmc::channel::<u8>(0);
}

#[test]
#[should_panic(expected = "capacity exceeds the address space")]
fn absurd_capacity() {
    let _ = mpmc::channel::<u64>(usize::MAX / 2);
}

#[test]
fn len_empty_full() {
    for capacity in 1..=9 {
        let (mut sender, mut receiver) = mpmc::channel(capacity);
        // Often enough to go round and past the wrap of the positions.
        for _ in 0..5 {
            assert!(sender.is_empty() && receiver.is_empty());
            for value in 0..capacity {
                assert_eq!(sender.len(), value);
                sender.push(value).unwrap();
            }
            assert_eq!((sender.len(), receiver.len()), (capacity, capacity));
            assert_eq!(sender.push(9), Err(PushError::Full(9)));
            assert_eq!(
                receiver.iter().collect::<Vec<_>>(),
                (0..capacity).collect::<Vec<_>>()
            );
        }
        assert_eq!(
            (sender.capacity(), receiver.capacity()),
            (capacity, capacity)
        );
    }
}

#[test]
fn zero_sized_items_are_counted() {
    let (mut sender, mut receiver) = mpmc::channel(3);
    assert_eq!(sender.push_slice(&[(); 5]), Ok(3));
    assert_eq!(sender.push(()), Err(PushError::Full(())));
    assert_eq!(receiver.iter().count(), 3);
}

#[test]
fn close_refuses_pushes_and_drains() {
    let (mut sender, mut receiver) = mpmc::channel(4);
    sender.push(1).unwrap();
    receiver.close();
    assert!(sender.is_closed() && receiver.is_closed());
    assert_eq!(sender.push(2), Err(PushError::Closed(2)));
    assert_eq!(sender.push_slice(&[2]), Err(PushError::Closed(())));
    assert_eq!(sender.push_slice(&[]), Err(PushError::Closed(())));
    let mut values = VecDeque::from([3]);
    assert_eq!(sender.push_from(&mut values), Err(PushError::Closed(())));
    assert_eq!(values, [3]);
    assert_eq!((receiver.len(), receiver.pop()), (1, Ok(1)));
    assert_eq!(receiver.pop(), Err(PopError::Closed));
    assert_eq!(receiver.pop_into(&mut Vec::new(), 1), Err(PopError::Closed));
}

#[test]
fn a_glance_tells_what_can_be_popped() {
    let (mut sender, mut receiver) = mpmc::channel(3);
    for lap in 0..10 {
        assert!(!receiver.looks_ready());
        sender.push_slice(&[lap, lap + 1]).unwrap();
        for value in [lap, lap + 1] {
            assert!(receiver.looks_ready());
            assert_eq!(receiver.pop(), Ok(value));
        }
    }
    sender.push(0).unwrap();
    sender.close();
    assert!(receiver.looks_ready());
    receiver.pop().unwrap();
    assert!(!receiver.looks_ready());
}

#[test]
fn only_the_last_end_closes() {
    let (sender, mut receiver) = mpmc::channel::<u8>(1);
    let second = sender.clone();
    drop(sender);
    assert_eq!(receiver.pop(), Err(PopError::Empty));
    drop(second);
    assert_eq!(receiver.pop(), Err(PopError::Closed));

    let (mut sender, receiver) = mpmc::channel(1);
    let second = receiver.clone();
    drop(receiver);
    sender.push(1).unwrap();
    drop(second);
    assert_eq!(sender.push(2), Err(PushError::Closed(2)));
}

#[test]
fn push_from_leaves_the_rest() {
    let (mut sender, mut receiver) = mpmc::channel(3);
    let mut values: VecDeque<String> = (1..5).map(|value: u8| value.to_string()).collect();
    values.push_front("0".into()); // two slices
    let mut all = Vec::new();
    while !values.is_empty() {
        let _ = sender.push_from(&mut values);
        all.extend(receiver.iter());
    }
    assert_eq!(all, ["0", "1", "2", "3", "4"]);
    assert_eq!(sender.push_from(&mut values), Ok(0));
}

#[test]
fn drops() {
    let value = Arc::new(());
    let (mut sender, mut receiver) = mpmc::channel(5);
    for _ in 0..5 {
        sender.push(value.clone()).unwrap();
    }
    drop(receiver.pop());
    assert_eq!(Arc::strong_count(&value), 5);
    drop((sender, receiver));
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn a_panicking_drop_drops_the_rest() {
    struct Bomb(Arc<AtomicUsize>);
    impl Drop for Bomb {
        fn drop(&mut self) {
            let before = self.0.fetch_add(1, Ordering::Relaxed);
            assert!(before != 1, "bomb");
        }
    }
    let count = Arc::new(AtomicUsize::new(0));
    let (mut sender, receiver) = mpmc::channel(4);
    for _ in 0..4 {
        assert!(sender.push(Bomb(count.clone())).is_ok());
    }
    drop(receiver);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(sender)));
    assert!(result.is_err());
    assert_eq!(count.load(Ordering::Relaxed), 4);
}

/// Two senders and two receivers, singly and in batches: each value arrives once, and those of one
/// sender in order.
#[test]
fn items_arrive_once_and_in_order_of_their_sender() {
    let each = scaled(60_000, 100);
    for capacity in [1, 3, 64] {
        let (sender, receiver) = mpmc::channel::<(usize, usize)>(capacity);
        let senders: Vec<_> = (0..2)
            .map(|id| {
                let mut sender = sender.clone();
                thread::spawn(move || push_all(&mut sender, id, each))
            })
            .collect();
        let receivers: Vec<_> = (0..2)
            .map(|_| {
                let mut receiver = receiver.clone();
                thread::spawn(move || pop_all(&mut receiver))
            })
            .collect();
        drop((sender, receiver));
        senders
            .into_iter()
            .for_each(|sender| sender.join().unwrap());
        let mut all = Vec::new();
        for receiver in receivers {
            let values = receiver.join().unwrap();
            for id in 0..2 {
                let of_one = values.iter().filter(|(sender, _)| *sender == id);
                assert!(of_one.is_sorted(), "sender {id} is out of order");
            }
            all.extend(values);
        }
        all.sort_unstable();
        let expected: Vec<_> = (0..2)
            .flat_map(|id| (0..each).map(move |n| (id, n)))
            .collect();
        assert!(all == expected, "capacity {capacity}: lost or doubled");
    }
}

fn push_all(sender: &mut mpmc::Sender<(usize, usize)>, id: usize, total: usize) {
    let mut next = 0;
    while next < total {
        let batch = [(id, next), (id, next + 1), (id, next + 2)];
        let len = (1 + next % 3).min(total - next);
        match sender.push_slice(&batch[..len]) {
            Ok(pushed) => next += pushed,
            Err(error) => {
                assert_eq!(error, PushError::Full(()));
                thread::yield_now();
            }
        }
    }
}

fn pop_all(receiver: &mut mpmc::Receiver<(usize, usize)>) -> Vec<(usize, usize)> {
    let mut values = Vec::new();
    loop {
        let max = 1 + values.len() % 4;
        match receiver.pop_into(&mut values, max) {
            Ok(_) => {}
            Err(PopError::Empty) => thread::yield_now(),
            Err(PopError::Closed) => return values,
        }
    }
}

/// A receiver that finds little often enough begins to look a moment later, and finds the same.
#[test]
fn a_patient_receiver_finds_what_is_there() {
    let (mut sender, mut receiver) = mpmc::channel(4);
    let mut values = Vec::with_capacity(4);
    for value in 0..scaled(5_000, 100) {
        assert_eq!(receiver.pop(), Err(PopError::Empty));
        assert_eq!(receiver.pop_into(&mut values, 4), Err(PopError::Empty));
        sender.push_slice(&[value, value + 1, value + 2]).unwrap();
        assert_eq!(receiver.pop(), Ok(value));
        assert_eq!(receiver.pop_into(&mut values, 4), Ok(2));
        assert_eq!(values, [value + 1, value + 2]);
        values.clear();
    }
    sender.close();
    assert_eq!(receiver.pop(), Err(PopError::Closed));
    assert_eq!(receiver.pop_into(&mut values, 4), Err(PopError::Closed));
}
