//! The pushing end.

use std::collections::VecDeque;
use std::fmt;

use super::list::List;
use crate::end::Push;
use crate::ends::Shared;
use crate::error::{Closed, PushError};
use crate::sync::Arc;

/// An end that pushes; clone it for more. Dropping the last one closes the queue.
pub struct Sender<T> {
    shared: Arc<Shared<List<T>>>,
}

impl<T> Sender<T> {
    pub(super) fn new(shared: Arc<Shared<List<T>>>) -> Self {
        Self { shared }
    }

    /// Puts `value` in. Allocates a block when the last one is full and none is kept spare; waits
    /// only for a sender in the middle of putting the next block in place.
    ///
    /// # Errors
    ///
    /// [`Closed`] gives `value` back.
    ///
    /// ```
    /// use pelton_queue::{Closed, unbounded};
    ///
    /// let (mut sender, receiver) = unbounded::channel();
    /// assert_eq!(sender.push(1), Ok(()));
    /// drop(receiver);
    /// assert_eq!(sender.push(2), Err(Closed(2)));
    /// ```
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), Closed<T>> {
        self.shared.queue.push(value)
    }

    /// Puts in all of `values`, with one claim for each block they fill. Other senders' values may
    /// come between those of different blocks.
    ///
    /// # Errors
    ///
    /// [`Closed`] with what could not be pushed: the tail of `values`, all of it unless the queue
    /// is closed during the call.
    ///
    /// ```
    /// let (mut sender, mut receiver) = pelton_queue::unbounded::channel();
    /// sender.push_slice(&[1, 2, 3]).unwrap();
    /// assert_eq!(receiver.iter().sum::<i32>(), 6);
    /// ```
    pub fn push_slice<'a>(&mut self, values: &'a [T]) -> Result<(), Closed<&'a [T]>>
    where
        T: Copy,
    {
        // SAFETY: the slice holds that many values, and they are `Copy`.
        let count = unsafe { self.shared.queue.push_many(values.as_ptr(), values.len()) };
        if count < values.len() {
            return Err(Closed(&values[count..]));
        }
        Ok(())
    }

    /// Moves in all of `values`, as [`push_slice`](Self::push_slice) does.
    ///
    /// # Errors
    ///
    /// [`Closed`]; what could not be pushed stays in `values`.
    pub fn push_from(&mut self, values: &mut VecDeque<T>) -> Result<(), Closed> {
        while !values.is_empty() {
            let (first, _) = values.as_slices();
            // SAFETY: that many values lie there, and those moved are forgotten below.
            let count = unsafe { self.shared.queue.push_many(first.as_ptr(), first.len()) };
            if count == 0 {
                return Err(Closed(()));
            }
            values.drain(..count).for_each(std::mem::forget);
        }
        Ok(())
    }

    /// Closes the queue: no push is accepted any more, by any sender; receivers drain the rest.
    pub fn close(&self) {
        self.shared.queue.close();
    }

    /// True once the queue is closed.
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

impl<T> Push for Sender<T> {
    type Item = T;

    #[inline]
    fn push(&mut self, value: T) -> Result<(), PushError<T>> {
        Self::push(self, value).map_err(|Closed(value)| PushError::Closed(value))
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.add_sender();
        Self {
            shared: self.shared.clone(),
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
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
