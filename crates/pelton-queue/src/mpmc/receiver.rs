//! The popping end.

use std::fmt;

use super::START;
use super::ring::Ring;
use crate::end::{Iter, Pop};
use crate::ends::Shared;
use crate::error::PopError;
use crate::patience::{self, Patience};
use crate::sync::Arc;

/// An end that pops; clone it for more. Dropping the last one closes the ring; what is left is
/// dropped with the last end of either kind.
pub struct Receiver<T> {
    shared: Arc<Shared<Ring<T>>>,
    /// The position that was next when this end last found the ring empty.
    emptied: usize,
    patience: Patience,
}

impl<T> Receiver<T> {
    pub(super) fn new(shared: Arc<Shared<Ring<T>>>) -> Self {
        Self {
            shared,
            emptied: START,
            patience: Patience::NEW,
        }
    }

    /// Takes the oldest value out. Waits only for a sender in the middle of filling the slot.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] when nothing is there, [`PopError::Closed`] when the ring is closed and
    /// everything accepted before has been popped.
    ///
    /// ```
    /// use pelton_queue::{PopError, mpmc};
    ///
    /// let (mut sender, mut receiver) = mpmc::channel(8);
    /// assert_eq!(receiver.pop(), Err(PopError::Empty));
    /// sender.push('x').unwrap();
    /// sender.close();
    /// assert_eq!(receiver.pop(), Ok('x'));
    /// assert_eq!(receiver.pop(), Err(PopError::Closed));
    /// ```
    #[inline]
    pub fn pop(&mut self) -> Result<T, PopError> {
        match self.shared.queue.pop() {
            Err(PopError::Empty) if self.finds_late() => self.shared.queue.pop(),
            popped => popped,
        }
    }

    /// Moves up to `max` values that are ready in a row to the end of `values`, and says how many.
    ///
    /// One claim for all of them. Allocates only if `values` lacks the capacity.
    /// O(values moved).
    ///
    /// # Errors
    ///
    /// As for [`pop`](Self::pop), when there is nothing to move.
    ///
    /// ```
    /// let (mut sender, mut receiver) = pelton_queue::mpmc::channel(4);
    /// sender.push_slice(&[1, 2, 3]).unwrap();
    /// let mut values = Vec::new();
    /// assert_eq!(receiver.pop_into(&mut values, 64), Ok(3));
    /// assert_eq!(values, [1, 2, 3]);
    /// ```
    #[inline]
    pub fn pop_into(&mut self, values: &mut Vec<T>, max: usize) -> Result<usize, PopError> {
        if max == 0 {
            return Ok(0);
        }
        match self.shared.queue.pop_many(values, max) {
            Err(PopError::Empty) if self.finds_late() => self.shared.queue.pop_many(values, max),
            popped => popped,
        }
    }

    /// The ring was found empty: looks again, if waiting a moment is what pays.
    #[cold]
    fn finds_late(&mut self) -> bool {
        let head = self.shared.queue.head();
        let run = Ring::<T>::between(self.emptied, head);
        self.emptied = head;
        if self.patience.is_late() {
            self.patience = self.patience.judge(run);
        } else {
            self.patience.learn(run);
        }
        if !self.patience.is_late() {
            return false;
        }
        patience::wait_slow();
        let found = self.looks_ready();
        if !found {
            self.patience = self.patience.judge(0);
        }
        found
    }

    /// A glance at the slot of the oldest value: true when it can be popped. False tells little:
    /// the ring may be closed, or a sender in the middle of filling that slot. For whoever looks
    /// again and again: each [`pop`](Self::pop) of an empty ring takes a line of the cache away
    /// from the senders, which they must fetch back, and a glance does not.
    ///
    /// ```
    /// let (mut sender, mut receiver) = pelton_queue::mpmc::channel(4);
    /// assert!(!receiver.looks_ready());
    /// sender.push(1).unwrap();
    /// assert!(receiver.looks_ready());
    /// # receiver.pop().unwrap();
    /// ```
    #[must_use]
    #[inline]
    pub fn looks_ready(&self) -> bool {
        self.shared.queue.looks_ready()
    }

    /// Pops one by one until nothing is there.
    pub fn iter(&mut self) -> Iter<'_, Self> {
        Iter::new(self)
    }

    /// Closes the ring: no push is accepted any more; what was accepted can still be popped.
    pub fn close(&self) {
        self.shared.queue.close();
    }

    /// True once the ring is closed; values may still be waiting.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.queue.is_closed()
    }

    /// How many values are waiting, at some moment during the call.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.queue.len()
    }

    /// True if no value is waiting.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values the ring holds at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.queue.capacity()
    }
}

impl<T> Pop for Receiver<T> {
    type Item = T;

    #[inline]
    fn pop(&mut self) -> Result<T, PopError> {
        Self::pop(self)
    }

    #[inline]
    fn looks_ready(&self) -> bool {
        Self::looks_ready(self)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.shared.add_receiver();
        Self {
            emptied: self.emptied,
            patience: Patience::NEW,
            shared: self.shared.clone(),
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if self.shared.drop_receiver() {
            self.shared.queue.close();
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
