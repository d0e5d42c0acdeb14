//! An engine that only keeps.

use std::sync::{Mutex, MutexGuard};

use pelton_connect::Content;
use pelton_connect::stream::{Arrival, Future, Gone, Intake};
use pelton_pool::{Budget, Buffer, BufferPool};
use tokio::sync::{Notify, Semaphore};

/// Keeps every arrival, and can be told to take none.
pub(crate) struct Memory {
    pool: BufferPool,
    arrivals: Mutex<Vec<Arrival>>,
    arrived: Notify,
    leased: Notify,
    /// One permit for each arrival that is taken.
    open: Semaphore,
}

impl Memory {
    /// Takes everything.
    pub(crate) fn new() -> Self {
        Self::taking(Semaphore::MAX_PERMITS)
    }

    /// Takes so many arrivals, until it is told to take more.
    pub(crate) fn taking(arrivals: usize) -> Self {
        Self {
            pool: BufferPool::new(Budget::unlimited()),
            arrivals: Mutex::default(),
            arrived: Notify::new(),
            leased: Notify::new(),
            open: Semaphore::new(arrivals),
        }
    }

    pub(crate) fn take_more(&self, arrivals: usize) {
        self.open.add_permits(arrivals);
    }

    /// Takes nothing more, ever.
    pub(crate) fn close(&self) {
        self.open.close();
    }

    pub(crate) fn arrivals(&self) -> MutexGuard<'_, Vec<Arrival>> {
        self.arrivals.lock().expect("no test panics with the lock")
    }

    /// Bytes of whole records, in the order in which they came.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let arrivals = self.arrivals();
        let whole = arrivals
            .iter()
            .filter(|arrival| arrival.content == Content::Records);
        whole
            .flat_map(|arrival| arrival.block.bytes().to_vec())
            .collect()
    }

    /// Waits until what has arrived is as wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&[Arrival]) -> bool) {
        loop {
            let arrived = self.arrived.notified();
            if wanted(&self.arrivals()) {
                return;
            }
            arrived.await;
        }
    }

    /// Waits until so many bytes of whole records have arrived.
    pub(crate) async fn until_bytes(&self, bytes: usize) {
        let length = |arrivals: &[Arrival]| arrivals.iter().map(|it| it.block.len()).sum::<usize>();
        self.until(|arrivals| length(arrivals) >= bytes).await;
    }
}

impl Intake for Memory {
    fn lease(&self, bytes: usize) -> Future<'_, Result<Buffer, Gone>> {
        self.leased.notify_waiters();
        Box::pin(async move { self.pool.lease(bytes).map_err(|_| Gone) })
    }

    fn take(&self, arrival: Arrival) -> Future<'_, Result<(), Gone>> {
        Box::pin(async move {
            self.open.acquire().await.map_err(|_| Gone)?.forget();
            self.arrivals().push(arrival);
            self.arrived.notify_waiters();
            Ok(())
        })
    }

    fn position(&self, _name: &str) -> Option<u64> {
        None
    }
}
