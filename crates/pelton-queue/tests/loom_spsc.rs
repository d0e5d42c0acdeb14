//! Models of the single-producer ring: each pair of operations that can meet.
#![cfg(loom)]

use pelton_queue::{PopError, PushError, spsc};
use pelton_sync::atomic::{AtomicUsize, Ordering};
use pelton_sync::{Arc, UnsafeCell, hint, model, thread};

/// Pops until closed.
fn drain(consumer: &mut spsc::Consumer<usize>) -> Vec<usize> {
    let mut values = Vec::new();
    loop {
        match consumer.pop() {
            Ok(value) => values.push(value),
            Err(PopError::Empty) => hint::spin_loop(),
            Err(PopError::Closed) => return values,
        }
    }
}

/// Pushes, waiting for room.
fn push_all(producer: &mut spsc::Producer<usize>, values: impl IntoIterator<Item = usize>) {
    for value in values {
        while producer.push(value) == Err(PushError::Full(value)) {
            hint::spin_loop();
        }
    }
}

#[test]
fn push_meets_pop() {
    model(|| {
        let (mut producer, mut consumer) = spsc::channel(1);
        let pushing = thread::spawn(move || push_all(&mut producer, 0..3));
        assert_eq!(drain(&mut consumer), [0, 1, 2]);
        pushing.join().unwrap();
    });
}

#[test]
fn slices_meet_pop_into() {
    model(|| {
        let (mut producer, mut consumer) = spsc::channel(2);
        let pushing = thread::spawn(move || {
            let pushed = producer.push_slice(&[0, 1, 2]).unwrap();
            push_all(&mut producer, pushed..4);
        });
        let mut values = Vec::new();
        while consumer.pop_into(&mut values, 2) != Err(PopError::Closed) {
            hint::spin_loop();
        }
        assert_eq!(values, [0, 1, 2, 3]);
        pushing.join().unwrap();
    });
}

#[test]
fn write_chunk_meets_read_chunk() {
    model(|| {
        let (mut producer, mut consumer) = spsc::channel(2);
        let pushing = thread::spawn(move || {
            let pushed = producer.write_chunk(2).unwrap().fill(0..2);
            assert_eq!(pushed, 2);
            push_all(&mut producer, 2..3);
        });
        let mut sum = 0;
        loop {
            match consumer.read_chunk(2) {
                Ok(chunk) => {
                    let (first, second) = chunk.as_slices();
                    sum += first.iter().chain(second).sum::<usize>();
                    let len = chunk.len();
                    chunk.commit(len);
                }
                Err(PopError::Empty) => hint::spin_loop(),
                Err(PopError::Closed) => break,
            }
        }
        assert_eq!(sum, 3);
        pushing.join().unwrap();
    });
}

#[test]
fn peek_meets_push_iter() {
    model(|| {
        let (mut producer, mut consumer) = spsc::channel(2);
        let pushing = thread::spawn(move || producer.push_iter(1..4).unwrap());
        if let Some(value) = consumer.peek() {
            assert_eq!(*value, 1);
        }
        assert_eq!(pushing.join().unwrap(), 2);
        assert_eq!(drain(&mut consumer), [1, 2]);
    });
}

#[test]
fn push_meets_the_consumers_drop() {
    model(|| {
        let value = Arc::new(());
        let (mut producer, consumer) = spsc::channel(2);
        let gone = thread::spawn(move || drop(consumer));
        let accepted = producer.push(value.clone()).is_ok();
        gone.join().unwrap();
        assert_eq!(producer.push(value.clone()).is_ok(), false);
        drop(producer);
        // Accepted or refused, the value is dropped once.
        assert_eq!(Arc::strong_count(&value), 1, "accepted: {accepted}");
    });
}

#[test]
fn len_stays_in_bounds() {
    model(|| {
        let (mut producer, mut consumer) = spsc::channel(1);
        let pushing = thread::spawn(move || {
            push_all(&mut producer, 0..2);
            assert!(producer.len() <= producer.capacity());
        });
        for _ in 0..2 {
            assert!(consumer.len() <= 1);
            let _ = consumer.pop();
        }
        drop(consumer);
        pushing.join().unwrap();
    });
}

/// The twin: a ring of one slot whose producer publishes with Relaxed.
#[test]
#[should_panic(expected = "Causality violation")]
fn loom_rejects_a_relaxed_tail() {
    model(|| {
        let shared = Arc::new((AtomicUsize::new(0), UnsafeCell::new(0)));
        let producer = shared.clone();
        thread::spawn(move || {
            // SAFETY: none; this is the fault that loom must find.
            producer.1.with_mut(|slot| unsafe { *slot = 1 });
            producer.0.store(1, Ordering::Relaxed);
        });
        while shared.0.load(Ordering::Acquire) == 0 {
            hint::spin_loop();
        }
        // SAFETY: none; as above.
        assert_eq!(shared.1.with(|slot| unsafe { *slot }), 1);
    });
}
