//! The unbounded queue through its public door.
#![cfg(not(loom))]

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pelton_queue::{Closed, PopError, unbounded};
use pelton_sync::{scaled, thread};

#[test]
fn smoke() {
    let (mut sender, mut receiver) = unbounded::channel();
    assert_eq!(receiver.pop(), Err(PopError::Empty));
    sender.push(1).unwrap();
    assert_eq!(receiver.pop(), Ok(1));
    assert_eq!(receiver.pop(), Err(PopError::Empty));
}

#[test]
fn len_counts_across_blocks() {
    let count = scaled(500, 20);
    let (mut sender, mut receiver) = unbounded::channel();
    for value in 0..count {
        assert_eq!(sender.len(), value);
        sender.push(value).unwrap();
    }
    for value in 0..count {
        assert_eq!(receiver.len(), count - value);
        assert_eq!(receiver.pop(), Ok(value));
    }
    assert!(sender.is_empty() && receiver.is_empty());
}

#[test]
fn zero_sized_items_are_counted() {
    let (mut sender, mut receiver) = unbounded::channel();
    sender.push_slice(&[(); 200]).unwrap();
    assert_eq!(receiver.iter().count(), 200);
}

#[test]
fn batches_cross_blocks_in_order() {
    let (mut sender, mut receiver) = unbounded::channel();
    let values: Vec<u32> = (0..1000).collect();
    let mut owned: VecDeque<u32> = (1000..2000).collect();
    owned.rotate_left(500);
    owned.make_contiguous().sort_unstable();
    sender.push_slice(&values).unwrap();
    sender.push_from(&mut owned).unwrap();
    assert!(owned.is_empty());
    let mut popped = Vec::new();
    while receiver.pop_into(&mut popped, 100).is_ok() {}
    assert!(popped.iter().copied().eq(0..2000));
}

#[test]
fn close_refuses_pushes_and_drains() {
    let (mut sender, mut receiver) = unbounded::channel();
    sender.push(1).unwrap();
    receiver.close();
    assert!(sender.is_closed() && receiver.is_closed());
    assert_eq!(sender.push(2), Err(Closed(2)));
    assert_eq!(sender.push_slice(&[2, 3]), Err(Closed(&[2, 3][..])));
    let mut values = VecDeque::from([4]);
    assert_eq!(sender.push_from(&mut values), Err(Closed(())));
    assert_eq!(values, [4]);
    assert_eq!(receiver.pop(), Ok(1));
    assert_eq!(receiver.pop(), Err(PopError::Closed));
}

#[test]
fn drops() {
    for (pushed, popped) in [(0, 0), (1, 0), (63, 63), (64, 63), (200, 100)] {
        let value = Arc::new(());
        let (mut sender, mut receiver) = unbounded::channel();
        for _ in 0..pushed {
            sender.push(value.clone()).unwrap();
        }
        assert_eq!(receiver.iter().take(popped).count(), popped);
        assert_eq!(Arc::strong_count(&value), 1 + pushed - popped);
        drop((sender, receiver));
        assert_eq!(Arc::strong_count(&value), 1);
    }
}

#[test]
fn a_panicking_drop_drops_the_rest() {
    struct Fragile<'a>(&'a AtomicUsize);
    impl Drop for Fragile<'_> {
        fn drop(&mut self) {
            let before = self.0.fetch_add(1, Ordering::Relaxed);
            assert!(before != 3, "the fourth breaks");
        }
    }
    let dropped = AtomicUsize::new(0);
    let (mut sender, receiver) = unbounded::channel();
    for _ in 0..200 {
        assert!(sender.push(Fragile(&dropped)).is_ok());
    }
    drop(receiver);
    let broken = catch_unwind(AssertUnwindSafe(|| drop(sender)));
    assert!(broken.is_err());
    assert_eq!(dropped.load(Ordering::Relaxed), 200);
}

#[test]
fn items_arrive_once_and_in_order_of_their_sender() {
    let each = scaled(60_000, 100);
    let (sender, receiver) = unbounded::channel::<(usize, usize)>();
    let senders: Vec<_> = (0..2)
        .map(|id| {
            let mut sender = sender.clone();
            thread::spawn(move || {
                for next in (0..each).step_by(2) {
                    sender.push((id, next)).unwrap();
                    sender.push_slice(&[(id, next + 1)]).unwrap();
                }
            })
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
            assert!(
                values
                    .iter()
                    .filter(|(sender, _)| *sender == id)
                    .is_sorted()
            );
        }
        all.extend(values);
    }
    all.sort_unstable();
    let expected: Vec<_> = (0..2)
        .flat_map(|id| (0..each).map(move |n| (id, n)))
        .collect();
    assert!(all == expected, "lost or doubled");
}

fn pop_all(receiver: &mut unbounded::Receiver<(usize, usize)>) -> Vec<(usize, usize)> {
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
