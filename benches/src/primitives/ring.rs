//! Rings of every maker behind one small door, so that all run the same loops.

use pelton_sync::Backoff;

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

#[cfg(feature = "peers")]
pub(super) use peers::*;

/// The rings that a smoke run leaves out.
#[cfg(feature = "peers")]
mod peers {
    use std::num::NonZeroUsize;

    use ringbuf::traits::{Consumer as _, Producer as _, Split as _};

    use super::{Batched, Ring, Shared};

    pub(in super::super) struct Ringbuf;

    impl<T: Send + 'static> Ring<T> for Ringbuf {
        type Producer = ringbuf::HeapProd<T>;
        type Consumer = ringbuf::HeapCons<T>;

        fn pair(capacity: usize) -> (Self::Producer, Self::Consumer) {
            ringbuf::HeapRb::new(capacity).split()
        }

        #[inline]
        fn push(producer: &mut Self::Producer, value: T) -> Result<(), T> {
            producer.try_push(value)
        }

        #[inline]
        fn pop(consumer: &mut Self::Consumer) -> Option<T> {
            consumer.try_pop()
        }
    }

    impl<T: Copy + Send + 'static> Batched<T> for Ringbuf {
        #[inline]
        fn push_batch(producer: &mut Self::Producer, values: &[T]) -> usize {
            producer.push_slice(values)
        }

        #[inline]
        fn pop_batch(consumer: &mut Self::Consumer, max: usize, mut each: impl FnMut(T)) -> usize {
            let mut count = 0;
            for value in consumer.pop_iter().take(max) {
                each(value);
                count += 1;
            }
            count
        }
    }

    pub(in super::super) struct Gil;

    impl<T: Send + 'static> Ring<T> for Gil {
        type Producer = gil::spsc::Sender<T>;
        type Consumer = gil::spsc::Receiver<T>;

        fn pair(capacity: usize) -> (Self::Producer, Self::Consumer) {
            gil::spsc::channel(NonZeroUsize::new(capacity).expect("capacities are from 1"))
        }

        #[inline]
        fn push(producer: &mut Self::Producer, value: T) -> Result<(), T> {
            producer.try_send(value)
        }

        #[inline]
        fn pop(consumer: &mut Self::Consumer) -> Option<T> {
            consumer.try_recv()
        }
    }

    pub(in super::super) struct Omango;

    impl<T: Send + 'static> Ring<T> for Omango {
        type Producer = omango::queue::spsc::BSender<T>;
        type Consumer = omango::queue::spsc::BReceiver<T>;

        fn pair(capacity: usize) -> (Self::Producer, Self::Consumer) {
            omango::queue::spsc::bounded(u32::try_from(capacity).expect("capacities are small"))
        }

        #[inline]
        fn push(producer: &mut Self::Producer, value: T) -> Result<(), T> {
            producer
                .try_send(value)
                .map_err(omango::error::TrySendError::into_inner)
        }

        #[inline]
        fn pop(consumer: &mut Self::Consumer) -> Option<T> {
            consumer.try_recv().ok()
        }
    }

    pub(in super::super) struct CrossbeamChannel;

    impl<T: Send + 'static> Ring<T> for CrossbeamChannel {
        type Producer = crossbeam_channel::Sender<T>;
        type Consumer = crossbeam_channel::Receiver<T>;

        fn pair(capacity: usize) -> (Self::Producer, Self::Consumer) {
            crossbeam_channel::bounded(capacity)
        }

        #[inline]
        fn push(producer: &mut Self::Producer, value: T) -> Result<(), T> {
            producer
                .try_send(value)
                .map_err(crossbeam_channel::TrySendError::into_inner)
        }

        #[inline]
        fn pop(consumer: &mut Self::Consumer) -> Option<T> {
            consumer.try_recv().ok()
        }
    }

    impl<T: Send + 'static> Shared<T> for CrossbeamChannel {}

    pub(in super::super) struct Flume;

    impl<T: Send + 'static> Ring<T> for Flume {
        type Producer = flume::Sender<T>;
        type Consumer = flume::Receiver<T>;

        fn pair(capacity: usize) -> (Self::Producer, Self::Consumer) {
            flume::bounded(capacity)
        }

        #[inline]
        fn push(producer: &mut Self::Producer, value: T) -> Result<(), T> {
            producer
                .try_send(value)
                .map_err(flume::TrySendError::into_inner)
        }

        #[inline]
        fn pop(consumer: &mut Self::Consumer) -> Option<T> {
            consumer.try_recv().ok()
        }
    }

    impl<T: Send + 'static> Shared<T> for Flume {}

    pub(in super::super) struct Kanal;

    impl<T: Send + 'static> Ring<T> for Kanal {
        type Producer = kanal::Sender<T>;
        type Consumer = kanal::Receiver<T>;

        fn pair(capacity: usize) -> (Self::Producer, Self::Consumer) {
            kanal::bounded(capacity)
        }

        #[inline]
        fn push(producer: &mut Self::Producer, value: T) -> Result<(), T> {
            let mut value = Some(value);
            // A closed channel keeps the value too, and nobody closes one here.
            let _ = producer.try_send_option(&mut value);
            value.map_or(Ok(()), Err)
        }

        #[inline]
        fn pop(consumer: &mut Self::Consumer) -> Option<T> {
            consumer.try_recv().ok().flatten()
        }
    }

    impl<T: Send + 'static> Shared<T> for Kanal {}
}
