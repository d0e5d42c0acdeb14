//! Models of the unbounded queue. Blocks have three slots here, so that they fill and end.
#![cfg(loom)]

use pelton_queue::{PopError, unbounded};
use pelton_sync::atomic::{AtomicUsize, Ordering};
use pelton_sync::{Arc, UnsafeCell, hint, model, thread};

fn pop_one(receiver: &mut unbounded::Receiver<usize>) -> usize {
    loop {
        match receiver.pop() {
            Ok(value) => return value,
            Err(error) => assert_eq!(error, PopError::Empty),
        }
        hint::spin_loop();
    }
}

#[test]
fn push_meets_pop_across_blocks() {
    model(|| {
        let (mut sender, mut receiver) = unbounded::channel();
        let pushing = thread::spawn(move || {
            for value in 0..4 {
                sender.push(value).unwrap();
            }
        });
        for value in 0..4 {
            assert_eq!(pop_one(&mut receiver), value);
        }
        pushing.join().unwrap();
        assert_eq!(receiver.pop(), Err(PopError::Closed));
    });
}

#[test]
fn pushes_meet_at_the_end_of_a_block() {
    model(|| {
        let (mut sender, mut receiver) = unbounded::channel();
        sender.push(0).unwrap();
        let mut other = sender.clone();
        let pushing = thread::spawn(move || other.push_slice(&[1, 2]).unwrap());
        sender.push_slice(&[3, 4]).unwrap();
        pushing.join().unwrap();
        let mut values: Vec<_> = receiver.iter().collect();
        values.sort_unstable();
        assert_eq!(values, [0, 1, 2, 3, 4]);
    });
}

#[test]
fn pops_meet_at_the_end_of_a_block() {
    model(|| {
        let (mut sender, mut receiver) = unbounded::channel();
        sender.push_slice(&[1, 2, 4, 8]).unwrap();
        let mut other = receiver.clone();
        let popping = thread::spawn(move || {
            let mut values = Vec::with_capacity(4);
            other.pop_into(&mut values, 2).unwrap();
            values.iter().sum::<usize>()
        });
        let mine = receiver.pop().unwrap() + receiver.pop().unwrap_or(0);
        let rest: usize = popping.join().unwrap() + receiver.iter().sum::<usize>();
        assert_eq!(mine + rest, 15);
    });
}

/// The last receiver claims and leaves by plain stores; a second one comes and goes.
#[test]
fn sole_receiver_follows_a_clone() {
    model(|| {
        let (mut sender, mut receiver) = unbounded::channel();
        sender.push_slice(&[1, 2, 4]).unwrap();
        let mut other = receiver.clone();
        let popping = thread::spawn(move || other.pop().unwrap());
        let mine = receiver.pop().unwrap();
        let rest = receiver.pop().unwrap_or(0);
        assert_eq!(mine + rest + popping.join().unwrap(), 7);
        sender.push_slice(&[8, 9]).unwrap();
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [8, 9]);
    });
}

/// A receiver that was alone hands on to its clone, in the middle of a block.
#[test]
fn a_clone_follows_the_sole_receiver() {
    model(|| {
        let (mut sender, mut receiver) = unbounded::channel();
        sender.push_slice(&[1, 2, 4, 8]).unwrap();
        assert_eq!(receiver.pop(), Ok(1));
        let mut other = receiver.clone();
        let popping = thread::spawn(move || other.pop().unwrap() + other.pop().unwrap_or(0));
        let mine = receiver.pop().unwrap_or(0);
        let theirs = popping.join().unwrap();
        assert_eq!(mine + theirs + receiver.iter().sum::<usize>(), 14);
    });
}

/// A block is recycled while a sender takes the spare one.
#[test]
fn recycling_meets_push() {
    model(|| {
        let (mut sender, mut receiver) = unbounded::channel();
        sender.push_slice(&[0, 1, 2]).unwrap();
        let pushing = thread::spawn(move || {
            sender.push_slice(&[3, 4, 5]).unwrap();
            sender
        });
        for value in 0..3 {
            assert_eq!(receiver.pop(), Ok(value));
        }
        let mut sender = pushing.join().unwrap();
        sender.push(6).unwrap();
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [3, 4, 5, 6]);
    });
}

/// A block goes round while another receiver is just leaving it: what is pushed into it again comes
/// after all that was popped from it.
#[test]
fn recycling_meets_a_receiver_that_leaves() {
    model(|| {
        let (mut sender, mut receiver) = unbounded::channel();
        sender.push_slice(&[0, 1, 2]).unwrap();
        let mut other = receiver.clone();
        let popping = thread::spawn(move || other.pop().unwrap());
        let mine = receiver.pop().unwrap() + receiver.pop().unwrap();
        // Fills the second block, and begins a third: the first again, if it has been left.
        sender.push_slice(&[3, 4, 5, 6]).unwrap();
        assert_eq!(mine + popping.join().unwrap(), 3);
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [3, 4, 5, 6]);
    });
}

#[test]
fn len_stays_in_bounds() {
    model(|| {
        let (mut sender, mut receiver) = unbounded::channel();
        let observer = receiver.clone();
        let looking = thread::spawn(move || assert!(observer.len() <= 4));
        sender.push_slice(&[0, 1, 2, 3]).unwrap();
        assert_eq!(receiver.iter().count(), 4);
        looking.join().unwrap();
    });
}

#[test]
fn what_is_accepted_before_close_is_popped() {
    model(|| {
        let (mut sender, mut receiver) = unbounded::channel();
        sender.push_slice(&[0, 1]).unwrap();
        let pushing = thread::spawn(move || {
            let first = sender.push(2).is_ok();
            2 + usize::from(first) + usize::from(sender.push(3).is_ok())
        });
        receiver.close();
        let mut popped = 0;
        loop {
            match receiver.pop() {
                Ok(_) => popped += 1,
                Err(PopError::Closed) => break,
                Err(PopError::Empty) => hint::spin_loop(),
            }
        }
        assert_eq!(popped, pushing.join().unwrap());
    });
}

#[test]
fn what_is_left_is_dropped_once() {
    model(|| {
        let value = Arc::new(());
        let (mut sender, receiver) = unbounded::channel();
        let gone = thread::spawn(move || drop(receiver));
        for _ in 0..4 {
            let _ = sender.push(value.clone());
        }
        drop(sender);
        gone.join().unwrap();
        assert_eq!(Arc::strong_count(&value), 1);
    });
}

/// The twin: a receiver that leaves its slot with Relaxed does not come before the end of the
/// block.
#[test]
#[should_panic(expected = "Causality violation")]
fn loom_rejects_leaving_with_relaxed() {
    model(|| {
        let slot = Arc::new((AtomicUsize::new(0), UnsafeCell::new(0)));
        let receiver = slot.clone();
        thread::spawn(move || {
            // SAFETY: none; this is the fault that loom must find.
            receiver.1.with_mut(|value| unsafe { *value = 1 });
            receiver.0.fetch_add(1, Ordering::Relaxed);
        });
        if slot.0.load(Ordering::Acquire) == 1 {
            // SAFETY: none; as above.
            slot.1.with_mut(|value| unsafe { *value = 2 });
        }
    });
}
