//! Rings of every maker behind one small door, so that all run the same loops.

#[cfg(feature = "peers")]
mod peers;

use pelton_queue::{Closed, PushError, mpmc, spsc, unbounded};
use pelton_sync::Backoff;

#[cfg(feature = "peers")]
pub(super) use peers::*;

/// Values a batch.
pub(super) const BATCH: usize = 64;

/// What goes through a ring: a number, padded to some size.
pub(super) trait Payload: Copy + Send + 'static {
    fn wrap(value: u64) -> Self;
    fn value(self) -> u64;
}

impl Payload for u64 {
    fn wrap(value: u64) -> Self {
        value
    }

    fn value(self) -> u64 {
        self
    }
}

/// A cache line.
impl Payload for [u64; 8] {
    fn wrap(value: u64) -> Self {
        [value; 8]
    }

    fn value(self) -> u64 {
        self[7]
    }
}

/// A bounded queue. `push` and `pop` never wait.
pub(super) trait Ring<T>: 'static {
    type Producer: Send;
    type Consumer: Send;

    fn pair(capacity: usize) -> (Self::Producer, Self::Consumer);
    /// Gives the value back when there is no room.
    fn push(producer: &mut Self::Producer, value: T) -> Result<(), T>;
    fn pop(consumer: &mut Self::Consumer) -> Option<T>;
}

/// A ring whose producer can be cloned.
pub(super) trait Shared<T>: Ring<T, Producer: Clone> {}

/// A ring that moves many values at once.
pub(super) trait Batched<T>: Ring<T> {
    /// Pushes as many of `values` as there is room for; returns how many.
    fn push_batch(producer: &mut Self::Producer, values: &[T]) -> usize;
    /// Hands at most `max` values to `each`; returns how many.
    fn pop_batch(consumer: &mut Self::Consumer, max: usize, each: impl FnMut(T)) -> usize;
}

/// Pushes, waiting for room in the same way for everybody.
#[inline]
pub(super) fn push<T, R: Ring<T>>(producer: &mut R::Producer, mut value: T) {
    let mut backoff = Backoff::new();
    while let Err(refused) = R::push(producer, value) {
        value = refused;
        backoff.snooze();
    }
}

/// Pops, waiting for a value in the same way for everybody.
#[inline]
pub(super) fn pop<T, R: Ring<T>>(consumer: &mut R::Consumer) -> T {
    let mut backoff = Backoff::new();
    loop {
        if let Some(value) = R::pop(consumer) {
            return value;
        }
        backoff.snooze();
    }
}

/// Pushes `from..to` in batches, waiting for room in the same way for everybody.
pub(super) fn push_batches<T: Payload, R: Batched<T>>(
    producer: &mut R::Producer,
    from: u64,
    to: u64,
) {
    let mut batch = [T::wrap(0); BATCH];
    for next in (from..to).step_by(BATCH) {
        let end = to.min(next + BATCH as u64);
        for (slot, value) in batch.iter_mut().zip(next..end) {
            *slot = T::wrap(value);
        }
        push_batch::<T, R>(producer, &batch[..(end - next) as usize]);
    }
}

fn push_batch<T: Payload, R: Batched<T>>(producer: &mut R::Producer, mut values: &[T]) {
    let mut backoff = Backoff::new();
    while !values.is_empty() {
        let pushed = R::push_batch(producer, values);
        values = &values[pushed..];
        if pushed == 0 {
            backoff.snooze();
        }
    }
}

/// Pops `items` in batches and sums them up.
pub(super) fn sum_batches<T: Payload, R: Batched<T>>(
    consumer: &mut R::Consumer,
    items: u64,
) -> u64 {
    let (mut sum, mut seen) = (0, 0);
    let mut backoff = Backoff::new();
    while seen < items {
        let popped = R::pop_batch(consumer, BATCH, |value| sum += value.value());
        seen += popped as u64;
        if popped == 0 {
            backoff.snooze();
        } else {
            backoff.reset();
        }
    }
    sum
}

/// Our ring for one producer and one consumer.
pub(super) struct Spsc;

impl<T: Send + 'static> Ring<T> for Spsc {
    type Producer = spsc::Producer<T>;
    type Consumer = spsc::Consumer<T>;

    fn pair(capacity: usize) -> (Self::Producer, Self::Consumer) {
        spsc::channel(capacity)
    }

    #[inline]
    fn push(producer: &mut Self::Producer, value: T) -> Result<(), T> {
        producer.push(value).map_err(PushError::into_inner)
    }

    #[inline]
    fn pop(consumer: &mut Self::Consumer) -> Option<T> {
        consumer.pop().ok()
    }
}

impl<T: Copy + Send + 'static> Batched<T> for Spsc {
    #[inline]
    fn push_batch(producer: &mut Self::Producer, values: &[T]) -> usize {
        producer.push_slice(values).unwrap_or(0)
    }

    #[inline]
    fn pop_batch(consumer: &mut Self::Consumer, max: usize, each: impl FnMut(T)) -> usize {
        let Ok(chunk) = consumer.read_chunk(max) else {
            return 0;
        };
        let count = chunk.len();
        chunk.into_iter().for_each(each);
        count
    }
}

/// Our ring for many producers and many consumers.
pub(super) struct Mpmc;

