//! The embedded engine through its public door.
//!
//! Each record's payload is its id in decimal, so that what comes out says where it came from.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;

use pelton::embed::{
    Builder, Failure, FailureKind, OnRejected, Outcome, PopError, Priority, Processed, PushError,
    Receiver, Record, Submitter,
};
use pelton::metrics::{Registry, Value};
use pelton::{Engine, ErrorKind};

fn record(submitter: &Submitter, id: u64) -> Record {
    let payload = id.to_string();
    submitter
        .record(id, 0, payload.as_bytes())
        .expect("no memory limit")
}

fn submit(submitter: &mut Submitter, ids: impl IntoIterator<Item = u64>) {
    for id in ids {
        let record = record(submitter, id);
        submitter.submit_blocking(record).expect("not stopped");
    }
}

fn ids(receiver: Receiver) -> Vec<u64> {
    receiver.map(|processed| processed.record.id).collect()
}

/// Engines with a worker that has a thread, and with one that has none.
fn engines() -> [Builder; 2] {
    [1, 0].map(|workers| Engine::embedded().workers(workers))
}

fn is_even(record: &Record) -> bool {
    record.id.is_multiple_of(2)
}

#[test]
fn records_go_through_the_stages_in_order() {
    for builder in engines() {
        let (engine, mut submitter, receiver) = builder
            .keep("even", is_even)
            .update("mark", |record| {
                record.payload.extend_from_slice(b"!").expect("no limit");
            })
            .start()
            .unwrap();
        submit(&mut submitter, 0..1000);
        let report = engine.stop();
        let mut expected = (0..1000).step_by(2);
        for processed in receiver {
            let id = expected.next().unwrap();
            assert_eq!(&processed.record.payload[..], format!("{id}!").as_bytes());
            assert!(processed.is_delivered());
            assert!(processed.ended_ns >= processed.started_ns);
            let duration = processed.ended_ns - processed.started_ns;
            assert_eq!(processed.duration_ns(), duration as u64);
        }
        assert_eq!(expected.next(), None);
        let stats = report.stats;
        assert_eq!(
            (stats.accepted, stats.delivered, stats.filtered),
            (1000, 500, 500)
        );
        assert_eq!(
            (stats.stages[1].entered, stats.stages[0].filtered),
            (500, 500)
        );
    }
}

#[test]
fn a_full_engine_gives_the_record_back() {
    let (engine, mut submitter, receiver) = Engine::embedded().input_capacity(2).start().unwrap();
    engine.pause();
    submit(&mut submitter, 0..2);
    let refused = submitter.submit(record(&submitter, 2)).unwrap_err();
    let PushError::Full(third) = refused else {
        panic!("expected full, found {refused}");
    };
    assert_eq!(&third.payload[..], b"2");
    // Another priority has room of its own.
    let urgent = third.with_priority(Priority::High);
    submitter.submit(urgent).unwrap();
    engine.resume();
    let report = engine.stop();
    assert_eq!(report.stats.accepted, 3);
    let closed = submitter.submit(record(&submitter, 3)).unwrap_err();
    assert!(closed.is_closed());
    let mut received = ids(receiver);
    received.sort_unstable();
    assert_eq!(received, [0, 1, 2]);
}

#[test]
fn batches_keep_what_did_not_fit() {
    let (engine, mut submitter, mut receiver) =
        Engine::embedded().input_capacity(4).start().unwrap();
    engine.pause();
    let mut records: VecDeque<_> = (0..6).map(|id| record(&submitter, id)).collect();
    assert_eq!(submitter.submit_batch(&mut records).unwrap(), 4);
    assert_eq!(records[0].id, 4);
    assert_eq!(
        submitter.submit_batch(&mut records),
        Err(PushError::Full(()))
    );
    assert_eq!(records.len(), 2);
    engine.resume();
    submitter.submit_batch_blocking(&mut records).unwrap();
    let mut received = Vec::new();
    while received.len() < 6 {
        receiver.recv_batch(&mut received, 64).unwrap();
    }
    assert_eq!(
        receiver.try_recv_batch(&mut received, 64),
        Err(PopError::Empty)
    );
    assert!(matches!(receiver.try_recv(), Err(PopError::Empty)));
    drop(submitter);
    assert!(receiver.recv().is_err());
    assert_eq!(engine.join().stats.delivered, 6);
}

