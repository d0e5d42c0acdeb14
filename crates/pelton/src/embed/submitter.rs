//! The end that submits.

use std::collections::VecDeque;
use std::task::Poll;
use std::time::Duration;

use pelton_pool::{Buffer, BufferPool, OverBudget};
use pelton_queue::wait::Waiting;
use pelton_queue::{Closed, PushError};

use super::lanes::LaneSender;
use super::record::Record;

/// The end that submits; clone it for more, one for each thread.
///
/// When the last one is dropped, what was submitted is worked off, and the engine ends.
#[derive(Clone, Debug)]
pub struct Submitter {
    lanes: Waiting<LaneSender>,
    pool: BufferPool,
}

impl Submitter {
    pub(super) const fn new(lanes: Waiting<LaneSender>, pool: BufferPool) -> Self {
        Self { lanes, pool }
    }

    /// An empty buffer from the engine's pool with room for `bytes`. Allocates only while the pool
    /// warms up.
    ///
    /// # Errors
    ///
    /// When the engine's memory limit leaves no room for it.
    #[inline]
    pub fn lease(&self, bytes: usize) -> Result<Buffer, OverBudget> {
        self.pool.lease(bytes)
    }

    /// A record whose payload is a copy of `bytes` in a buffer of the engine's pool.
    ///
    /// # Errors
    ///
    /// As for [`lease`](Self::lease).
    #[inline]
    pub fn record(&self, id: u64, timestamp_ns: i64, bytes: &[u8]) -> Result<Record, OverBudget> {
        let mut payload = self.pool.lease(bytes.len())?;
        payload.extend_from_slice(bytes)?;
        Ok(Record::new(id, timestamp_ns, payload))
    }

    /// Submits `record` if there is room now.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`] when there is none among records of its priority, or
    /// [`PushError::Closed`] when the engine stops; both give the record back.
    #[inline]
    pub fn submit(&mut self, record: Record) -> Result<(), PushError<Record>> {
        self.lanes.try_push(record)
    }

    /// Submits as many of `records` as there is room for now, from the front on, and says how
    /// many. The rest stays in `records`. Cheapest when all have the same priority.
    ///
    /// # Errors
    ///
    /// As for [`submit`](Self::submit), when there is no room for one; `records` is then
    /// untouched.
    #[inline]
    pub fn submit_batch(&mut self, records: &mut VecDeque<Record>) -> Result<usize, PushError> {
        self.lanes
            .wait(|lanes| Poll::Ready(lanes.push_many(records)))
    }

    /// Submits all of `records`, waiting for room.
    ///
    /// # Errors
    ///
    /// [`Closed`] when the engine stops; what was not accepted stays in `records`.
    pub fn submit_batch_blocking(&mut self, records: &mut VecDeque<Record>) -> Result<(), Closed> {
        while !records.is_empty() {
            self.lanes.wait(|lanes| poll_many(lanes, records))?;
        }
        Ok(())
    }

    /// Submits all of `records`, waiting for room as a task. Cancel safe: what was not accepted
    /// stays in `records`.
    ///
    /// # Errors
    ///
    /// As for [`submit_batch_blocking`](Self::submit_batch_blocking).
    pub async fn submit_batch_async(
        &mut self,
        records: &mut VecDeque<Record>,
    ) -> Result<(), Closed> {
        while !records.is_empty() {
            let some = self.lanes.wait_async(|lanes| poll_many(lanes, records));
            some.await?;
        }
        Ok(())
    }

    /// Submits `record`, waiting for room.
    ///
    /// # Errors
    ///
    /// [`Closed`] when the engine stops; it gives the record back.
    pub fn submit_blocking(&mut self, record: Record) -> Result<(), Closed<Record>> {
        self.lanes.push(record)
    }

    /// Submits `record`, waiting for room at most `timeout`.
    ///
    /// # Errors
    ///
    /// As for [`submit`](Self::submit).
    pub fn submit_timeout(
        &mut self,
        record: Record,
        timeout: Duration,
    ) -> Result<(), PushError<Record>> {
        self.lanes.push_timeout(record, timeout)
    }

    /// Submits `record`, waiting for room as a task. Dropped while it waits, it drops the record,
    /// which has not been accepted.
    ///
    /// # Errors
    ///
    /// As for [`submit_blocking`](Self::submit_blocking).
    pub async fn submit_async(&mut self, record: Record) -> Result<(), Closed<Record>> {
        self.lanes.push_async(record).await
    }
}

fn poll_many(
    lanes: &mut LaneSender,
    records: &mut VecDeque<Record>,
) -> Poll<Result<usize, Closed>> {
    match lanes.push_many(records) {
        Ok(count) => Poll::Ready(Ok(count)),
        Err(PushError::Full(())) => Poll::Pending,
        Err(PushError::Closed(())) => Poll::Ready(Err(Closed(()))),
    }
}