impl<T: Send + 'static> Ring<T> for Mpmc {
    type Producer = mpmc::Sender<T>;
    /// With the place for a batch.
    type Consumer = (mpmc::Receiver<T>, Vec<T>);

    fn pair(capacity: usize) -> (Self::Producer, Self::Consumer) {
        let (sender, receiver) = mpmc::channel(capacity);
        (sender, (receiver, Vec::new()))
    }

    #[inline]
    fn push(producer: &mut Self::Producer, value: T) -> Result<(), T> {
        producer.push(value).map_err(PushError::into_inner)
    }

    #[inline]
    fn pop(consumer: &mut Self::Consumer) -> Option<T> {
        consumer.0.pop().ok()
    }
}

impl<T: Send + 'static> Shared<T> for Mpmc {}

impl<T: Copy + Send + 'static> Batched<T> for Mpmc {
    #[inline]
    fn push_batch(producer: &mut Self::Producer, values: &[T]) -> usize {
        producer.push_slice(values).unwrap_or(0)
    }

    #[inline]
    fn pop_batch(consumer: &mut Self::Consumer, max: usize, each: impl FnMut(T)) -> usize {
        let (receiver, values) = consumer;
        let count = receiver.pop_into(values, max).unwrap_or(0);
        values.drain(..).for_each(each);
        count
    }
}

/// Our queue without a bound.
pub(super) struct Unbounded;

impl<T: Send + 'static> Ring<T> for Unbounded {
    type Producer = unbounded::Sender<T>;
    /// With the place for a batch.
    type Consumer = (unbounded::Receiver<T>, Vec<T>);

    fn pair(_: usize) -> (Self::Producer, Self::Consumer) {
        let (sender, receiver) = unbounded::channel();
        (sender, (receiver, Vec::new()))
    }

    #[inline]
    fn push(producer: &mut Self::Producer, value: T) -> Result<(), T> {
        producer.push(value).map_err(|Closed(value)| value)
    }

    #[inline]
    fn pop(consumer: &mut Self::Consumer) -> Option<T> {
        consumer.0.pop().ok()
    }
}

impl<T: Send + 'static> Shared<T> for Unbounded {}

impl<T: Copy + Send + 'static> Batched<T> for Unbounded {
    #[inline]
    fn push_batch(producer: &mut Self::Producer, values: &[T]) -> usize {
        producer.push_slice(values).map_or(0, |()| values.len())
    }

    #[inline]
    fn pop_batch(consumer: &mut Self::Consumer, max: usize, each: impl FnMut(T)) -> usize {
        let (receiver, values) = consumer;
        let count = receiver.pop_into(values, max).unwrap_or(0);
        values.drain(..).for_each(each);
        count
    }
}

/// crossbeam's queue without a bound.
pub(super) struct SegQueue;

impl<T: Send + 'static> Ring<T> for SegQueue {
    type Producer = std::sync::Arc<crossbeam_queue::SegQueue<T>>;
    type Consumer = Self::Producer;

    fn pair(_: usize) -> (Self::Producer, Self::Consumer) {
        let queue = std::sync::Arc::new(crossbeam_queue::SegQueue::new());
        (queue.clone(), queue)
    }

    #[inline]
    fn push(producer: &mut Self::Producer, value: T) -> Result<(), T> {
        producer.push(value);
        Ok(())
    }

    #[inline]
    fn pop(consumer: &mut Self::Consumer) -> Option<T> {
        consumer.as_ref().pop()
    }
}

impl<T: Send + 'static> Shared<T> for SegQueue {}

pub(super) struct Rtrb;

impl<T: Send + 'static> Ring<T> for Rtrb {
    type Producer = rtrb::Producer<T>;
    type Consumer = rtrb::Consumer<T>;

    fn pair(capacity: usize) -> (Self::Producer, Self::Consumer) {
        rtrb::RingBuffer::new(capacity)
    }

    #[inline]
    fn push(producer: &mut Self::Producer, value: T) -> Result<(), T> {
        producer
            .push(value)
            .map_err(|rtrb::PushError::Full(value)| value)
    }

    #[inline]
    fn pop(consumer: &mut Self::Consumer) -> Option<T> {
        consumer.pop().ok()
    }
}

impl<T: Copy + Send + 'static> Batched<T> for Rtrb {
    #[inline]
    fn push_batch(producer: &mut Self::Producer, values: &[T]) -> usize {
        producer.push_partial_slice(values).0.len()
    }

    #[inline]
    fn pop_batch(consumer: &mut Self::Consumer, max: usize, each: impl FnMut(T)) -> usize {
        let count = consumer.slots().min(max);
        let chunk = consumer.read_chunk(count);
        let chunk = chunk.expect("so many slots were just seen");
        chunk.into_iter().for_each(each);
        count
    }
}

pub(super) struct ArrayQueue;

impl<T: Send + 'static> Ring<T> for ArrayQueue {
    type Producer = std::sync::Arc<crossbeam_queue::ArrayQueue<T>>;
    type Consumer = Self::Producer;

    fn pair(capacity: usize) -> (Self::Producer, Self::Consumer) {
        let queue = std::sync::Arc::new(crossbeam_queue::ArrayQueue::new(capacity));
        (queue.clone(), queue)
    }

    #[inline]
    fn push(producer: &mut Self::Producer, value: T) -> Result<(), T> {
        producer.push(value)
    }

    #[inline]
    fn pop(consumer: &mut Self::Consumer) -> Option<T> {
        consumer.as_ref().pop()
    }
}

impl<T: Send + 'static> Shared<T> for ArrayQueue {}