#[test]
fn batches_of_mixed_priorities_are_taken_apart() {
    for builder in engines() {
        let (engine, mut submitter, receiver) = builder.input_capacity(2).start().unwrap();
        engine.pause();
        let priorities = [Priority::Low, Priority::High, Priority::Low, Priority::Low];
        let mut records: VecDeque<_> = priorities
            .into_iter()
            .zip(0..)
            .map(|(priority, id)| record(&submitter, id).with_priority(priority))
            .collect();
        assert_eq!(submitter.submit_batch(&mut records).unwrap(), 3);
        assert_eq!(records[0].id, 3);
        engine.resume();
        drop(engine.stop());
        assert_eq!(ids(receiver), [1, 0, 2]);
    }
}

#[test]
fn urgent_records_go_first_and_none_waits_for_ever() {
    for builder in engines() {
        let (engine, mut submitter, receiver) =
            builder.batch(1).output_capacity(64).start().unwrap();
        engine.pause();
        for id in 0..48 {
            let priority = Priority::ALL[id as usize % 3];
            let record = record(&submitter, id).with_priority(priority);
            submitter.submit(record).unwrap();
        }
        engine.resume();
        drop(engine.stop());
        let order: Vec<_> = ids(receiver).into_iter().map(|id| id % 3).collect();
        assert_eq!(
            &order[..4],
            [0, 0, 0, 1],
            "urgent first, usual on each fourth turn"
        );
        assert_eq!(order[15], 2, "low on each sixteenth turn");
    }
}

/// What a stage fails on is rejected alone.
fn failing(builder: Builder) -> (Vec<u64>, Vec<(u64, Failure)>, u64) {
    let (engine, mut submitter, receiver) = builder
        .try_update("fussy", |record| match record.id {
            7 => Err("seven"),
            8 => panic!("eight"),
            _ => Ok(()),
        })
        .start()
        .expect("it makes sense");
    submit(&mut submitter, 0..20);
    let report = engine.stop();
    assert!(report.stats.balances());
    let (mut delivered, mut rejected) = (Vec::new(), Vec::new());
    for processed in receiver {
        match processed.outcome {
            Outcome::Rejected(failure) => rejected.push((processed.record.id, *failure)),
            _ => delivered.push(processed.record.id),
        }
    }
    (delivered, rejected, report.stats.rejected)
}

#[test]
fn what_a_stage_fails_on_is_rejected_alone() {
    for builder in engines() {
        what_it_fails_on_is_rejected_alone(builder);
    }
}

fn what_it_fails_on_is_rejected_alone(builder: Builder) {
    let (delivered, rejected, counted) = failing(builder);
    let expected: Vec<_> = (0..20).filter(|id| ![7, 8].contains(id)).collect();
    assert_eq!(delivered, expected);
    assert_eq!(counted, 2);
    let told: Vec<_> = rejected
        .iter()
        .map(|(id, failure)| (*id, failure.kind, failure.to_string()))
        .collect();
    assert_eq!(
        told,
        [
            (7, FailureKind::Stage, "stage \"fussy\": seven".to_owned()),
            (
                8,
                FailureKind::Panic,
                "stage \"fussy\": panicked: eight".to_owned()
            ),
        ]
    );
}

#[test]
fn rejected_records_can_be_discarded() {
    let (delivered, rejected, counted) =
        failing(Engine::embedded().on_rejected(OnRejected::Discard));
    assert_eq!((delivered.len(), rejected.len(), counted), (18, 0, 2));
}

