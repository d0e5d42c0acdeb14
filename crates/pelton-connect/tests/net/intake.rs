//! An engine that only keeps.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use pelton_connect::Content;
use pelton_connect::stream::{Arrival, Future, Gone, Intake, Receipt};
use pelton_pool::{Budget, Buffer, BufferPool};
use tokio::sync::{Notify, Semaphore};

/// Keeps every arrival, and can be told to take none.
pub(crate) struct Memory {
    pool: BufferPool,
    arrivals: Mutex<Vec<Arrival>>,
    arrived: Notify,
    /// What is told as committed.
    positions: Mutex<HashMap<String, u64>>,
    commits: bool,
    /// What the next one knows of them.
    keeps: bool,
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
            positions: Mutex::default(),
            commits: false,
            keeps: true,
            open: Semaphore::new(arrivals),
        }
    }

    /// Takes everything, and commits it at once.
    pub(crate) fn committing() -> Self {
        Self {
            commits: true,
            ..Self::new()
        }
    }

    /// Would know nothing of positions after a restart.
    pub(crate) fn forgetting(self) -> Self {
        Self {
            keeps: false,
            ..self
        }
    }

    /// Knows of streams what `other` has committed: the same engine, started again.
    pub(crate) fn after(other: &Self) -> Self {
        let positions = other.positions.lock().expect("no panics").clone();
        Self {
            positions: Mutex::new(positions),
            ..Self::new()
        }
    }

    /// Commits the first arrivals, so many of them, and drops the others: what is left when the
    /// engine is killed there.
    pub(crate) fn commit(&self, arrivals: usize) {
        self.arrivals().truncate(arrivals);
        let kept = self.arrivals().clone();
        kept.iter().for_each(|arrival| self.commit_one(arrival));
    }

    fn commit_one(&self, arrival: &Arrival) {
        if let Some(Receipt { stream, position }) = &arrival.receipt {
            let mut positions = self.positions.lock().expect("no panics");
            positions.insert(stream.name().to_owned(), *position);
            drop(positions);
            stream.committed(*position);
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
        Box::pin(async move { self.pool.lease(bytes).map_err(|_| Gone) })
    }

    fn take(&self, arrival: Arrival) -> Future<'_, Result<(), Gone>> {
        Box::pin(async move {
            self.open.acquire().await.map_err(|_| Gone)?.forget();
            if self.commits {
                self.commit_one(&arrival);
            }
            self.arrivals().push(arrival);
            self.arrived.notify_waiters();
            Ok(())
        })
    }

    fn position(&self, name: &str) -> Option<u64> {
        self.positions.lock().expect("no panics").get(name).copied()
    }

    fn keeps_positions(&self) -> bool {
        self.keeps
    }
}
