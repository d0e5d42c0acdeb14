//! Where listeners bring what they received.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use pelton_connect::Content;
use pelton_connect::stream::{self, Arrival, Future, Gone, Positions, Receipt, Stream, turn};
use pelton_pool::{Buffer, BufferPool, Level};
use pelton_record::Block;
use pelton_sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use pelton_sync::{Mutex, MutexGuard, PoisonError};

use super::cuts::Cuts;
use super::inbox::Entry;
use super::lane::Lane;
use super::room::Room;
use super::router::{Part, Router};

/// How far each stream has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    streams: Mutex<BTreeMap<String, Reached>>,
}

#[derive(Default)]
struct Reached {
    /// Everything before it was taken in.
    taken: u64,
    /// Everything before it has its effect.
    committed: u64,
    /// Who brought the latest arrival: a sender that came back wants to hear of what its earlier
    /// connection sent.
    stream: Option<Arc<dyn Stream>>,
}

impl std::fmt::Debug for Reached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..{}", self.committed, self.taken)
    }
}

impl Progress {
    /// Begins where an earlier process ended.
    pub(super) fn recover(&self, positions: Positions) {
        let mut streams = self.lock();
        for (name, position) in positions {
            let reached = streams.entry(name).or_default();
            (reached.taken, reached.committed) = (position, position);
        }
    }

    /// Notes an arrival; false when it was taken in before.
    fn take(&self, receipt: &Receipt) -> bool {
        let mut streams = self.lock();
        let name = receipt.stream.name();
        if !streams.contains_key(name) {
            streams.insert(name.to_owned(), Reached::default());
        }
        let Some(reached) = streams.get_mut(name) else {
            return true;
        };
        reached.stream = Some(receipt.stream.clone());
        if receipt.position > reached.taken {
            reached.taken = receipt.position;
            return true;
        }
        let committed = reached.committed;
        drop(streams);
        if receipt.position <= committed {
            receipt.stream.committed(committed);
        }
        false
    }

    fn commit(&self, receipt: &Receipt) {
        let mut streams = self.lock();
        let Some(reached) = streams.get_mut(receipt.stream.name()) else {
            return;
        };
        reached.committed = reached.committed.max(receipt.position);
        let (stream, committed) = (reached.stream.clone(), reached.committed);
        drop(streams);
        if let Some(stream) = stream {
            stream.committed(committed);
        }
    }

    fn position(&self, name: &str) -> Option<u64> {
        self.lock().get(name).map(|reached| reached.committed)
    }

    /// All positions that are committed.
    pub(super) fn positions(&self) -> Positions {
        let streams = self.lock();
        let positions = streams
            .iter()
            .map(|(name, reached)| (name.clone(), reached.committed));
        positions.collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Reached>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lanes that an arrival went to: when the last of them has committed its part, the stream
/// hears of it.
#[derive(Debug)]
pub(super) struct Fan {
    receipt: Receipt,
    lanes: AtomicUsize,
    progress: Arc<Progress>,
}

impl Fan {
    /// The stream, and the position it reaches.
    pub(super) fn position(&self) -> (&str, u64) {
        (self.receipt.stream.name(), self.receipt.position)
    }

    /// True when its part of the stream can be had again at any time.
    pub(super) fn rereads(&self) -> bool {
        self.receipt.stream.rereads()
    }

    /// Says that one lane has committed its part.
    pub(super) fn lane_done(&self) {
        // ORDERING: what the other lanes did before their own decrement happens before the word.
        if self.lanes.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.progress.commit(&self.receipt);
        }
    }
}

/// The intake of a service.
#[derive(Debug)]
pub(super) struct Intake {
    pub pool: BufferPool,
    pub room: Arc<Room>,
    pub lanes: Vec<Arc<Lane>>,
    /// Which lane a record goes to; nothing to decide when there is one.
    pub router: Option<Router>,
    /// Where arrivals that come again are cut.
    pub cuts: Cuts,
    pub progress: Arc<Progress>,
    pub closed: AtomicBool,
}

impl Intake {
    /// Takes nothing more, and lets those who wait know.
    pub(super) fn close(&self) {
        // ORDERING: pairs with the load in `lend`; a task that is woken sees it.
        self.closed.store(true, Ordering::Release);
        self.lanes.iter().for_each(|lane| lane.inbox.close());
        self.room.wake();
    }

