//! What waits before a lane: in a ring, and behind that on the disk where the lane spills.
//!
//! Entries leave in the order of their sequence numbers. As long as something waits on the disk,
//! something waits in the ring or is in the hands of a worker who will look: whoever takes an
//! entry out of the ring calls [`Inbox::refill`] before working on it.

use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use pelton_connect::Content;
use pelton_connect::stream::{Arrival, Gone, Peer, turn};
use pelton_pool::{BufferPool, Level};
use pelton_queue::wait::{self, Waiting};
use pelton_queue::{PopError, PushError, mpmc};
use pelton_record::Block;
use pelton_stage::SpillFile;
use pelton_sync::{Mutex, MutexGuard, PoisonError};

use super::backlog::Backlog;
use super::intake::Fan;
use super::lane::Lane;
use crate::plan::Overflow;

/// Entries that are read back from the disk before they are needed.
const AHEAD: usize = 4;

/// An arrival on its way through a lane.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its place among all entries of the lane, from 0 without gaps.
    pub sequence: u64,
    pub arrival: Arrival,
    /// The lanes that must be done with the arrival before its stream hears of it.
    pub fan: Option<Arc<Fan>>,
    /// When it was taken.
    pub since: Instant,
    /// Its bytes could not be read back from the disk.
    pub lost: Option<Box<Lost>>,
}

/// What is known of an entry whose bytes are gone.
#[derive(Debug)]
pub(super) struct Lost {
    pub records: u64,
    pub reason: String,
}

/// The receiving end, one for each worker.
pub(super) type Receiver = Waiting<mpmc::Receiver<Entry>>;

/// Bounded, in the order of sequence numbers.
#[derive(Debug)]
pub(super) struct Inbox {
    gate: Mutex<Gate>,
    overflow: Overflow,
    receiver: Receiver,
    /// Where what was on the disk is read into.
    pool: BufferPool,
}

/// An entry of so many bytes is worth waking a worker for, though another one is awake.
const LARGE_BYTES: usize = 64 << 10;
/// So many entries may wait for each worker that is awake before another one is woken.
const WAITING_EACH: usize = 8;

/// Numbers are given and entries put in under one lock, so that both have the same order.
#[derive(Debug)]
struct Gate {
    /// Workers that will look into the ring before they wait. To wake one more for each of many
    /// small entries costs more than to work them off.
    awake: usize,
    /// Workers that have been woken, or will be, and have not said so yet; and whoever brought
    /// something and will work it off at the end of its turn. Never too many once somebody has
    /// emptied the ring and turns away: who does that may forget the others, of whom one may have
    /// looked in vain and said nothing.
    woken: usize,
    sender: Waiting<mpmc::Sender<Entry>>,
    /// Bytes that came in since the ring was empty.
    bytes: usize,
    /// What the ring has no room for; only with [`Overflow::Spill`].
    backlog: Option<Backlog>,
    next: u64,
    closed: bool,
}

impl Inbox {
    /// With a `backlog` what the ring has no room for waits there.
    pub(super) fn new(
        capacity: usize,
        overflow: Overflow,
        backlog: Option<Backlog>,
        pool: BufferPool,
    ) -> Self {
        let (sender, receiver) = wait::pair(mpmc::channel(capacity));
        let gate = Gate {
            awake: 0,
            woken: 0,
            bytes: 0,
            sender,
            backlog,
            next: 0,
            closed: false,
        };
        Self {
            gate: Mutex::new(gate),
            overflow,
            receiver,
            pool,
        }
    }

    pub(super) fn receiver(&self) -> Receiver {
        self.receiver.clone()
    }

    /// Counts a worker who begins to take entries out.
    pub(super) fn enter(&self) {
        self.lock().awake += 1;
    }

    /// The next entry, waiting for one; `Empty` when none came within `patience`. For workers that
    /// have [entered](Self::enter).
    pub(super) fn next(
        &self,
        receiver: &mut Receiver,
        patience: Option<Duration>,
    ) -> Result<Entry, PopError> {
        match receiver.try_pop() {
            Err(PopError::Empty) => {}
            popped => return popped,
        }
        // What is put in from here on wakes somebody, and what was before is seen below.
        self.lock().rest();
        let popped = receiver.pop_in_line(patience);
        self.lock().resume();
        popped
    }

    /// Wakes a worker: whoever was to look after what waits does not.
    pub(super) fn wake(&self) {
        self.lock().sender.wake();
    }

    /// Whoever brought entries, and was counted as woken, has worked them off. What came behind
    /// them is looked after by a worker.
    pub(super) fn leave(&self) {
        let mut gate = self.lock();
        match gate.sender.end().is_empty() {
            true => gate.woken = 0,
            false => gate.sender.wake(),
        }
    }

