//! The end that receives.

use std::task::Poll;
use std::time::Duration;

use pelton_queue::wait::Waiting;
use pelton_queue::{Closed, PopError};

use super::outbox::Outbox;
use super::record::Processed;

/// The end that receives; clone it for more, one for each thread: each record goes to one of them.
///
/// When the last one is dropped, the engine goes on, and what comes out is dropped and counted as
/// [unclaimed](super::Stats::unclaimed).
#[derive(Clone, Debug)]
pub struct Receiver {
    outbox: Waiting<Outbox>,
}

impl Receiver {
    pub(super) const fn new(outbox: Waiting<Outbox>) -> Self {
        Self { outbox }
    }

    /// Receives a record, waiting for one.
    ///
    /// # Errors
    ///
    /// [`Closed`] when the engine has ended and all has been received.
    #[inline]
    pub fn recv(&mut self) -> Result<Processed, Closed> {
        self.outbox.pop()
    }

    /// Receives a record if there is one now.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] when there is none, or [`PopError::Closed`] as for
    /// [`recv`](Self::recv).
    #[inline]
    pub fn try_recv(&mut self) -> Result<Processed, PopError> {
        self.outbox.try_pop()
    }

    /// Receives a record, waiting for one at most `timeout`.
    ///
    /// # Errors
    ///
    /// As for [`try_recv`](Self::try_recv).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Processed, PopError> {
        self.outbox.pop_timeout(timeout)
    }

    /// Moves up to `max` records to the end of `records`, waiting for the first, and says how
    /// many. Allocates only if `records` lacks the capacity.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn recv_batch(
        &mut self,
        records: &mut Vec<Processed>,
        max: usize,
    ) -> Result<usize, Closed> {
        self.outbox
            .wait_glancing(|outbox| poll_many(outbox, records, max))
    }

    /// As [`recv_batch`](Self::recv_batch), without waiting.
    ///
    /// # Errors
    ///
    /// As for [`try_recv`](Self::try_recv).
    pub fn try_recv_batch(
        &mut self,
        records: &mut Vec<Processed>,
        max: usize,
    ) -> Result<usize, PopError> {
        self.outbox
            .wait(|outbox| Poll::Ready(outbox.pop_into(records, max)))
    }

    /// Receives a record, waiting for one as a task. Cancel safe: dropped while it waits, it has
    /// received nothing.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub async fn recv_async(&mut self) -> Result<Processed, Closed> {
        self.outbox.pop_async().await
    }

    /// As [`recv_batch`](Self::recv_batch), waiting as a task. Cancel safe.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub async fn recv_batch_async(
        &mut self,
        records: &mut Vec<Processed>,
        max: usize,
    ) -> Result<usize, Closed> {
        let received = self
            .outbox
            .wait_async(|outbox| poll_many(outbox, records, max));
        received.await
    }
}

/// Receives until the engine has ended, waiting for each record.
impl Iterator for Receiver {
    type Item = Processed;

    fn next(&mut self) -> Option<Processed> {
        self.recv().ok()
    }
}

fn poll_many(
    outbox: &mut Outbox,
    records: &mut Vec<Processed>,
    max: usize,
) -> Poll<Result<usize, Closed>> {
    match outbox.pop_into(records, max) {
        Ok(count) => Poll::Ready(Ok(count)),
        Err(PopError::Empty) => Poll::Pending,
        Err(PopError::Closed) => Poll::Ready(Err(Closed(()))),
    }
}