#[test]
fn rejected_records_can_go_to_a_dead_letter() {
    let (sender, letters) = mpsc::channel::<Processed>();
    let builder = Engine::embedded().dead_letter(move |processed| {
        sender.send(processed).expect("the test receives");
        panic!("a handler's panic is its own affair");
    });
    let (delivered, rejected, counted) = failing(builder);
    assert_eq!((delivered.len(), rejected.len(), counted), (18, 0, 2));
    let letters: Vec<_> = letters.iter().map(|letter| letter.record.id).collect();
    assert_eq!(letters, [7, 8]);
}

#[test]
fn the_first_failure_can_stop_the_engine() {
    for builder in engines() {
        let (engine, mut submitter, mut receiver) = builder
            .on_rejected(OnRejected::Stop)
            .try_update("fussy", |record| match record.id {
                3 => Err("three"),
                _ => Ok(()),
            })
            .start()
            .unwrap();
        submit(&mut submitter, 0..4);
        let mut received = Vec::new();
        while receiver.recv_batch(&mut received, 8).is_ok() {}
        assert_eq!(received.len(), 4);
        assert!(submitter.submit_blocking(record(&submitter, 5)).is_err());
        let report = engine.join();
        assert_eq!(report.stopped_by.as_deref(), Some("stage \"fussy\": three"));
        assert!(report.to_string().contains("stopped by"));
    }
}

#[test]
fn batches_can_be_worked_on_whole() {
    let (engine, mut submitter, receiver) = Engine::embedded()
        .workers(1)
        .return_filtered(true)
        .keep("not one", |record| record.id != 1)
        .update_batch("whole", |records| {
            assert_eq!(records.get(1).is_none(), records.len() > 1);
            let last = records.iter().map(|(index, _)| index).max();
            let Some(last) = last else { return };
            records.filter(last);
            records.filter(last);
            let left: Vec<_> = records.iter().map(|(index, _)| index).collect();
            for index in left {
                if records.get(index).is_some_and(|record| record.id == 2) {
                    records.reject(index, "two");
                }
            }
            for (_, record) in records.iter_mut() {
                record.payload.clear();
            }
        })
        .start()
        .unwrap();
    engine.pause();
    submit(&mut submitter, 0..6);
    engine.resume();
    let report = engine.stop();
    assert_eq!((report.stats.filtered, report.stats.rejected), (2, 1));
    let told: Vec<_> = receiver
        .map(|processed| match processed.outcome {
            Outcome::Delivered => {
                format!("{} {}", processed.record.id, processed.record.payload.len())
            }
            Outcome::Filtered => format!("{} filtered", processed.record.id),
            Outcome::Rejected(failure) => format!("{} {}", processed.record.id, failure.reason),
        })
        .collect();
    assert_eq!(
        told,
        ["0 0", "1 filtered", "2 two", "3 0", "4 0", "5 filtered"]
    );
}

#[test]
fn a_stage_over_batches_that_panics_rejects_what_it_was_shown() {
    for builder in engines() {
        let (engine, mut submitter, receiver) = builder
            .keep("even", is_even)
            .update_batch("whole", |_| panic!("no idea"))
            .start()
            .unwrap();
        submit(&mut submitter, 0..10);
        let stats = engine.stop().stats;
        assert_eq!((stats.filtered, stats.rejected, stats.delivered), (5, 5, 0));
        assert!(
            receiver
                .into_iter()
                .all(|processed| processed.record.id % 2 == 0)
        );
    }
}

#[test]
fn pausing_holds_records_back_and_stopping_overrules_it() {
    for builder in engines() {
        let worked = Arc::new(AtomicU64::new(0));
        let seen = worked.clone();
        let (engine, mut submitter, receiver) = builder
            .update("count", move |_| {
                seen.fetch_add(1, Ordering::Relaxed);
            })
            .start()
            .unwrap();
        engine.pause();
        assert!(engine.is_paused());
        submit(&mut submitter, 0..100);
        let stats = engine.stats();
        assert_eq!((stats.pending, stats.accepted), (100, 100));
        assert_eq!(worked.load(Ordering::Relaxed), 0);
        let report = engine.stop();
        assert_eq!(report.stats.delivered, 100);
        assert_eq!(ids(receiver).len(), 100);
    }
}

