//! The popping end.

use std::fmt;

use super::list::List;
use crate::end::{Iter, Pop};
use crate::ends::Shared;
use crate::error::PopError;
use crate::sync::Arc;

/// An end that pops; clone it for more. Dropping the last one closes the queue; what is left is
/// dropped with the last end of either kind.
pub struct Receiver<T> {
    shared: Arc<Shared<List<T>>>,
    /// Some tail of the past, so that most pops need not read the real one.
    tail_seen: usize,
}

impl<T> Receiver<T> {
    pub(super) fn new(shared: Arc<Shared<List<T>>>) -> Self {
        Self {
            shared,
            tail_seen: 0,
        }
    }

    /// Takes the oldest value out. Waits only for a sender in the middle of filling the slot.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] when nothing is there, [`PopError::Closed`] when the queue is closed and
    /// everything accepted before has been popped.
    ///
    /// ```
    /// use pelton_queue::{PopError, unbounded};
    ///
    /// let (mut sender, mut receiver) = unbounded::channel();
    /// assert_eq!(receiver.pop(), Err(PopError::Empty));
    /// sender.push('x').unwrap();
    /// sender.close();
    /// assert_eq!(receiver.pop(), Ok('x'));
    /// assert_eq!(receiver.pop(), Err(PopError::Closed));
    /// ```
    #[inline]
    pub fn pop(&mut self) -> Result<T, PopError> {
        let sole = self.shared.sole_receiver();
        self.shared.queue.pop(sole, &mut self.tail_seen)
    }

    /// Moves up to `max` values of the oldest block to the end of `values`, and says how many.
    ///
    /// One claim for all of them. Allocates only if `values` lacks the capacity.
    /// O(values moved).
    ///
    /// # Errors
    ///
    /// As for [`pop`](Self::pop), when there is nothing to move.
    ///
    /// ```
    /// let (mut sender, mut receiver) = pelton_queue::unbounded::channel();
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
        let sole = self.shared.sole_receiver();
        let seen = &mut self.tail_seen;
        self.shared.queue.pop_many(sole, seen, values, max)
    }

    /// Pops one by one until nothing is there.
    pub fn iter(&mut self) -> Iter<'_, Self> {
        Iter::new(self)
    }

    /// Closes the queue: no push is accepted any more; what was accepted can still be popped.
    pub fn close(&self) {
        self.shared.queue.close();
    }

    /// True once the queue is closed; values may still be waiting.
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
}

impl<T> Pop for Receiver<T> {
    type Item = T;

    #[inline]
    fn pop(&mut self) -> Result<T, PopError> {
        Self::pop(self)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.shared.add_receiver();
        Self {
            shared: self.shared.clone(),
            tail_seen: self.tail_seen,
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
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