    /// Has a worker look after what is done and not put, by an entry without records.
    pub(super) fn ask(&self) {
        let peer = Peer {
            source: 0,
            name: String::new(),
        };
        let nothing = Entry {
            sequence: 0,
            arrival: Arrival {
                block: Block::default(),
                content: Content::Records,
                peer: Arc::new(peer),
                byte: 0,
                receipt: None,
            },
            fan: None,
            since: Instant::now(),
            lost: None,
        };
        // Where it is full, somebody looks anyway; where it is closed, all is put at the end.
        let _ = self.lock().put_in(nothing);
    }

    /// Bytes that came in since nothing waited.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Entries that wait, on the disk or not.
    pub(super) fn len(&self) -> usize {
        let spilled = self.spilled(Backlog::len).unwrap_or(0);
        self.receiver.end().len() + spilled
    }

    /// Bytes on the disk.
    pub(super) fn spilled_bytes(&self) -> u64 {
        self.spilled(Backlog::bytes).unwrap_or(0)
    }

    fn spilled<T>(&self, ask: impl FnOnce(&Backlog) -> T) -> Option<T> {
        if self.overflow != Overflow::Spill {
            return None;
        }
        self.lock().backlog.as_ref().map(ask)
    }

    /// Takes nothing more; what is in stays in until it is worked off.
    pub(super) fn close(&self) {
        let mut gate = self.lock();
        gate.closed = true;
        gate.close_ring();
    }

    /// Gives up what waits: the entries of the ring, and how many records were on the disk. Workers
    /// may be at it: what they have taken out is theirs.
    pub(super) fn abandon(&self) -> (Vec<Entry>, u64) {
        let mut gate = self.lock();
        let spilled = gate.backlog.as_mut().map_or(0, Backlog::clear);
        let mut receiver = self.receiver();
        let waiting = std::iter::from_fn(|| receiver.try_pop().ok()).collect();
        gate.close_ring();
        (waiting, spilled)
    }

    /// Puts an entry for `lane` in, waiting for room if that is the lane's way, and shedding if
    /// that is.
    pub(super) async fn push(&self, mut entry: Entry, lane: &Arc<Lane>) -> Result<(), Gone> {
        loop {
            entry = match self.try_push(entry, lane) {
                Ok(()) => return Ok(()),
                Err(PushError::Closed(_)) => return Err(Gone),
                Err(PushError::Full(entry)) => entry,
            };
            match self.overflow {
                Overflow::Block => self.room().await,
                Overflow::Spill => {
                    let bytes = entry.arrival.block.len();
                    let free = || self.lock().may_take(bytes).then_some(());
                    lane.room.until(free).await;
                }
                Overflow::ShedOldest => {
                    if let Ok(oldest) = self.receiver().try_pop() {
                        lane.shed(oldest);
                    }
                }
                Overflow::ShedNewest => {
                    lane.shed(self.lock().numbered(entry));
                    return Ok(());
                }
            }
        }
    }

    fn try_push(&self, entry: Entry, lane: &Arc<Lane>) -> Result<(), PushError<Entry>> {
        if self.overflow != Overflow::Spill {
            return self.lock().try_push(entry, lane);
        }
        let bytes = entry.arrival.block.len() as u64;
        let scarce = self.pool.budget().level() >= Level::Elevated;
        let spilled = self.lock().offer(entry, scarce, lane)?;
        if let Some(records) = spilled {
            lane.metrics.spilled.add(records);
            lane.metrics.spilled_bytes.add(bytes);
        }
        Ok(())
    }

    /// Reads back from the disk what there is room for, and at least what makes the ring hold
    /// something: that much is read into memory beside the limit where there is none within. True
    /// when somebody may wait for the room that was made.
    pub(super) fn refill(&self) -> bool {
        if self.overflow != Overflow::Spill {
            return false;
        }
        let mut gate = self.lock();
        while let Some(bytes) = gate.wants_refill(AHEAD) {
            let scarce = self.pool.budget().level() >= Level::Elevated;
            let leased = self.pool.lease(bytes);
            if !gate.sender.end().is_empty() && (scarce || leased.is_err()) {
                break;
            }
            gate.refill_one(|file, start, bytes| {
                let mut read = Vec::new();
                file.read(start, bytes, &mut read)?;
                Ok(match leased {
                    Ok(mut buffer) => {
                        buffer.spare_mut()[..bytes].copy_from_slice(&read);
                        buffer.advance(bytes);
                        Block::new(buffer)
                    }
                    Err(_) => Block::new(read),
                })
            });
        }
        gate.close_ring();
        true
    }