#[test]
fn stopping_waits_for_no_receiver() {
    for builder in engines() {
        let (engine, mut submitter, receiver) = builder.output_capacity(1).start().unwrap();
        submit(&mut submitter, 0..500);
        let report = engine.stop();
        assert_eq!(report.stats.delivered, 500);
        assert_eq!(report.stats.ready, 500);
        assert_eq!(ids(receiver), (0..500).collect::<Vec<_>>());
    }
}

/// Adds a stage that says when it is at record 0, and then waits to be released.
fn holding(builder: Builder) -> (Builder, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (entered, at_work) = mpsc::sync_channel(0);
    let (release, go_on) = mpsc::channel();
    let go_on = std::sync::Mutex::new(go_on);
    let builder = builder.update("slow", move |record| {
        if record.id == 0 {
            entered.send(()).expect("the test waits");
            let go_on = go_on.lock().expect("one at a time");
            go_on.recv().expect("the test sends");
        }
    });
    (builder, at_work, release)
}

#[test]
fn aborting_gives_everything_back() {
    let builder = Engine::embedded().workers(1).batch(1);
    let (builder, at_work, release) = holding(builder);
    let (engine, mut submitter, receiver) = builder.start().unwrap();
    submit(&mut submitter, 0..10);
    at_work.recv().unwrap();
    let closed = std::thread::spawn(move || engine.abort());
    // The way in is closed by the abort, while the worker is still at the first record.
    while !submitter
        .submit(record(&submitter, 10))
        .is_err_and(|error| error.is_closed())
    {
        // Accepted before the abort; or full.
        std::thread::yield_now();
    }
    release.send(()).unwrap();
    let report = closed.join().unwrap();
    assert!(report.stats.balances());
    assert_eq!(report.stats.delivered, 1);
    assert_eq!(report.stats.rejected, report.stats.accepted - 1);
    let mut count = 0;
    for processed in receiver {
        count += 1;
        match processed.record.id {
            0 => assert!(processed.is_delivered()),
            _ => assert_eq!(processed.failure().unwrap().kind, FailureKind::Aborted),
        }
    }
    assert_eq!(count, report.stats.accepted);
}

#[test]
fn without_receivers_results_are_unclaimed() {
    let (engine, mut submitter, receiver) = Engine::embedded().start().unwrap();
    drop(receiver);
    submit(&mut submitter, 0..100);
    drop(submitter);
    let stats = engine.join().stats;
    assert_eq!((stats.delivered, stats.unclaimed), (100, 100));
}

#[test]
fn dropping_the_engine_ends_it() {
    for builder in engines() {
        let (engine, mut submitter, receiver) = builder.start().unwrap();
        engine.pause();
        submit(&mut submitter, 0..100);
        drop(engine);
        assert!(submitter.submit_blocking(record(&submitter, 100)).is_err());
        assert_eq!(ids(receiver).len(), 100);
    }
}

#[test]
fn several_workers_keep_the_order_of_each_submitter_when_asked() {
    let (engine, submitter, receiver) = Engine::embedded()
        .workers(3)
        .ordered(true)
        .batch(8)
        .input_capacity(64)
        .output_capacity(16)
        .update("uneven", |record| {
            for _ in 0..record.id % 7 * 50 {
                std::hint::spin_loop();
            }
        })
        .start()
        .unwrap();
    let threads: Vec<_> = (0..2u64)
        .map(|thread| {
            let mut submitter = submitter.clone();
            std::thread::spawn(move || {
                for number in 0..2000u64 {
                    let priority = Priority::ALL[(number % 3) as usize];
                    let record = record(&submitter, thread * 2000 + number);
                    let record = record.with_priority(priority);
                    submitter.submit_blocking(record).unwrap();
                }
            })
        })
        .collect();
    drop(submitter);
    let mut last = [[None; 3]; 2];
    let mut count = 0;
    for processed in receiver {
        let Record { id, priority, .. } = processed.record;
        let last = &mut last[(id / 2000) as usize][priority as usize];
        assert!(last.is_none_or(|last| last < id), "{id} after {last:?}");
        *last = Some(id);
        count += 1;
    }
    assert_eq!(count, 4000);
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert_eq!(engine.join().stats.delivered, 4000);
}

