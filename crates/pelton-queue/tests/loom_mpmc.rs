//! Models of the shared ring: each pair of operations that can meet.
#![cfg(loom)]

use pelton_queue::{PopError, mpmc};
use pelton_sync::atomic::{AtomicUsize, Ordering};
use pelton_sync::{Arc, UnsafeCell, hint, model, thread};

fn pop_one(receiver: &mut mpmc::Receiver<usize>) -> usize {
    loop {
        match receiver.pop() {
            Ok(value) => return value,
            Err(error) => assert_eq!(error, PopError::Empty),
        }
        hint::spin_loop();
    }
}

#[test]
fn push_meets_push() {
    model(|| {
        let (mut sender, mut receiver) = mpmc::channel(2);
        let mut other = sender.clone();
        let pushing = thread::spawn(move || other.push(1).unwrap());
        sender.push(2).unwrap();
        pushing.join().unwrap();
        let mut values = [receiver.pop().unwrap(), receiver.pop().unwrap()];
        values.sort_unstable();
        assert_eq!(values, [1, 2]);
        assert_eq!(receiver.pop(), Err(PopError::Empty));
    });
}

#[test]
fn push_meets_pop_in_a_ring_of_one() {
    model(|| {
        let (mut sender, mut receiver) = mpmc::channel(1);
        let pushing = thread::spawn(move || {
            for value in 0..2 {
                while sender.push(value).is_err() {
                    hint::spin_loop();
                }
            }
        });
        assert_eq!(pop_one(&mut receiver), 0);
        assert_eq!(pop_one(&mut receiver), 1);
        pushing.join().unwrap();
        assert_eq!(receiver.pop(), Err(PopError::Closed));
    });
}

#[test]
fn what_a_glance_shows_is_there() {
    model(|| {
        let (mut sender, mut receiver) = mpmc::channel(1);
        let pushing = thread::spawn(move || sender.push(1).unwrap());
        let seen = receiver.looks_ready();
        let popped = receiver.pop();
        assert!(popped == Ok(1) || (!seen && popped == Err(PopError::Empty)));
        pushing.join().unwrap();
        assert_eq!(receiver.looks_ready(), popped.is_err());
    });
}

#[test]
fn pop_meets_pop() {
    model(|| {
        let (mut sender, mut receiver) = mpmc::channel(2);
        sender.push_slice(&[1, 2]).unwrap();
        let mut other = receiver.clone();
        let popping = thread::spawn(move || other.pop().unwrap());
        let mine = receiver.pop().unwrap();
        assert_eq!(mine + popping.join().unwrap(), 3);
        assert_eq!(receiver.pop(), Err(PopError::Empty));
    });
}

#[test]
fn batches_meet_batches() {
    model(|| {
        let (mut sender, mut receiver) = mpmc::channel(4);
        let mut other = sender.clone();
        let pushing = thread::spawn(move || {
            other.push_slice(&[1, 2]).unwrap();
        });
        let mut values = Vec::with_capacity(4);
        sender.push_slice(&[3, 4]).unwrap();
        let _ = receiver.pop_into(&mut values, 4);
        pushing.join().unwrap();
        while receiver.pop_into(&mut values, 4).is_ok() {}
        // Together, and in order.
        assert!(
            values == [1, 2, 3, 4] || values == [3, 4, 1, 2],
            "{values:?}"
        );
    });
}

#[test]
fn batches_are_popped_once() {
    model(|| {
        let (mut sender, mut receiver) = mpmc::channel(4);
        sender.push_slice(&[1, 2, 4]).unwrap();
        let mut other = receiver.clone();
        let pop_two = |receiver: &mut mpmc::Receiver<usize>| {
            let mut values = Vec::with_capacity(2);
            let _ = receiver.pop_into(&mut values, 2);
            values.iter().sum::<usize>()
        };
        let popping = thread::spawn(move || pop_two(&mut other));
        let mine = pop_two(&mut receiver);
        let rest: usize = receiver.iter().sum();
        assert_eq!(mine + popping.join().unwrap() + rest, 7);
    });
}

#[test]
fn len_stays_in_bounds() {
    model(|| {
        let (mut sender, mut receiver) = mpmc::channel(2);
        let observer = receiver.clone();
        let looking = thread::spawn(move || assert!(observer.len() <= 2));
        for value in 0..2 {
            sender.push(value).unwrap();
            assert_eq!(receiver.pop(), Ok(value));
        }
        looking.join().unwrap();
    });
}

