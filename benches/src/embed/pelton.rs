//! Our engine.

use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

use pelton::embed::{Receiver, Submitter};
use pelton::{Embedded, Engine, Record};
use pelton_metrics::Histogram;
use pelton_sync::Backoff;

use super::{BATCH, CAPACITY, as_elapsed, due, is_kept, is_long_enough, mark, payload, verify};
use crate::benchmark::Sample;

fn start() -> (Embedded, Submitter, Receiver) {
    let engine = Engine::embedded()
        .workers(1)
        .input_capacity(CAPACITY)
        .output_capacity(CAPACITY)
        .keep("length", |record| is_long_enough(&record.payload))
        .update("mark", |record| mark(&mut record.payload, record.id))
        .try_update("verify", |record| verify(&record.payload, record.id))
        .keep("kept", |record| is_kept(record.id));
    engine.start().expect("it makes sense")
}

fn record(submitter: &Submitter, id: u64, timestamp_ns: i64) -> Record {
    let record = submitter.record(id, timestamp_ns, payload(id));
    record.expect("no memory limit")
}

pub(super) fn one_by_one(items: u64) -> Sample {
    let (engine, mut submitter, receiver) = start();
    let began = Instant::now();
    let submitting = thread::spawn(move || {
        for id in 0..items {
            let record = record(&submitter, id, 0);
            submitter.submit_blocking(record).expect("not stopped");
        }
    });
    let count = receiver
        .filter(|processed| processed.is_delivered())
        .count();
    let elapsed = began.elapsed();
    submitting.join().expect("no panic");
    drop(engine.join());
    Sample::new(elapsed, count as u64)
}

pub(super) fn batches(items: u64) -> Sample {
    let (engine, mut submitter, mut receiver) = start();
    let began = Instant::now();
    let submitting = thread::spawn(move || {
        let mut records = VecDeque::with_capacity(BATCH);
        for first in (0..items).step_by(BATCH) {
            let ids = first..items.min(first + BATCH as u64);
            records.extend(ids.map(|id| record(&submitter, id, 0)));
            submitter
                .submit_batch_blocking(&mut records)
                .expect("not stopped");
        }
    });
    let mut count = 0;
    let mut received = Vec::with_capacity(BATCH);
    while receiver.recv_batch(&mut received, BATCH).is_ok() {
        count += received
            .iter()
            .filter(|processed| processed.is_delivered())
            .count();
        received.clear();
    }
    let elapsed = began.elapsed();
    submitting.join().expect("no panic");
    drop(engine.join());
    Sample::new(elapsed, count as u64)
}

pub(super) fn latency(items: u64) -> Sample {
    let (engine, mut submitter, receiver) = start();
    let began = Instant::now();
    let submitting = thread::spawn(move || {
        for id in 0..items {
            wait_until(began, due(id));
            let record = record(&submitter, id, 0);
            submitter.submit_blocking(record).expect("not stopped");
        }
    });
    let latency = Histogram::new();
    let mut mine = latency.local();
    let mut count = 0;
    for processed in receiver {
        mine.record(late(began, processed.record.id));
        count += 1;
    }
    submitting.join().expect("no panic");
    drop(engine.join());
    let p99_ns = latency.snapshot().percentile(99.0).unwrap_or(0);
    Sample::new(as_elapsed(p99_ns, items), count)
}

/// Gives the processor away while there is time.
pub(super) fn wait_until(began: Instant, due: Duration) {
    let mut backoff = Backoff::new();
    while began.elapsed() < due {
        backoff.snooze();
    }
}

/// Nanoseconds since record `id` was due.
pub(super) fn late(began: Instant, id: u64) -> u64 {
    let late = began.elapsed().saturating_sub(due(id));
    u64::try_from(late.as_nanos()).unwrap_or(u64::MAX)
}