#[test]
fn tasks_can_submit_and_receive() {
    for builder in engines() {
        let (engine, mut submitter, mut receiver) = builder
            .input_capacity(2)
            .output_capacity(2)
            .start()
            .unwrap();
        let sending = std::thread::spawn(move || {
            block_on(async {
                for id in 0..100 {
                    let record = record(&submitter, id);
                    submitter.submit_async(record).await.unwrap();
                }
                let mut records = (100..200).map(|id| record(&submitter, id)).collect();
                submitter.submit_batch_async(&mut records).await.unwrap();
            });
        });
        let received = block_on(async {
            let mut received = Vec::new();
            while received.len() < 100 {
                received.push(receiver.recv_async().await.unwrap());
            }
            while receiver.recv_batch_async(&mut received, 7).await.is_ok() {}
            received.len()
        });
        sending.join().unwrap();
        assert_eq!(received, 200);
        assert_eq!(engine.join().stats.delivered, 200);
    }
}

/// Polls on this thread, parked in between.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Thread(std::thread::Thread, AtomicBool);
    impl std::task::Wake for Thread {
        fn wake(self: Arc<Self>) {
            self.1.store(true, Ordering::Release);
            self.0.unpark();
        }
    }
    let thread = Arc::new(Thread(std::thread::current(), AtomicBool::new(false)));
    let waker = thread.clone().into();
    let mut future = std::pin::pin!(future);
    loop {
        let mut context = std::task::Context::from_waker(&waker);
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        while !thread.1.swap(false, Ordering::Acquire) {
            std::thread::park();
        }
    }
}

#[test]
fn payloads_stay_inside_the_memory_limit() {
    let (engine, mut submitter, mut receiver) = Engine::embedded()
        .workers(1)
        .input_capacity(64)
        .output_capacity(64)
        .batch(16)
        .memory_limit("1MB")
        .start()
        .unwrap();
    engine.pause();
    let mut held = Vec::new();
    let refused = loop {
        match submitter.lease(65536) {
            Ok(payload) => held.push(payload),
            Err(refused) => break refused,
        }
    };
    assert!(refused.to_string().contains("memory"), "{refused}");
    let count = held.len();
    assert!(count > 0 && count * 65536 <= 1_000_000);
    for (payload, id) in held.into_iter().zip(0..) {
        submitter.submit(Record::new(id, 0, payload)).unwrap();
    }
    engine.resume();
    // A payload that comes back can be leased again.
    drop(receiver.recv().unwrap());
    submitter.lease(65536).unwrap();
    assert!(engine.stop().stats.balances());

    let refused = Engine::embedded().memory_limit("10KB").start().unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("memory_limit: no room for rings"),
        "{refused}"
    );
}

#[test]
fn what_makes_no_sense_is_told_at_the_start() {
    let told = |builder: Builder| {
        let error = builder.start().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Plan);
        error.to_string()
    };
    assert_eq!(
        told(Engine::embedded().workers(1025)),
        "workers: expected a number from 0 to 1024, found 1025"
    );
    assert_eq!(
        told(Engine::embedded().keep("one", is_even).keep("one", is_even)),
        "stage name \"one\": expected a name of its own for each stage"
    );
    assert!(told(Engine::embedded().input_capacity(0)).starts_with("input_capacity"));
    assert!(told(Engine::embedded().output_capacity(0)).starts_with("output_capacity"));
    assert!(told(Engine::embedded().batch(0)).starts_with("batch"));
    assert!(told(Engine::embedded().memory_limit("much")).starts_with("memory_limit"));
}