#[test]
fn capacity_holds_between_batch_and_pop() {
    model(|| {
        // Three of four slots are used, so the bound is the head's business, not the stamps'.
        let (mut sender, mut receiver) = mpmc::channel(3);
        sender.push_slice(&[0, 1]).unwrap();
        let popping = thread::spawn(move || receiver.pop().map(|value| (value, receiver)));
        let pushed = sender.push_slice(&[2, 3, 4]).unwrap();
        assert!(pushed == 1 || pushed == 2, "{pushed}");
        assert!(sender.len() <= 3);
        let (value, _receiver) = popping.join().unwrap().unwrap();
        assert_eq!(value, 0);
    });
}

#[test]
fn what_is_accepted_before_close_is_popped() {
    model(|| {
        let (mut sender, mut receiver) = mpmc::channel(2);
        let pushing = thread::spawn(move || sender.push(1).is_ok());
        receiver.close();
        let mut popped = 0;
        loop {
            match receiver.pop() {
                Ok(_) => popped += 1,
                Err(PopError::Closed) => break,
                Err(PopError::Empty) => hint::spin_loop(),
            }
        }
        assert_eq!(popped, usize::from(pushing.join().unwrap()));
    });
}

#[test]
fn what_is_left_is_dropped_once() {
    model(|| {
        let value = Arc::new(());
        let (mut sender, receiver) = mpmc::channel(2);
        let gone = thread::spawn(move || drop(receiver));
        let _ = sender.push(value.clone());
        let _ = sender.push(value.clone());
        drop(sender);
        gone.join().unwrap();
        assert_eq!(Arc::strong_count(&value), 1);
    });
}

/// The twin: two receivers that claim by plain stores take one value twice.
#[test]
#[should_panic(expected = "taken twice")]
fn loom_rejects_claims_without_exchange() {
    model(|| {
        let head = Arc::new(AtomicUsize::new(0));
        let taken = Arc::new(AtomicUsize::new(0));
        let claim = |head: &AtomicUsize, taken: &AtomicUsize| {
            let position = head.load(Ordering::Acquire);
            if position == 0 {
                head.store(position + 1, Ordering::Release);
                assert_eq!(taken.fetch_add(1, Ordering::AcqRel), 0, "taken twice");
            }
        };
        let (other_head, other_taken) = (head.clone(), taken.clone());
        let other = thread::spawn(move || claim(&other_head, &other_taken));
        claim(&head, &taken);
        other.join().unwrap();
    });
}

/// The twin: a glance at the tail sees a position that was claimed and not filled.
#[test]
#[should_panic(expected = "not there yet")]
fn loom_rejects_a_glance_at_the_tail() {
    model(|| {
        let ring = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
        let sender = ring.clone();
        let pushing = thread::spawn(move || {
            sender.0.store(1, Ordering::Release);
            sender.1.store(1, Ordering::Release);
        });
        if ring.0.load(Ordering::Acquire) == 1 {
            assert_eq!(ring.1.load(Ordering::Acquire), 1, "not there yet");
        }
        pushing.join().unwrap();
    });
}

/// The twin: a head and a tail of different ages tell of more than there ever was.
#[test]
#[should_panic(expected = "more than fits")]
fn loom_rejects_a_length_of_two_ages() {
    model(|| {
        let indices = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
        let both = indices.clone();
        let moving = thread::spawn(move || {
            for position in 1..3 {
                both.1.store(position, Ordering::Release);
                both.0.store(position, Ordering::Release);
            }
        });
        let head = indices.0.load(Ordering::Acquire);
        let tail = indices.1.load(Ordering::Acquire);
        assert!(tail - head <= 1, "more than fits");
        moving.join().unwrap();
    });
}

/// The twin: a slot stamped full with Relaxed.
#[test]
#[should_panic(expected = "Causality violation")]
fn loom_rejects_a_relaxed_stamp() {
    model(|| {
        let slot = Arc::new((AtomicUsize::new(0), UnsafeCell::new(0)));
        let sender = slot.clone();
        thread::spawn(move || {
            // SAFETY: none; this is the fault that loom must find.
            sender.1.with_mut(|value| unsafe { *value = 1 });
            sender.0.store(1, Ordering::Relaxed);
        });
        while slot.0.load(Ordering::Acquire) == 0 {
            hint::spin_loop();
        }
        // SAFETY: none; as above.
        assert_eq!(slot.1.with(|value| unsafe { *value }), 1);
    });
}
