//! The way out: a ring, and behind it room for what a stopping engine finds no receiver for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Poll;

use pelton_queue::wait::Waiting;
use pelton_queue::{Pop, PopError, PushError, mpmc};
use pelton_sync::{Mutex, MutexGuard, PoisonError};

use super::control::{Control, Mode};
use super::inline::Hands;
use super::record::Processed;

/// Records that did not fit into the ring while the engine stopped. There are at most as many as
/// had been accepted by then.
type Overflow = Mutex<VecDeque<Processed>>;

fn lock(overflow: &Overflow) -> MutexGuard<'_, VecDeque<Processed>> {
    overflow.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The end that workers put out through.
#[derive(Clone, Debug)]
pub(super) struct Outlet {
    sender: Waiting<mpmc::Sender<Processed>>,
    overflow: Arc<Overflow>,
    control: Arc<Control>,
}

/// What came of trying to put records out.
enum Put {
    Some,
    /// Nobody is left to receive them.
    Unclaimed,
    /// There is no room, and the engine stops.
    Stopping,
}

impl Outlet {
    /// The end of a ring whose other end is `outbox`.
    pub(super) fn new(
        sender: Waiting<mpmc::Sender<Processed>>,
        outbox: &Outbox,
        control: Arc<Control>,
    ) -> Self {
        Self {
            sender,
            overflow: outbox.overflow.clone(),
            control,
        }
    }

    /// So many records can be put out now without waiting for a receiver, if nobody else does.
    pub(super) fn room(&self) -> usize {
        let ring = self.sender.end();
        if ring.is_closed() || self.control.mode() >= Mode::Drain {
            return usize::MAX;
        }
        ring.capacity() - ring.len()
    }

    /// Puts all of `records` out, waiting for room unless the engine stops; answers how many
    /// nobody was left to receive, which are dropped.
    pub(super) fn put(&mut self, records: &mut VecDeque<Processed>) -> usize {
        while !records.is_empty() {
            match self.put_some(records) {
                Put::Some => {}
                Put::Unclaimed => {
                    let unclaimed = records.len();
                    records.clear();
                    return unclaimed;
                }
                Put::Stopping => {
                    lock(&self.overflow).append(records);
                    return 0;
                }
            }
        }
        0
    }

    fn put_some(&mut self, records: &mut VecDeque<Processed>) -> Put {
        let Self {
            sender,
            overflow,
            control,
        } = self;
        let stopping = || control.mode() >= Mode::Drain;
        // What comes after an overflow goes there too, or it would overtake.
        if stopping() && !lock(overflow).is_empty() {
            return Put::Stopping;
        }
        sender.wait(|end| match end.push_from(records) {
            Ok(_) => Poll::Ready(Put::Some),
            Err(PushError::Closed(())) => Poll::Ready(Put::Unclaimed),
            Err(PushError::Full(())) if stopping() => Poll::Ready(Put::Stopping),
            Err(PushError::Full(())) => Poll::Pending,
        })
    }

    /// Lets those who wait for room look at the mode again.
    pub(super) fn wake(&self) {
        self.sender.close_with(|_| ());
    }

    /// Tells receivers that nothing more will come.
    pub(super) fn close(&self) {
        self.sender.close_with(mpmc::Sender::close);
    }

    /// Records that wait to be received.
    pub(super) fn len(&self) -> usize {
        self.sender.end().len() + lock(&self.overflow).len()
    }
}

/// The end that receives.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    ring: mpmc::Receiver<Processed>,
    overflow: Arc<Overflow>,
    /// Where workers have no threads, who works.
    hands: Option<Hands>,
}

impl Outbox {
    pub(super) fn new(ring: mpmc::Receiver<Processed>) -> Self {
        Self {
            ring,
            overflow: Arc::default(),
            hands: None,
        }
    }

    /// The same, for an engine that works where results are received.
    pub(super) fn with_hands(&self, hands: Hands) -> Self {
        Self {
            hands: Some(hands),
            ..self.clone()
        }
    }

    /// Moves up to `max` records to the end of `records`.
    pub(super) fn pop_into(
        &mut self,
        records: &mut Vec<Processed>,
        max: usize,
    ) -> Result<usize, PopError> {
        match self.pop_or_work(|ring| ring.pop_into(records, max)) {
            Err(PopError::Closed) => self.pop_overflow(records, max),
            result => result,
        }
    }

    /// Pops from the ring, and works as long as there is nothing in it, if this end can.
    #[inline]
    fn pop_or_work<R>(
        &mut self,
        mut pop: impl FnMut(&mut mpmc::Receiver<Processed>) -> Result<R, PopError>,
    ) -> Result<R, PopError> {
        loop {
            match pop(&mut self.ring) {
                Err(PopError::Empty) => self.work()?,
                result => return result,
            }
        }
    }

    /// Sees to it that the ring is worth another look, if this end can.
    #[inline]
    fn work(&self) -> Result<(), PopError> {
        let hands = self.hands.as_ref().ok_or(PopError::Empty)?;
        match hands.turn() {
            // Nor had another who was at work put anything in.
            Err(PopError::Empty) if self.ring.is_empty() => Err(PopError::Empty),
            // The way out is closed behind what may still be in it.
            Ok(()) | Err(PopError::Empty | PopError::Closed) => Ok(()),
        }
    }

    #[cold]
    fn pop_overflow(&self, records: &mut Vec<Processed>, max: usize) -> Result<usize, PopError> {
        let mut overflow = lock(&self.overflow);
        let count = overflow.len().min(max);
        if count == 0 && max > 0 {
            return Err(PopError::Closed);
        }
        records.extend(overflow.drain(..count));
        Ok(count)
    }
}

impl Pop for Outbox {
    type Item = Processed;

    #[inline]
    fn pop(&mut self) -> Result<Processed, PopError> {
        match self.pop_or_work(mpmc::Receiver::pop) {
            Err(PopError::Closed) => lock(&self.overflow).pop_front().ok_or(PopError::Closed),
            result => result,
        }
    }

    fn looks_ready(&self) -> bool {
        self.ring.looks_ready() || self.hands.as_ref().is_some_and(Hands::looks_ready)
    }
}