    async fn lend(&self, bytes: usize) -> Result<Buffer, Gone> {
        self.room
            .until(|| {
                // ORDERING: pairs with the store in `close`.
                if self.closed.load(Ordering::Acquire) {
                    return Some(Err(Gone));
                }
                self.pool.lease(bytes).ok().map(Ok)
            })
            .await
    }

    async fn accept(&self, arrival: Arrival) -> Result<(), Gone> {
        turn::keep_short();
        let mut rest = Some(arrival);
        while let Some(arrival) = rest.take() {
            let first;
            (first, rest) = self.cuts.split(arrival);
            self.accept_part(first).await?;
        }
        Ok(())
    }

    async fn accept_part(&self, mut arrival: Arrival) -> Result<(), Gone> {
        let receipt = arrival.receipt.take();
        if receipt
            .as_ref()
            .is_some_and(|receipt| !self.progress.take(receipt))
        {
            return Ok(());
        }
        let fan = receipt.map(|receipt| {
            Arc::new(Fan {
                receipt,
                lanes: AtomicUsize::new(self.lanes.len()),
                progress: self.progress.clone(),
            })
        });
        let since = Instant::now();
        let Some(router) = &self.router else {
            return self.give(0, arrival, fan, since).await;
        };
        // What comes again after a kill must come to the same lanes then: another one would have it
        // too, or none. So the level counts for nothing there.
        let level = match fan {
            Some(_) => Level::Normal,
            None => self.pool.budget().level(),
        };
        let parts = router.parts(&arrival, level);
        // Given back before anything else is taken: who waits for memory must hold none.
        arrival.block = Block::default();
        for (index, Part { bytes, downgraded }) in parts.into_iter().enumerate() {
            self.lanes[index].metrics.downgraded.add(downgraded);
            if bytes.is_empty() && fan.is_none() {
                continue;
            }
            let part = Arrival {
                // What is too large to be looked at is all in one part.
                content: if bytes.is_empty() {
                    Content::Records
                } else {
                    arrival.content
                },
                block: self.paid(bytes).await?,
                ..arrival.clone()
            };
            self.give(index, part, fan.clone(), since).await?;
        }
        Ok(())
    }

    /// The same bytes in memory that is paid for.
    async fn paid(&self, bytes: Vec<u8>) -> Result<Block, Gone> {
        if bytes.is_empty() {
            return Ok(Block::default());
        }
        let mut buffer = self.lend(bytes.len()).await?;
        buffer.spare_mut()[..bytes.len()].copy_from_slice(&bytes);
        buffer.advance(bytes.len());
        Ok(Block::new(buffer))
    }

    async fn give(
        &self,
        index: usize,
        arrival: Arrival,
        fan: Option<Arc<Fan>>,
        since: Instant,
    ) -> Result<(), Gone> {
        let lane = &self.lanes[index];
        if let Some(fan) = fan.as_ref().filter(|fan| lane.has_put(fan.position())) {
            fan.lane_done();
            return Ok(());
        }
        let entry = Entry {
            sequence: 0,
            arrival,
            fan,
            since,
            lost: None,
        };
        lane.inbox.push(entry, lane).await
    }
}

impl stream::Intake for Intake {
    fn lease(&self, bytes: usize) -> Future<'_, Result<Buffer, Gone>> {
        Box::pin(self.lend(bytes))
    }

    fn take(&self, arrival: Arrival) -> Future<'_, Result<(), Gone>> {
        Box::pin(self.accept(arrival))
    }

    fn position(&self, name: &str) -> Option<u64> {
        self.progress.position(name)
    }

    fn keeps_positions(&self) -> bool {
        self.lanes.iter().all(|lane| lane.keeps_positions)
    }
}
