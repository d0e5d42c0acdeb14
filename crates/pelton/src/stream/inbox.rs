//! What waits before a lane.

use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use pelton_connect::stream::{Arrival, Gone};
use pelton_queue::wait::{self, Waiting};
use pelton_queue::{PopError, PushError, mpmc};
use pelton_sync::{Mutex, MutexGuard, PoisonError};

use super::intake::Fan;
use crate::plan::Overflow;

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
}

/// The receiving end, one for each worker.
pub(super) type Receiver = Waiting<mpmc::Receiver<Entry>>;

/// A bounded ring of entries in the order of their sequence numbers.
#[derive(Debug)]
pub(super) struct Inbox {
    gate: Mutex<Gate>,
    overflow: Overflow,
    receiver: Receiver,
}

/// Numbers are given and entries put in under one lock, so that both have the same order.
#[derive(Debug)]
struct Gate {
    sender: Waiting<mpmc::Sender<Entry>>,
    next: u64,
    closed: bool,
}

impl Inbox {
    pub(super) fn new(capacity: usize, overflow: Overflow) -> Self {
        let (sender, receiver) = wait::pair(mpmc::channel(capacity));
        let gate = Gate {
            sender,
            next: 0,
            closed: false,
        };
        Self {
            gate: Mutex::new(gate),
            overflow,
            receiver,
        }
    }

    pub(super) fn receiver(&self) -> Receiver {
        self.receiver.clone()
    }

    /// Entries that wait.
    pub(super) fn len(&self) -> usize {
        self.receiver.end().len()
    }

    /// Takes nothing more; what is in stays in until it is worked off.
    pub(super) fn close(&self) {
        let mut gate = self.lock();
        gate.closed = true;
        gate.sender.close_with(mpmc::Sender::close);
    }

    /// Puts an entry in, waiting for room if that is the lane's way; what had to be shed for it is
    /// given to `shed`.
    pub(super) async fn push(
        &self,
        mut entry: Entry,
        shed: &(dyn Fn(Entry) + Sync),
    ) -> Result<(), Gone> {
        loop {
            entry = match self.lock().try_push(entry) {
                Ok(()) => return Ok(()),
                Err(PushError::Closed(_)) => return Err(Gone),
                Err(PushError::Full(entry)) => entry,
            };
            match self.overflow {
                Overflow::Block => self.room().await,
                Overflow::ShedOldest => {
                    if let Ok(oldest) = self.receiver().try_pop() {
                        shed(oldest);
                    }
                }
                Overflow::ShedNewest => {
                    shed(self.lock().numbered(entry));
                    return Ok(());
                }
            }
        }
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
    fn try_push(&mut self, mut entry: Entry) -> Result<(), PushError<Entry>> {
        if self.closed {
            return Err(PushError::Closed(entry));
        }
        entry.sequence = self.next;
        self.sender.try_push(entry)?;
        self.next += 1;
        Ok(())
    }

    /// Gives the next number to an entry that is not put in.
    const fn numbered(&mut self, mut entry: Entry) -> Entry {
        entry.sequence = self.next;
        self.next += 1;
        entry
    }
}

/// The next entry, waiting for one; `Empty` when none came within `patience`.
pub(super) fn next(
    receiver: &mut Receiver,
    patience: Option<std::time::Duration>,
) -> Result<Entry, PopError> {
    match patience {
        Some(patience) => receiver.pop_timeout(patience),
        None => receiver.pop().map_err(|_| PopError::Closed),
    }
}
