//! Threads and channels, as one would write them by hand.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use super::{BATCH, CAPACITY, is_kept, is_long_enough, mark, payload, verify};
use crate::benchmark::Sample;

/// A record as one would write it by hand.
struct Record {
    id: u64,
    payload: Vec<u8>,
}

fn record(id: u64) -> Record {
    let payload = payload(id).to_vec();
    Record { id, payload }
}

/// The four stages; none when one of them left the record out.
fn work(mut record: Record) -> Option<Record> {
    let long_enough = is_long_enough(&record.payload);
    mark(&mut record.payload, record.id);
    let passes = long_enough && verify(&record.payload, record.id).is_ok() && is_kept(record.id);
    passes.then_some(record)
}

/// A kind of bounded channel.
pub(super) trait Channel {
    type Sender<T: Send + 'static>: Send + 'static;
    type Receiver<T: Send + 'static>: Send + 'static;

    fn pair<T: Send + 'static>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>);
    fn send<T: Send + 'static>(sender: &Self::Sender<T>, value: T);
    fn recv<T: Send + 'static>(receiver: &Self::Receiver<T>) -> Option<T>;
    /// False where there is no room.
    fn try_send<T: Send + 'static>(sender: &Self::Sender<T>, value: T) -> bool;
    fn try_recv<T: Send + 'static>(receiver: &Self::Receiver<T>) -> Option<T>;
}

/// `std::sync::mpsc`.
pub(super) struct Std;

impl Channel for Std {
    type Sender<T: Send + 'static> = mpsc::SyncSender<T>;
    type Receiver<T: Send + 'static> = mpsc::Receiver<T>;

    fn pair<T: Send + 'static>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        mpsc::sync_channel(capacity)
    }

    fn send<T: Send + 'static>(sender: &Self::Sender<T>, value: T) {
        assert!(sender.send(value).is_ok(), "the receiver is there");
    }

    fn recv<T: Send + 'static>(receiver: &Self::Receiver<T>) -> Option<T> {
        receiver.recv().ok()
    }

    fn try_send<T: Send + 'static>(sender: &Self::Sender<T>, value: T) -> bool {
        sender.try_send(value).is_ok()
    }

    fn try_recv<T: Send + 'static>(receiver: &Self::Receiver<T>) -> Option<T> {
        receiver.try_recv().ok()
    }
}

/// `crossbeam_channel`.
pub(super) struct Crossbeam;

impl Channel for Crossbeam {
    type Sender<T: Send + 'static> = crossbeam_channel::Sender<T>;
    type Receiver<T: Send + 'static> = crossbeam_channel::Receiver<T>;

    fn pair<T: Send + 'static>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        crossbeam_channel::bounded(capacity)
    }

    fn send<T: Send + 'static>(sender: &Self::Sender<T>, value: T) {
        assert!(sender.send(value).is_ok(), "the receiver is there");
    }

    fn recv<T: Send + 'static>(receiver: &Self::Receiver<T>) -> Option<T> {
        receiver.recv().ok()
    }

    fn try_send<T: Send + 'static>(sender: &Self::Sender<T>, value: T) -> bool {
        sender.try_send(value).is_ok()
    }

    fn try_recv<T: Send + 'static>(receiver: &Self::Receiver<T>) -> Option<T> {
        receiver.try_recv().ok()
    }
}

/// A worker between two channels.
fn start<C: Channel, T: Send + 'static>(
    capacity: usize,
    work: impl Fn(T) -> Option<T> + Send + 'static,
) -> (C::Sender<T>, C::Receiver<T>) {
    let (submitter, input) = C::pair(capacity);
    let (output, receiver) = C::pair(capacity);
    thread::spawn(move || {
        while let Some(value) = C::recv(&input) {
            if let Some(value) = work(value) {
                C::send(&output, value);
            }
        }
    });
    (submitter, receiver)
}

pub(super) fn one_by_one<C: Channel + 'static>(items: u64) -> Sample {
    let (submitter, receiver) = start::<C, Record>(CAPACITY, work);
    let began = Instant::now();
    let submitting = thread::spawn(move || {
        for id in 0..items {
            C::send(&submitter, record(id));
        }
    });
    let count = std::iter::from_fn(|| C::recv(&receiver)).count();
    let elapsed = began.elapsed();
    submitting.join().expect("no panic");
    Sample::new(elapsed, count as u64)
}

pub(super) fn batches<C: Channel + 'static>(items: u64) -> Sample {
    let work = |records: Vec<Record>| Some(records.into_iter().filter_map(work).collect());
    let (submitter, receiver) = start::<C, Vec<Record>>(CAPACITY / BATCH, work);
    let began = Instant::now();
    let submitting = thread::spawn(move || {
        for first in (0..items).step_by(BATCH) {
            let ids = first..items.min(first + BATCH as u64);
            C::send(&submitter, ids.map(record).collect());
        }
    });
    let count = std::iter::from_fn(|| C::recv(&receiver)).map(|batch| batch.len());
    let count: usize = count.sum();
    let elapsed = began.elapsed();
    submitting.join().expect("no panic");
    Sample::new(elapsed, count as u64)
}

/// The same where the loop does the work itself: what it is late is what the machine keeps it from
/// its core.
pub(super) fn bare(items: u64, percentile: f64) -> Sample {
    let done = RefCell::new(VecDeque::with_capacity(CAPACITY));
    let submit = |id| {
        done.borrow_mut().extend(work(record(id)));
        true
    };
    let receive = || done.borrow_mut().pop_front().map(|record| record.id);
    super::paced(items, percentile, submit, receive)
}

pub(super) fn paced<C: Channel + 'static>(items: u64, percentile: f64) -> Sample {
    let (submitter, receiver) = start::<C, Record>(CAPACITY, work);
    let submit = |id| C::try_send(&submitter, record(id));
    let receive = || C::try_recv(&receiver).map(|record| record.id);
    super::paced(items, percentile, submit, receive)
}
