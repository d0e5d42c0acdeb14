//! The pushing end.

use std::collections::VecDeque;
use std::fmt;

use super::START;
use super::ring::Ring;
use crate::end::Push;
use crate::ends::Shared;
use crate::error::PushError;
use crate::sync::Arc;

/// An end that pushes; clone it for more. Dropping the last one closes the ring.
pub struct Sender<T> {
    shared: Arc<Shared<Ring<T>>>,
    /// Some head of the past, so that most pushes need not read the real one.
    head_seen: usize,
}

impl<T> Sender<T> {
    pub(super) fn new(shared: Arc<Shared<Ring<T>>>) -> Self {
        Self {
            shared,
            head_seen: START,
        }
    }

    /// Puts `value` in. Waits only for a receiver in the middle of leaving the slot.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`] when [`capacity`](Self::capacity) values are waiting, or
    /// [`PushError::Closed`]; both give `value` back.
    ///
    /// ```
    /// use pelton_queue::{PushError, mpmc};
    ///
    /// let (mut sender, receiver) = mpmc::channel(1);
    /// assert_eq!(sender.push(1), Ok(()));
    /// assert_eq!(sender.push(2), Err(PushError::Full(2)));
    /// drop(receiver);
    /// assert_eq!(sender.push(3), Err(PushError::Closed(3)));
    /// ```
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), PushError<T>> {
        self.shared.queue.push(&mut self.head_seen, value)
    }

    /// Puts in as many of `values` as there are free slots in a row, from the first on, and says
    /// how many. They stay together: no other sender's value comes between.
    ///
    /// One claim for all of them. O(values pushed).
    ///
    /// # Errors
    ///
    /// [`PushError::Full`] when not one of several fits, or [`PushError::Closed`].
    ///
    /// ```
    /// let (mut sender, mut receiver) = pelton_queue::mpmc::channel(3);
    /// assert_eq!(sender.push_slice(&[1, 2, 3, 4]), Ok(3));
    /// assert_eq!(receiver.pop(), Ok(1));
    /// ```
    #[inline]
    pub fn push_slice(&mut self, values: &[T]) -> Result<usize, PushError>
    where
        T: Copy,
    {
        if values.is_empty() {
            return self.nothing_to_push();
        }
        // SAFETY: the slice holds that many values, and they are `Copy`.
        unsafe {
            self.shared
                .queue
                .push_many(&mut self.head_seen, values.as_ptr(), values.len())
        }
    }

    /// Moves in as many of `values` as there are free slots in a row, from the front on, and says
    /// how many. The rest stays in `values`.
    ///
    /// An iterator cannot be pushed by one claim, because it may end or panic after the claim and
    /// leave a hole; collect it into a deque that is kept for the purpose.
    ///
    /// # Errors
    ///
    /// As for [`push_slice`](Self::push_slice); `values` is then untouched.
    ///
    /// ```
    /// let (mut sender, mut receiver) = pelton_queue::mpmc::channel(2);
    /// let mut words = ["to", "be", "or"].map(String::from).into();
    /// assert_eq!(sender.push_from(&mut words), Ok(2));
    /// assert_eq!(words, ["or"]);
    /// ```
    pub fn push_from(&mut self, values: &mut VecDeque<T>) -> Result<usize, PushError> {
        let (first, _) = values.as_slices();
        if first.is_empty() {
            return self.nothing_to_push();
        }
        // SAFETY: that many values lie there, and those moved are forgotten below.
        let count = unsafe {
            self.shared
                .queue
                .push_many(&mut self.head_seen, first.as_ptr(), first.len())?
        };
        values.drain(..count).for_each(std::mem::forget);
        Ok(count)
    }

    /// Closes the ring: no push is accepted any more, by any sender; receivers drain the rest.
    pub fn close(&self) {
        self.shared.queue.close();
    }

    /// True once the ring is closed.
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

    fn nothing_to_push(&self) -> Result<usize, PushError> {
        if self.is_closed() {
            return Err(PushError::Closed(()));
        }
        Ok(0)
    }
}

impl<T> Push for Sender<T> {
    type Item = T;

    #[inline]
    fn push(&mut self, value: T) -> Result<(), PushError<T>> {
        Self::push(self, value)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.add_sender();
        Self {
            shared: self.shared.clone(),
            head_seen: self.head_seen,
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.shared.drop_sender() {
            self.shared.queue.close();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
