//! Our engine.

use std::collections::VecDeque;
use std::thread;
use std::time::Instant;

use pelton::embed::{Receiver, Submitter};
use pelton::{Embedded, Engine, Record};

use super::{BATCH, CAPACITY, is_kept, is_long_enough, mark, payload, verify};
use crate::benchmark::Sample;

fn start(workers: usize) -> (Embedded, Submitter, Receiver) {
    let engine = Engine::embedded()
        .workers(workers)
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

pub(super) fn one_by_one(items: u64, workers: usize) -> Sample {
    let (engine, mut submitter, receiver) = start(workers);
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

pub(super) fn batches(items: u64, workers: usize) -> Sample {
    let (engine, mut submitter, mut receiver) = start(workers);
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

pub(super) fn paced(items: u64, workers: usize, percentile: f64) -> Sample {
    let (engine, mut submitter, mut receiver) = start(workers);
    let submit = |id| {
        let record = record(&submitter, id, 0);
        submitter.submit(record).is_ok()
    };
    let receive = || {
        receiver
            .try_recv()
            .ok()
            .map(|processed| processed.record.id)
    };
    let sample = super::paced(items, percentile, submit, receive);
    drop(submitter);
    drop(engine.join());
    sample
}