#[test]
fn figures_are_registered() {
    let registry = Registry::new();
    let (engine, mut submitter, receiver) = Engine::embedded()
        .registry(registry.clone())
        .keep("even", is_even)
        .start()
        .unwrap();
    submit(&mut submitter, 0..10);
    let stats = engine.stop().stats;
    assert!(stats.latency.unwrap().p50_ns > 0);
    let snapshot = registry.snapshot();
    let value = |name: &str, labels: &[(&str, &str)]| match snapshot.value(name, labels) {
        Some(Value::Counter(count)) => *count,
        other => panic!("{name} {labels:?}: {other:?}"),
    };
    let records = "pelton_embedded_records_total";
    assert_eq!(value(records, &[("fate", "taken")]), 10);
    assert_eq!(value(records, &[("fate", "filtered")]), 5);
    let stage = "pelton_embedded_stage_records_total";
    assert_eq!(value(stage, &[("stage", "even"), ("fate", "entered")]), 10);
    drop(receiver);

    let (engine, mut submitter, _receiver) = Engine::embedded().metrics(false).start().unwrap();
    submit(&mut submitter, 0..10);
    let stats = engine.stop().stats;
    assert_eq!((stats.latency, stats.delivered), (None, 10));
}

/// Records the threads that a stage runs on.
fn noting(builder: Builder) -> (Builder, mpsc::Receiver<std::thread::ThreadId>) {
    let (sender, threads) = mpsc::channel();
    let builder = builder.update("note", move |_| {
        let _ = sender.send(std::thread::current().id());
    });
    (builder, threads)
}

#[test]
fn without_threads_whoever_receives_works() {
    let (builder, threads) = noting(Engine::embedded().workers(0));
    let (engine, mut submitter, mut receiver) = builder.keep("even", is_even).start().unwrap();
    assert!(matches!(receiver.try_recv(), Err(PopError::Empty)));
    submit(&mut submitter, 0..10);
    assert!(threads.try_recv().is_err(), "nobody has received yet");
    for id in [0, 2, 4, 6, 8] {
        assert_eq!(receiver.try_recv().unwrap().record.id, id);
    }
    assert!(matches!(receiver.try_recv(), Err(PopError::Empty)));
    submit(&mut submitter, [11, 13]);
    let none = receiver.recv_timeout(std::time::Duration::from_millis(1));
    assert!(matches!(none, Err(PopError::Empty)));
    submit(&mut submitter, [14, 16]);
    drop(submitter);
    let mut received = Vec::new();
    assert_eq!(receiver.recv_batch(&mut received, 8).unwrap(), 2);
    assert!(receiver.recv_batch(&mut received, 8).is_err());
    assert_eq!(engine.join().stats.filtered, 7);
    let here = std::thread::current().id();
    // The iterator ends because the stage, which sends, has gone with the engine.
    assert_eq!(threads.iter().collect::<Vec<_>>(), [here; 14]);
    assert!(matches!(receiver.try_recv(), Err(PopError::Closed)));
}

#[test]
fn without_threads_whoever_ends_the_engine_works() {
    let (builder, threads) = noting(Engine::embedded().workers(0).output_capacity(1));
    let (engine, mut submitter, receiver) = builder.start().unwrap();
    submit(&mut submitter, 0..10);
    assert_eq!(engine.stop().stats.ready, 10);
    let here = std::thread::current().id();
    assert_eq!(threads.iter().collect::<Vec<_>>(), [here; 10]);
    assert_eq!(ids(receiver), (0..10).collect::<Vec<_>>());
}

