//! Keeping the order of records with several workers.
//!
//! A batch gets its ticket while it is taken, under a lock, so that tickets have the order of the
//! ring; and a batch is put out when its ticket comes up. So at most one batch a worker is held
//! back, and order costs no memory.

use pelton_queue::PopError;
use pelton_sched::Priority;
use pelton_sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The place of a batch in its lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    lane: usize,
    number: u64,
}

/// Who is next, for each lane.
#[derive(Debug, Default)]
pub(super) struct Order {
    lanes: [Lane; Priority::ALL.len()],
}

#[derive(Debug, Default)]
struct Lane {
    /// The number of the next batch that is taken.
    taken: Mutex<u64>,
    /// The number of the next batch that is put out.
    given: Mutex<u64>,
    turn: Condvar,
}

impl Order {
    /// Takes a batch by way of `take`, and its number.
    pub(super) fn ticket(
        &self,
        lane: usize,
        take: impl FnOnce() -> Result<(), PopError>,
    ) -> Result<Ticket, PopError> {
        let mut taken = lock(&self.lanes[lane].taken);
        take()?;
        let number = *taken;
        *taken += 1;
        Ok(Ticket { lane, number })
    }

    /// Puts a batch out by way of `give` as soon as those before it are out.
    pub(super) fn in_turn(&self, ticket: Ticket, give: impl FnOnce()) {
        let lane = &self.lanes[ticket.lane];
        let mut given = lock(&lane.given);
        while *given != ticket.number {
            given = lane
                .turn
                .wait(given)
                .unwrap_or_else(PoisonError::into_inner);
        }
        give();
        *given += 1;
        drop(given);
        lane.turn.notify_all();
    }
}

fn lock(number: &Mutex<u64>) -> MutexGuard<'_, u64> {
    number.lock().unwrap_or_else(PoisonError::into_inner)
}
