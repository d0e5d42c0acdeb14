//! One wait, from joining the line to leaving it.

use std::task::{Context, Poll, Waker};

use super::event::Event;

/// A place in the line of `event`, taken when needed and given up at the end, however it ends.
pub(super) struct Turn<'a> {
    event: &'a Event,
    ticket: Option<u64>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(event: &'a Event) -> Self {
        Self {
            event,
            ticket: None,
        }
    }

    /// Joins the line, then tries; pending means that `waker` will be woken when it is worth
    /// another try.
    pub(super) fn try_in_line<R>(
        &mut self,
        waker: &Waker,
        mut attempt: impl FnMut() -> Poll<R>,
    ) -> Poll<R> {
        self.ticket = Some(self.event.join(self.ticket, waker));
        attempt()
    }

    /// One poll of a future.
    pub(super) fn poll<R>(
        &mut self,
        context: &Context<'_>,
        mut attempt: impl FnMut() -> Poll<R>,
    ) -> Poll<R> {
        let result = attempt();
        if result.is_ready() {
            return result;
        }
        self.try_in_line(context.waker(), attempt)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket
            && !self.event.leave(ticket)
        {
            // Someone woke this one, which goes without having waited for it (a success on its own,
            // a time-out, a dropped future): the wake-up belongs to the next in line.
            self.event.notify(1);
        }
    }
}
