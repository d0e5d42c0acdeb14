//! What all ends have in common, for code that does not mind which queue it gets.

use crate::error::{PopError, PushError};

/// An end that puts values in, without ever waiting.
///
/// Implemented by the pushing end of each queue here. Implement it for a queue of your own, and
/// [`wait::pair`](crate::wait::pair) makes it a waiting one.
pub trait Push {
    /// What goes through the queue.
    type Item;

    /// Puts `value` in, or gives it back.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`] when no slot is free, [`PushError::Closed`] when none will ever be.
    fn push(&mut self, value: Self::Item) -> Result<(), PushError<Self::Item>>;
}

/// An end that takes values out, without ever waiting.
pub trait Pop {
    /// What goes through the queue.
    type Item;

    /// Takes the oldest value out.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] when nothing is there, [`PopError::Closed`] when nothing ever will be.
    fn pop(&mut self) -> Result<Self::Item, PopError>;

    /// A glance: false when it is not worth it to pop now, as far as can be told without taking
    /// from those who push what they need. It need not show that the queue is closed. Those who
    /// try again and again before they park ask it first. Default: true.
    fn looks_ready(&self) -> bool {
        true
    }
}

/// Pops one by one until nothing is there; made by the `iter` of the receivers.
#[derive(Debug)]
pub struct Iter<'a, E> {
    end: &'a mut E,
}

impl<'a, E> Iter<'a, E> {
    pub(crate) fn new(end: &'a mut E) -> Self {
        Self { end }
    }
}

impl<E: Pop> Iterator for Iter<'_, E> {
    type Item = E::Item;

    #[inline]
    fn next(&mut self) -> Option<E::Item> {
        self.end.pop().ok()
    }
}
