//! Each queue against a `VecDeque` under random operations.
#![cfg(not(loom))]

use std::collections::VecDeque;

use pelton_queue::{PopError, PushError, mpmc, spsc, unbounded};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Operation {
    Push,
    PushSlice(usize),
    PushOwned(usize),
    Pop,
    PopInto(usize),
    PopChunk(usize),
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let one = prop_oneof![
        Just(Operation::Push),
        (0..9usize).prop_map(Operation::PushSlice),
        (0..9usize).prop_map(Operation::PushOwned),
        Just(Operation::Pop),
        (0..9usize).prop_map(Operation::PopInto),
        (1..9usize).prop_map(Operation::PopChunk),
    ];
    prop::collection::vec(one, 0..150)
}

/// What the queues have in common, as the oracle sees them.
trait Queue {
    fn push(&mut self, value: u32) -> bool;
    fn push_slice(&mut self, values: &[u32]) -> usize;
    fn push_owned(&mut self, values: VecDeque<u32>) -> usize;
    fn pop(&mut self) -> Option<u32>;
    fn pop_into(&mut self, max: usize) -> Vec<u32>;
    fn pop_chunk(&mut self, max: usize) -> Vec<u32>;
    fn len(&self) -> usize;
}

fn pushed(result: Result<usize, PushError>) -> usize {
    result.unwrap_or_else(|error| {
        assert_eq!(error, PushError::Full(()));
        0
    })
}

fn popped(result: Result<usize, PopError>) {
    assert_ne!(result, Err(PopError::Closed));
}

impl Queue for (spsc::Producer<u32>, spsc::Consumer<u32>) {
    fn push(&mut self, value: u32) -> bool {
        self.0.push(value).is_ok()
    }

    fn push_slice(&mut self, values: &[u32]) -> usize {
        pushed(self.0.push_slice(values))
    }

    fn push_owned(&mut self, values: VecDeque<u32>) -> usize {
        pushed(self.0.push_iter(values))
    }

    fn pop(&mut self) -> Option<u32> {
        self.1.pop().ok()
    }

    fn pop_into(&mut self, max: usize) -> Vec<u32> {
        let mut values = Vec::new();
        popped(self.1.pop_into(&mut values, max));
        values
    }

    fn pop_chunk(&mut self, max: usize) -> Vec<u32> {
        let chunk = self.1.read_chunk(max);
        chunk.map_or_else(|_| Vec::new(), |chunk| chunk.into_iter().collect())
    }

    fn len(&self) -> usize {
        assert_eq!(self.0.len(), self.1.len());
        self.0.len()
    }
}

impl Queue for (mpmc::Sender<u32>, mpmc::Receiver<u32>) {
    fn push(&mut self, value: u32) -> bool {
        self.0.push(value).is_ok()
    }

    fn push_slice(&mut self, values: &[u32]) -> usize {
        pushed(self.0.push_slice(values))
    }

    fn push_owned(&mut self, mut values: VecDeque<u32>) -> usize {
        pushed(self.0.push_from(&mut values))
    }

    fn pop(&mut self) -> Option<u32> {
        self.1.pop().ok()
    }

    fn pop_into(&mut self, max: usize) -> Vec<u32> {
        let mut values = Vec::new();
        popped(self.1.pop_into(&mut values, max));
        values
    }

    fn pop_chunk(&mut self, max: usize) -> Vec<u32> {
        // A second receiver for once: claims by exchange.
        let mut other = self.1.clone();
        other.iter().take(max).collect()
    }

    fn len(&self) -> usize {
        assert_eq!(self.0.len(), self.1.len());
        self.0.len()
    }
}

impl Queue for (unbounded::Sender<u32>, unbounded::Receiver<u32>) {
    fn push(&mut self, value: u32) -> bool {
        self.0.push(value).is_ok()
    }

    fn push_slice(&mut self, values: &[u32]) -> usize {
        self.0.push_slice(values).expect("never closed");
        values.len()
    }

    fn push_owned(&mut self, mut values: VecDeque<u32>) -> usize {
        let count = values.len();
        self.0.push_from(&mut values).expect("never closed");
        count
    }

    fn pop(&mut self) -> Option<u32> {
        self.1.pop().ok()
    }

    fn pop_into(&mut self, max: usize) -> Vec<u32> {
        let mut values = Vec::new();
        // A batch ends with its block.
        let mut left = max;
        while let Ok(count @ 1..) = self.1.pop_into(&mut values, left) {
            left -= count;
        }
        values
    }

    fn pop_chunk(&mut self, max: usize) -> Vec<u32> {
        self.1.iter().take(max).collect()
    }

    fn len(&self) -> usize {
        assert_eq!(self.0.len(), self.1.len());
        self.0.len()
    }
}

fn check(mut queue: impl Queue, capacity: usize, operations: &[Operation]) {
    let mut oracle = VecDeque::new();
    let mut next = 0;
    let mut fresh = |count: usize| -> Vec<u32> {
        next += count as u32;
        (next - count as u32..next).collect()
    };
    for operation in operations {
        let room = capacity - oracle.len();
        match *operation {
            Operation::Push => {
                let value = fresh(1)[0];
                assert_eq!(queue.push(value), room > 0);
                oracle.extend((room > 0).then_some(value));
            }
            Operation::PushSlice(count) => {
                let values = fresh(count);
                assert_eq!(queue.push_slice(&values), count.min(room));
                oracle.extend(values.into_iter().take(room));
            }
            Operation::PushOwned(count) => {
                let values = fresh(count);
                assert_eq!(queue.push_owned(values.clone().into()), count.min(room));
                oracle.extend(values.into_iter().take(room));
            }
            Operation::Pop => assert_eq!(queue.pop(), oracle.pop_front()),
            Operation::PopInto(max) => {
                let expected: Vec<_> = oracle.drain(..max.min(oracle.len())).collect();
                assert_eq!(queue.pop_into(max), expected);
            }
            Operation::PopChunk(max) => {
                let expected: Vec<_> = oracle.drain(..max.min(oracle.len())).collect();
                assert_eq!(queue.pop_chunk(max), expected);
            }
        }
        assert_eq!(queue.len(), oracle.len());
    }
}

proptest! {
    #[test]
    fn spsc_is_a_bounded_deque(capacity in 1..20usize, operations in operations()) {
        check(spsc::channel(capacity), capacity, &operations);
    }

    #[test]
    fn mpmc_is_a_bounded_deque(capacity in 1..20usize, operations in operations()) {
        check(mpmc::channel(capacity), capacity, &operations);
    }

    #[test]
    fn unbounded_is_a_deque(operations in operations()) {
        check(unbounded::channel(), usize::MAX / 2, &operations);
    }
}
