//! The local queue of one worker and priority: crossbeam's deque, bounded.
//!
//! crossbeam's deque grows and shrinks by allocating; it is kept at its smallest capacity here,
//! and what does not fit is given back to be queued elsewhere.
//! Under `cfg(loom)` a locked deque of the same manners stands in, because crossbeam's own is
//! invisible to a model.

use crate::task::Task;

/// crossbeam's smallest buffer: up to here a push never allocates.
pub(crate) const CAPACITY: usize = 64;

/// How many tasks one steal moves at most; half the thief's empty queue.
pub(crate) const BATCH: usize = CAPACITY / 2;

#[cfg(loom)]
pub(crate) use stand_in::{Local, Remote};

#[cfg(not(loom))]
pub(crate) use real::{Local, Remote};

#[cfg(not(loom))]
mod real {
    use crossbeam_deque::{Steal, Stealer, Worker};

    use super::{BATCH, CAPACITY, Task};

    /// Lost races against other thieves before one gives up for this round.
    const RETRIES: usize = 4;

    /// The owner's end.
    #[derive(Debug)]
    pub(crate) struct Local(Worker<Task>);

    /// A thief's end.
    #[derive(Debug)]
    pub(crate) struct Remote(Stealer<Task>);

    impl Local {
        pub(crate) fn oldest_first() -> Self {
            Self(Worker::new_fifo())
        }

        pub(crate) fn newest_first() -> Self {
            Self(Worker::new_lifo())
        }

        pub(crate) fn remote(&self) -> Remote {
            Remote(self.0.stealer())
        }

        #[inline]
        pub(crate) fn push(&self, task: Task) -> Result<(), Task> {
            if self.0.len() < CAPACITY {
                self.0.push(task);
                Ok(())
            } else {
                Err(task)
            }
        }

        #[inline]
        pub(crate) fn pop(&self) -> Option<Task> {
            self.0.pop()
        }

        pub(crate) fn len(&self) -> usize {
            self.0.len()
        }

        /// Fetches the cells of a batch that was stolen just now: one after the other would be as
        /// many waits for the core they came from. The deque shows nobody what lies in it, so they
        /// are taken out and put back; in a queue that is not newest first that would reorder them.
        pub(crate) fn prefetch_newest(&self) {
            let mut batch = [const { None }; BATCH];
            let mut count = 0;
            while let Some(place) = batch.get_mut(count)
                && let Some(task) = self.pop()
            {
                task.prefetch();
                *place = Some(task);
                count += 1;
            }
            for task in batch.into_iter().take(count).rev().flatten() {
                self.0.push(task);
            }
        }
    }

    impl Remote {
        pub(crate) fn is_empty(&self) -> bool {
            self.0.is_empty()
        }

        /// Moves about half of the queue, at most a batch, into `thief`, and takes the oldest.
        pub(crate) fn steal_batch(&self, thief: &Local) -> Option<Task> {
            let limit = BATCH.min(CAPACITY - thief.len()).max(1);
            retry(|| self.0.steal_batch_with_limit_and_pop(&thief.0, limit))
        }
    }

    fn retry(mut attempt: impl FnMut() -> Steal<Task>) -> Option<Task> {
        (0..RETRIES)
            .map(|_| attempt())
            .find(|steal| !steal.is_retry())?
            .success()
    }
}

#[cfg(loom)]
mod stand_in {
    use std::collections::VecDeque;

    use super::{BATCH, CAPACITY, Task};
    use crate::sync::{Arc, Mutex, lock};

    /// The owner's end.
    #[derive(Debug)]
    pub(crate) struct Local {
        queue: Arc<Mutex<VecDeque<Task>>>,
        newest_first: bool,
    }

    /// A thief's end.
    #[derive(Debug)]
    pub(crate) struct Remote(Arc<Mutex<VecDeque<Task>>>);

    impl Local {
        fn new(newest_first: bool) -> Self {
            Self {
                queue: Arc::new(Mutex::new(VecDeque::new())),
                newest_first,
            }
        }

        pub(crate) fn oldest_first() -> Self {
            Self::new(false)
        }

        pub(crate) fn newest_first() -> Self {
            Self::new(true)
        }

        pub(crate) fn remote(&self) -> Remote {
            Remote(self.queue.clone())
        }

        pub(crate) fn push(&self, task: Task) -> Result<(), Task> {
            let mut queue = lock(&self.queue);
            if queue.len() < CAPACITY {
                queue.push_back(task);
                Ok(())
            } else {
                Err(task)
            }
        }

        pub(crate) fn pop(&self) -> Option<Task> {
            let mut queue = lock(&self.queue);
            if self.newest_first {
                queue.pop_back()
            } else {
                queue.pop_front()
            }
        }

        pub(crate) fn len(&self) -> usize {
            lock(&self.queue).len()
        }

        pub(crate) fn prefetch_newest(&self) {}
    }

    impl Remote {
        pub(crate) fn is_empty(&self) -> bool {
            lock(&self.0).is_empty()
        }

        pub(crate) fn steal_batch(&self, thief: &Local) -> Option<Task> {
            let batch: Vec<Task> = {
                let mut queue = lock(&self.0);
                let half = queue.len().div_ceil(2).min(BATCH);
                queue.drain(..half).collect()
            };
            let mut batch = batch.into_iter();
            let first = batch.next();
            batch.for_each(|task| thief.push(task).expect("a batch fits an empty queue"));
            first
        }
    }
}
