//! The way in: a ring for each priority, seen from both sides as one queue.

use std::collections::VecDeque;
use std::sync::Arc;

use pelton_queue::{Pop, PopError, Push, PushError, mpmc};
use pelton_sched::Priority;

use super::control::{Control, Mode};
use super::order::{Order, Ticket};
use super::record::Record;

const LANES: usize = Priority::ALL.len();

/// Of so many batches that a worker takes, one is looked for among the low priority first.
const LOW_TURN: usize = 16;
/// Of so many batches that a worker takes, one is looked for among the usual priority first.
const NORMAL_TURN: usize = 4;

/// Makes the two ends of three rings for `capacity` records each.
pub(super) fn channel(
    capacity: usize,
    control: Arc<Control>,
    order: Option<Arc<Order>>,
) -> (LaneSender, LaneReceiver) {
    let rings = Priority::ALL.map(|_| mpmc::channel(capacity));
    let [high, normal, low] = rings;
    let sender = LaneSender {
        lanes: [high.0, normal.0, low.0],
    };
    let receiver = LaneReceiver {
        lanes: [high.1, normal.1, low.1],
        control,
        order,
        turn: 0,
    };
    (sender, receiver)
}

/// The end that submits.
#[derive(Clone, Debug)]
pub(super) struct LaneSender {
    lanes: [mpmc::Sender<Record>; LANES],
}

impl LaneSender {
    /// Moves in as many of `records` as there is room for, from the front on.
    pub(super) fn push_many(&mut self, records: &mut VecDeque<Record>) -> Result<usize, PushError> {
        let before = records.len();
        while let Some(first) = records.front() {
            let lane = first.priority;
            let pushed = if records.iter().all(|record| record.priority == lane) {
                self.lanes[lane as usize].push_from(records).map(|_| ())
            } else {
                self.push_front(records)
            };
            match (pushed, before - records.len()) {
                (Ok(()), _) => {}
                (Err(error), 0) => return Err(error),
                (Err(_), _) => break,
            }
        }
        Ok(before - records.len())
    }

    /// Moves the first of `records` in.
    fn push_front(&mut self, records: &mut VecDeque<Record>) -> Result<(), PushError> {
        let Some(record) = records.pop_front() else {
            return Ok(());
        };
        self.push(record).map_err(|refused| match refused {
            PushError::Full(record) => {
                records.push_front(record);
                PushError::Full(())
            }
            PushError::Closed(record) => {
                records.push_front(record);
                PushError::Closed(())
            }
        })
    }
}

impl Push for LaneSender {
    type Item = Record;

    #[inline]
    fn push(&mut self, record: Record) -> Result<(), PushError<Record>> {
        self.lanes[record.priority as usize].push(record)
    }
}

/// The end that workers take from.
#[derive(Clone, Debug)]
pub(super) struct LaneReceiver {
    lanes: [mpmc::Receiver<Record>; LANES],
    control: Arc<Control>,
    order: Option<Arc<Order>>,
    /// Counts the batches taken.
    turn: usize,
}

impl LaneReceiver {
    /// Takes up to `max` records of one priority.
    pub(super) fn take(
        &mut self,
        records: &mut Vec<Record>,
        max: usize,
    ) -> Result<Option<Ticket>, PopError> {
        if self.control.mode() == Mode::Pause {
            return Err(PopError::Empty);
        }
        let mut closed = 0;
        for lane in preference(self.turn) {
            match self.take_from(lane, records, max) {
                Ok(ticket) => {
                    self.turn = self.turn.wrapping_add(1);
                    return Ok(ticket);
                }
                Err(PopError::Closed) => closed += 1,
                Err(PopError::Empty) => {}
            }
        }
        Err(if closed == LANES {
            PopError::Closed
        } else {
            PopError::Empty
        })
    }

    fn take_from(
        &mut self,
        lane: usize,
        records: &mut Vec<Record>,
        max: usize,
    ) -> Result<Option<Ticket>, PopError> {
        let ring = &mut self.lanes[lane];
        let Some(order) = &self.order else {
            return ring.pop_into(records, max).map(|_| None);
        };
        // A look before the lock: those who wait for work look often.
        if ring.is_empty() && !ring.is_closed() {
            return Err(PopError::Empty);
        }
        order
            .ticket(lane, || ring.pop_into(records, max).map(|_| ()))
            .map(Some)
    }

    /// Lets nothing in any more; what is in can still be taken.
    pub(super) fn close(&self) {
        self.lanes.iter().for_each(mpmc::Receiver::close);
    }

    /// Records that wait.
    pub(super) fn len(&self) -> usize {
        self.lanes.iter().map(mpmc::Receiver::len).sum()
    }
}

impl Pop for LaneReceiver {
    type Item = Record;

    fn pop(&mut self) -> Result<Record, PopError> {
        let mut records = Vec::with_capacity(1);
        self.take(&mut records, 1)?;
        records.pop().ok_or(PopError::Empty)
    }

    fn looks_ready(&self) -> bool {
        self.lanes.iter().any(mpmc::Receiver::looks_ready)
    }
}

/// In which order to look at the lanes: the urgent first, and on a fixed share of the turns
/// another, so that none waits for ever.
const fn preference(turn: usize) -> [usize; LANES] {
    if turn % LOW_TURN == LOW_TURN - 1 {
        [2, 1, 0]
    } else if turn % NORMAL_TURN == NORMAL_TURN - 1 {
        [1, 0, 2]
    } else {
        [0, 1, 2]
    }
}
