//! Who waits for something to change, and how they are woken.

use std::collections::VecDeque;
use std::task::Waker;

use crate::sync::{AtomicUsize, Mutex, MutexGuard, Ordering, PoisonError, fence};

/// The line of those who wait on one side of a queue, first come first served.
///
/// Between a change of the queue and a look at this line lies a fence, and between joining the
/// line and the last look at the queue another: so either the changer sees the waiter, or the
/// waiter the change. That is all there is to not losing wake-ups.
#[derive(Debug, Default)]
pub(super) struct Event {
    /// The length of the line; written under the lock.
    waiting: AtomicUsize,
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    /// Tickets in rising order.
    wakers: VecDeque<(u64, Waker)>,
    next_ticket: u64,
}

/// Those who are still to be woken; a waker that panics does not keep the others asleep.
struct Rest<'a> {
    event: &'a Event,
    count: usize,
}

impl Rest<'_> {
    fn wake(&mut self) {
        while self.count > 0 {
            self.count -= 1;
            match self.event.take_first() {
                Some(waker) => waker.wake(),
                None => self.count = 0,
            }
        }
    }
}

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        self.wake();
    }
}

impl Line {
    /// Takes the place of `ticket` if it still has one, else the last; gives the ticket, and the
    /// waker that was there.
    fn put(&mut self, ticket: Option<u64>, waker: Waker) -> (u64, Option<Waker>) {
        if let Some(index) = ticket.and_then(|ticket| self.find(ticket)) {
            let (ticket, place) = &mut self.wakers[index];
            return (*ticket, Some(std::mem::replace(place, waker)));
        }
        self.next_ticket += 1;
        self.wakers.push_back((self.next_ticket, waker));
        (self.next_ticket, None)
    }

    fn find(&self, ticket: u64) -> Option<usize> {
        self.wakers
            .binary_search_by_key(&ticket, |(ticket, _)| *ticket)
            .ok()
    }
}

impl Event {
    /// Joins the line, or stays in it with a new waker if `ticket` is still in it. The caller looks
    /// at the queue again before it waits.
    pub(super) fn join(&self, ticket: Option<u64>, waker: &Waker) -> u64 {
        // Wakers are made, dropped and woken without the lock: each may run foreign code, which may
        // come back here.
        let waker = waker.clone();
        let mut line = self.lock();
        let (ticket, before) = line.put(ticket, waker);
        self.waiting.store(line.wakers.len(), Ordering::Relaxed);
        drop(line);
        drop(before);
        // ORDERING: SeqCst; pairs with the fence in `notify`.
        fence(Ordering::SeqCst);
        ticket
    }

    /// Leaves the line; false if `ticket` was not in it any more, because it has been notified.
    pub(super) fn leave(&self, ticket: u64) -> bool {
        let mut line = self.lock();
        let left = line
            .find(ticket)
            .and_then(|index| line.wakers.remove(index));
        self.waiting.store(line.wakers.len(), Ordering::Relaxed);
        drop(line);
        left.is_some()
    }

    /// Takes up to `count` out of the line and wakes them. The caller has changed the queue before.
    #[inline]
    pub(super) fn notify(&self, count: usize) {
        // ORDERING: SeqCst; pairs with the fence in `join`.
        fence(Ordering::SeqCst);
        if self.waiting.load(Ordering::Relaxed) != 0 {
            self.notify_slow(count);
        }
    }

    /// Wakes all who are in line now.
    pub(super) fn notify_all(&self) {
        self.notify(usize::MAX);
    }

    #[cold]
    fn notify_slow(&self, count: usize) {
        let count = count.min(self.lock().wakers.len());
        let mut rest = Rest { event: self, count };
        rest.wake();
    }

    fn take_first(&self) -> Option<Waker> {
        let mut line = self.lock();
        let first = line.wakers.pop_front();
        self.waiting.store(line.wakers.len(), Ordering::Relaxed);
        first.map(|(_, waker)| waker)
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        // Nothing panics under the lock but an allocation, which leaves the line whole.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
