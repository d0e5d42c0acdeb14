//! The shared queues are linearizable: histories recorded from racing threads are searched for an
//! order that a plain bounded queue could have had.
//!
//! Wing and Gong's search: among the operations that nobody else's end precedes, try each as the
//! next, and step back when the plain queue would have answered otherwise. States seen before are
//! not tried again (Lowe's refinement).
#![cfg(not(loom))]

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pelton_queue::{Pop, PopError, Push, PushError, mpmc, unbounded};
use pelton_sync::{scaled, thread};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Pushed(u32),
    Full,
    Popped(u32),
    Empty,
}

#[derive(Debug, Clone, Copy)]
struct Operation {
    event: Event,
    start: usize,
    end: usize,
}

/// What the plain queue becomes if `event` happens now, if it can.
fn step(queue: &VecDeque<u32>, capacity: usize, event: Event) -> Option<VecDeque<u32>> {
    let mut next = queue.clone();
    let possible = match event {
        Event::Pushed(value) => {
            next.push_back(value);
            queue.len() < capacity
        }
        Event::Full => queue.len() == capacity,
        Event::Popped(value) => next.pop_front() == Some(value),
        Event::Empty => queue.is_empty(),
    };
    possible.then_some(next)
}

fn is_linearizable(history: &[Operation], capacity: usize) -> bool {
    assert!(history.len() < 64, "the done set is a word");
    let mut seen = HashSet::new();
    let mut open = vec![(0u64, VecDeque::new())];
    while let Some((done, queue)) = open.pop() {
        let left = |index: &usize| done & (1 << index) == 0;
        let todo: Vec<usize> = (0..history.len()).filter(left).collect();
        let Some(first_end) = todo.iter().map(|index| history[*index].end).min() else {
            return true;
        };
        for index in todo {
            let operation = history[index];
            if operation.start > first_end {
                continue;
            }
            if let Some(next) = step(&queue, capacity, operation.event) {
                let state = (done | 1 << index, next);
                if seen.insert(state.clone()) {
                    open.push(state);
                }
            }
        }
    }
    false
}

/// Records `count` operations of one thread: pushes and pops in the rhythm of `seed`.
fn record<P: Push<Item = u32>, C: Pop<Item = u32>>(
    (mut pushing, mut popping): (P, C),
    clock: &AtomicUsize,
    seed: u32,
    count: u32,
) -> Vec<Operation> {
    let mut history = Vec::new();
    for index in 0..count {
        let start = clock.fetch_add(1, Ordering::SeqCst);
        let value = seed * 100 + index;
        let event = if (seed.wrapping_mul(2_654_435_761) >> index) & 1 == 0 {
            match pushing.push(value) {
                Ok(()) => Event::Pushed(value),
                Err(PushError::Full(_)) => Event::Full,
                Err(PushError::Closed(_)) => unreachable!("all ends are alive"),
            }
        } else {
            match popping.pop() {
                Ok(value) => Event::Popped(value),
                Err(PopError::Empty) => Event::Empty,
                Err(PopError::Closed) => unreachable!("all ends are alive"),
            }
        };
        let end = clock.fetch_add(1, Ordering::SeqCst);
        history.push(Operation { event, start, end });
    }
    history
}

fn check<P, C>(make: impl Fn() -> (P, C), capacity: usize)
where
    P: Push<Item = u32> + Clone + Send + 'static,
    C: Pop<Item = u32> + Clone + Send + 'static,
{
    for round in 0..scaled(400, 5) as u32 {
        let ends = make();
        let clock = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (1..=3)
            .map(|id| {
                let (ends, clock) = (ends.clone(), clock.clone());
                thread::spawn(move || record(ends, &clock, round * 3 + id, 10))
            })
            .collect();
        let history: Vec<Operation> = threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a recorder panicked"))
            .collect();
        assert!(
            is_linearizable(&history, capacity),
            "round {round}: {history:?}"
        );
    }
}

#[test]
fn mpmc_ring() {
    for capacity in [1, 2, 3] {
        check(|| mpmc::channel(capacity), capacity);
    }
}

#[test]
fn unbounded_queue() {
    check(unbounded::channel, usize::MAX);
}

/// The checker can say no.
#[test]
fn overtaking_is_found() {
    let operation = |event, start, end| Operation { event, start, end };
    let overtaken = [
        operation(Event::Pushed(1), 0, 1),
        operation(Event::Pushed(2), 2, 3),
        operation(Event::Popped(2), 4, 5),
    ];
    assert!(!is_linearizable(&overtaken, 4));
    let concurrent = [
        operation(Event::Pushed(1), 0, 3),
        operation(Event::Pushed(2), 1, 2),
        operation(Event::Popped(2), 4, 5),
    ];
    assert!(is_linearizable(&concurrent, 4));
    let false_empty = [
        operation(Event::Pushed(1), 0, 1),
        operation(Event::Empty, 2, 3),
    ];
    assert!(!is_linearizable(&false_empty, 4));
}