    /// Waits until the ring is not full, or closed.
    async fn room(&self) {
        let mut sender = self.lock().sender.clone();
        let free = |end: &mut mpmc::Sender<Entry>| match end.len() < end.capacity() {
            false if !end.is_closed() => Poll::Pending,
            _ => Poll::Ready(()),
        };
        sender.wait_async(free).await;
    }

    fn lock(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate {
    /// Puts an entry in, and sees to it that it is worked off.
    fn try_push(&mut self, entry: Entry, lane: &Arc<Lane>) -> Result<(), PushError<Entry>> {
        let large = LARGE_BYTES <= entry.arrival.block.len();
        self.put_in(entry)?;
        let awake = self.awake + self.woken;
        let waiting = self.sender.end().len();
        let many = large || WAITING_EACH * awake.max(1) < waiting;
        if many || awake == 0 {
            self.woken += 1;
            if many || !turn::at_end(lane) {
                self.sender.wake();
            }
        }
        Ok(())
    }

    fn put_in(&mut self, mut entry: Entry) -> Result<(), PushError<Entry>> {
        if self.closed {
            return Err(PushError::Closed(entry));
        }
        entry.sequence = self.next;
        let bytes = entry.arrival.block.len();
        self.sender.try_push_quietly(entry)?;
        self.next += 1;
        if self.sender.end().len() == 1 {
            self.bytes = 0;
        }
        self.bytes += bytes;
        Ok(())
    }

    /// A worker goes to wait.
    const fn rest(&mut self) {
        self.awake -= 1;
        self.woken = 0;
    }

    /// A worker waits no longer, whether it was woken or not.
    const fn resume(&mut self) {
        self.awake += 1;
        self.woken = self.woken.saturating_sub(1);
    }

    /// Gives the next number to an entry that is not put in.
    const fn numbered(&mut self, mut entry: Entry) -> Entry {
        entry.sequence = self.next;
        self.next += 1;
        entry
    }

    /// Puts an entry into the ring, or onto the disk: where others wait there before it, memory is
    /// scarce and the workers have something to do, or the ring is full. How many records went to
    /// the disk.
    fn offer(
        &mut self,
        entry: Entry,
        scarce: bool,
        lane: &Arc<Lane>,
    ) -> Result<Option<u64>, PushError<Entry>> {
        let behind = self.backlog.as_ref().is_some_and(|some| !some.is_empty());
        let rather_disk = behind || (scarce && !self.sender.end().is_empty());
        let entry = match rather_disk {
            false => entry,
            true => match self.spill(entry, lane) {
                Err(PushError::Full(entry)) if !behind => entry,
                spilled => return spilled.map(Some),
            },
        };
        match self.try_push(entry, lane) {
            Err(PushError::Full(entry)) if !rather_disk => self.spill(entry, lane).map(Some),
            pushed => {
                self.backlog.iter_mut().for_each(Backlog::try_again);
                pushed.map(|()| None)
            }
        }
    }

    fn spill(&mut self, mut entry: Entry, lane: &Lane) -> Result<u64, PushError<Entry>> {
        let Some(backlog) = self.backlog.as_mut().filter(|_| !self.closed) else {
            return Err(PushError::Closed(entry));
        };
        let records = lane.count(&entry);
        entry.sequence = self.next;
        backlog.push(entry, records).map_err(PushError::Full)?;
        self.next += 1;
        Ok(records)
    }

    /// True when an entry of `bytes` is worth a try.
    fn may_take(&self, bytes: usize) -> bool {
        let ring = self.sender.end();
        self.closed
            || self.backlog.as_ref().is_none_or(|backlog| {
                backlog.has_room(bytes) || (backlog.is_empty() && ring.len() < ring.capacity())
            })
    }

    /// Bytes of the next entry on the disk, if fewer than `ahead` are in the ring.
    fn wants_refill(&self, ahead: usize) -> Option<usize> {
        let ring = self.sender.end();
        let wants = ring.len() < ahead.min(ring.capacity());
        self.backlog.as_ref().filter(|_| wants)?.front_bytes()
    }

    fn refill_one(
        &mut self,
        block: impl FnOnce(&SpillFile, u64, usize) -> Result<Block, pelton_stage::Error>,
    ) {
        if let Some(entry) = self.backlog.as_mut().and_then(|some| some.pop(block)) {
            // Nobody else puts anything in: the room that was seen is there.
            let pushed = self.sender.try_push(entry);
            debug_assert!(pushed.is_ok(), "the ring had room");
        }
    }

    /// Closes the ring when nothing may come into it any more.
    fn close_ring(&self) {
        if self.closed && self.backlog.as_ref().is_none_or(Backlog::is_empty) {
            self.sender.close_with(mpmc::Sender::close);
        }
    }
}
