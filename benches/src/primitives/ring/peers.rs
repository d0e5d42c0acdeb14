//! The rings that a smoke run leaves out.

use std::num::NonZeroUsize;

use ringbuf::traits::{Consumer as _, Producer as _, Split as _};

use super::{Batched, Ring, Shared};

pub(in crate::primitives) struct Ringbuf;

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

pub(in crate::primitives) struct Gil;

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

pub(in crate::primitives) struct Omango;

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

pub(in crate::primitives) struct CrossbeamChannel;

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

pub(in crate::primitives) struct Flume;

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

pub(in crate::primitives) struct Kanal;

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