#[test]
fn without_threads_nothing_is_worked_on_that_has_no_room() {
    let worked = Arc::new(AtomicU64::new(0));
    let seen = worked.clone();
    let (engine, mut submitter, mut receiver) = Engine::embedded()
        .workers(0)
        .output_capacity(3)
        .update("count", move |_| {
            seen.fetch_add(1, Ordering::Relaxed);
        })
        .start()
        .unwrap();
    submit(&mut submitter, 0..10);
    assert_eq!(receiver.recv().unwrap().record.id, 0);
    assert_eq!(worked.load(Ordering::Relaxed), 3);
    assert_eq!(engine.stats().ready, 2);
    assert_eq!(engine.stop().stats.delivered, 10);
}

#[test]
fn without_threads_and_receivers_nothing_more_is_let_in() {
    let (engine, mut submitter, receiver) = Engine::embedded().workers(0).start().unwrap();
    let other = receiver.clone();
    drop(receiver);
    submit(&mut submitter, 0..5);
    drop(other);
    assert!(submitter.submit_blocking(record(&submitter, 5)).is_err());
    let stats = engine.join().stats;
    assert_eq!((stats.delivered, stats.unclaimed), (5, 5));
}

/// All wait for each other: those who submit for room, which only filtered records make, those who
/// receive for the one record that is kept, and the engine for all of them.
#[test]
fn without_threads_those_who_wait_wake_each_other() {
    const EACH: u64 = 5_000;
    let (engine, submitter, receiver) = Engine::embedded()
        .workers(0)
        .input_capacity(2)
        .output_capacity(2)
        .keep("some", |record| record.id % 97 == 96)
        .start()
        .unwrap();
    let submitting: Vec<_> = (0..2)
        .map(|thread| {
            let mut submitter = submitter.clone();
            std::thread::spawn(move || submit(&mut submitter, thread * EACH..(thread + 1) * EACH))
        })
        .collect();
    let receiving: Vec<_> = (0..2)
        .map(|_| {
            let receiver = receiver.clone();
            std::thread::spawn(move || ids(receiver))
        })
        .collect();
    drop((submitter, receiver));
    let stats = engine.join().stats;
    let received = receiving.into_iter().map(|thread| thread.join().unwrap());
    let mut received: Vec<_> = received.flatten().collect();
    received.sort_unstable();
    let kept: Vec<_> = (0..2 * EACH).filter(|id| id % 97 == 96).collect();
    assert_eq!(received, kept);
    assert_eq!(stats.accepted, 2 * EACH);
    submitting
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
}

#[test]
fn without_threads_a_pause_holds_back_those_who_wait() {
    let (builder, threads) = noting(Engine::embedded().workers(0));
    let (engine, mut submitter, mut receiver) = builder.start().unwrap();
    engine.pause();
    submit(&mut submitter, 0..2);
    assert!(matches!(receiver.try_recv(), Err(PopError::Empty)));
    let waiting = std::thread::spawn(move || receiver.recv().unwrap().record.id);
    engine.resume();
    assert_eq!(waiting.join().unwrap(), 0);
    assert_ne!(threads.recv().unwrap(), std::thread::current().id());
}

/// Of two records that one receiver works on, the other gets one, even if it came while they were
/// at work and found nothing else to do.
#[test]
fn without_threads_whoever_waited_for_a_batch_sees_it() {
    for _ in 0..50 {
        let (builder, at_work, release) = holding(Engine::embedded().workers(0));
        let (_engine, mut submitter, mut receiver) = builder.start().unwrap();
        submit(&mut submitter, 0..2);
        let mut other = receiver.clone();
        let working = std::thread::spawn(move || receiver.recv().unwrap());
        at_work.recv().unwrap();
        let about_to = Arc::new(AtomicBool::new(false));
        let soon = about_to.clone();
        let late = std::thread::spawn(move || {
            soon.store(true, Ordering::Relaxed);
            other.try_recv().map(|processed| processed.record.id)
        });
        // It cannot be seen to wait, only given the time to.
        while !about_to.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        std::thread::yield_now();
        release.send(()).unwrap();
        let ids = [
            working.join().unwrap().record.id,
            late.join().unwrap().unwrap(),
        ];
        assert!(ids == [0, 1] || ids == [1, 0], "{ids:?}");
    }
}
