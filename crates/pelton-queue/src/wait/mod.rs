//! Waiting, for any queue: ends that block a thread, or that are awaited.
//!
//! The queues themselves never wait. [`pair`] puts a waiting end around each end of one:
//!
//! ```
//! use pelton_queue::{Closed, spsc, wait};
//!
//! let (mut producer, mut consumer) = wait::pair(spsc::channel(4));
//! let thread = std::thread::spawn(move || {
//!     for value in 0..1000 {
//!         producer.push(value).unwrap(); // waits for room
//!     }
//! });
//! let mut sum = 0;
//! while let Ok(value) = consumer.pop() {
//!     sum += value; // the error is Closed: the producer is gone and all is drained
//! }
//! assert_eq!(sum, 499_500);
//! thread.join().unwrap();
//! ```
//!
//! # How it waits
//!
//! A blocking end tries for about a microsecond, then joins a line and parks. An awaited end joins
//! the same line with its task's waker, so threads and tasks can wait side by side, and no runtime
//! is needed. Each push wakes one who waits to pop, each pop one who waits to push, closing and
//! dropping an end all.
//!
//! # What it costs
//!
//! A fence on each push and pop, about ten nanoseconds on x86, and a lock only when somebody waits.
//! Batches through [`Waiting::wait`] pay once. A thread allocates its parking place at its first
//! wait with an end; after that waiting allocates nothing.

mod event;
mod turn;

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc as StdArc;
use std::task::{Poll, Wake, Waker};
use std::time::{Duration, Instant};

use crate::end::{Pop, Push};
use crate::error::{Closed, PopError, PushError};
use crate::sync::{Arc, Backoff, Parker, Unparker, scaled};
use event::Event;
use turn::Turn;

/// Tries before a thread parks: all the steps of a [`Backoff`], about a microsecond and then some
/// yields. A model goes straight to the line, which is what it is about.
const TRIES: usize = scaled(11, 0);

/// Makes waiting ends of the two ends of one queue.
///
/// Both ends must go in together, as a channel gives them, and before either is cloned: ends that
/// are not wrapped wake nobody.
#[must_use]
pub fn pair<P: Push, C: Pop>((pushing, popping): (P, C)) -> (Waiting<P>, Waiting<C>) {
    let room = Arc::new(Event::default());
    let values = Arc::new(Event::default());
    let push = Waiting {
        end: pushing,
        place: Place::new(room.clone(), values.clone()),
    };
    let pop = Waiting {
        end: popping,
        place: Place::new(values, room),
    };
    (push, pop)
}

/// An end that can wait; made by [`pair`], cloned if the end inside can be.
#[derive(Debug)]
pub struct Waiting<E> {
    // Dropped first: a drop may close the queue, and then the place wakes those who wait.
    end: E,
    place: Place,
}

/// Where an end waits, and whom it wakes.
#[derive(Debug)]
struct Place {
    own: Arc<Event>,
    other: Arc<Event>,
    /// Made at the first blocking wait.
    parking: Option<(Parker, Waker)>,
}

impl Place {
    fn new(own: Arc<Event>, other: Arc<Event>) -> Self {
        Self {
            own,
            other,
            parking: None,
        }
    }

    fn notify_everybody(&self) {
        self.own.notify_all();
        self.other.notify_all();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.notify_everybody();
    }
}

struct ThreadWaker(Unparker);

impl Wake for ThreadWaker {
    fn wake(self: StdArc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &StdArc<Self>) {
        self.0.unpark();
    }
}

fn new_parking() -> (Parker, Waker) {
    let parker = Parker::new();
    let waker = StdArc::new(ThreadWaker(parker.unparker())).into();
    (parker, waker)
}

impl<E> Waiting<E> {
    /// Tries `attempt` on the end inside until it is ready, waiting in between, and then wakes all
    /// on the other side. Meant for batches:
    ///
    /// ```
    /// use std::task::Poll;
    /// use pelton_queue::{PopError, mpmc, wait};
    ///
    /// let (mut sender, mut receiver) = wait::pair(mpmc::channel(64));
    /// sender.push(1).unwrap();
    /// let mut values = Vec::new();
    /// let count = receiver.wait(|end| match end.pop_into(&mut values, 16) {
    ///     Err(PopError::Empty) => Poll::Pending,
    ///     result => Poll::Ready(result),
    /// });
    /// assert_eq!(count, Ok(1));
    /// ```
    pub fn wait<R>(&mut self, attempt: impl FnMut(&mut E) -> Poll<R>) -> R {
        let Ok(result) = self.wait_with(|_| true, attempt, forever);
        self.place.other.notify_all();
        result
    }

    /// As [`wait`](Self::wait), for a task. Cancel safe: dropped while it waits, it has done
    /// nothing.
    pub async fn wait_async<R>(&mut self, attempt: impl FnMut(&mut E) -> Poll<R>) -> R {
        let result = self.poll_until(attempt).await;
        self.place.other.notify_all();
        result
    }

    /// Closes by way of `close`, which is given the end inside, and wakes everybody.
    ///
    /// ```
    /// use pelton_queue::{Closed, mpmc, wait};
    ///
    /// let (mut sender, receiver) = wait::pair(mpmc::channel(64));
    /// receiver.close_with(|end| end.close());
    /// assert_eq!(sender.push(1), Err(Closed(1)));
    /// ```
    pub fn close_with(&self, close: impl FnOnce(&E)) {
        close(&self.end);
        self.place.notify_everybody();
    }

    /// Another end, which waits where this one does and wakes whom it wakes: for one that is made
    /// of several queues, or works before it gives.
    ///
    /// ```
    /// use pelton_queue::{Pop, PopError, mpmc, wait};
    ///
    /// /// Pops words, and says them aloud.
    /// struct Loud(mpmc::Receiver<String>);
    ///
    /// impl Pop for Loud {
    ///     type Item = String;
    ///
    ///     fn pop(&mut self) -> Result<String, PopError> {
    ///         self.0.pop().map(|word| word.to_uppercase())
    ///     }
    /// }
    ///
    /// let (mut sender, receiver) = wait::pair(mpmc::channel(64));
    /// let mut loud = receiver.beside(Loud(receiver.end().clone()));
    /// sender.push("hello".to_owned()).unwrap();
    /// assert_eq!(loud.pop().unwrap(), "HELLO");
    /// ```
    pub fn beside<F>(&self, end: F) -> Waiting<F> {
        Waiting {
            end,
            place: Place::new(self.place.own.clone(), self.place.other.clone()),
        }
    }

    /// The end inside, to ask for its length or capacity.
    pub const fn end(&self) -> &E {
        &self.end
    }

    /// Tries until it is ready or `park` does not want to go on; before it parks for the first
    /// time only where there is `hope`. Wakes nobody.
    fn wait_with<R, X>(
        &mut self,
        hope: impl Fn(&E) -> bool,
        mut attempt: impl FnMut(&mut E) -> Poll<R>,
        park: impl Fn(&Parker) -> Result<(), X>,
    ) -> Result<R, X> {
        let hopeful = |end: &mut E| match hope(end) {
            true => attempt(end),
            false => Poll::Pending,
        };
        match self.try_for_a_while(hopeful) {
            Some(result) => Ok(result),
            None => self.wait_in_line(attempt, park),
        }
    }

    /// Tries as long as that costs less than to park; none when it was never ready.
    fn try_for_a_while<R>(&mut self, mut attempt: impl FnMut(&mut E) -> Poll<R>) -> Option<R> {
        let mut backoff = Backoff::new();
        for _ in 0..TRIES {
            if let Poll::Ready(result) = attempt(&mut self.end) {
                return Some(result);
            }
            backoff.snooze();
        }
        None
    }

    /// As `wait_with`, without trying for a while first.
    fn wait_in_line<R, X>(
        &mut self,
        mut attempt: impl FnMut(&mut E) -> Poll<R>,
        park: impl Fn(&Parker) -> Result<(), X>,
    ) -> Result<R, X> {
        let (parker, waker) = self.place.parking.get_or_insert_with(new_parking);
        let mut turn = Turn::new(&self.place.own);
        loop {
            let result = turn.try_in_line(waker, || attempt(&mut self.end));
            if let Poll::Ready(result) = result {
                return Ok(result);
            }
            park(parker)?;
        }
    }

    /// Wakes nobody.
    async fn poll_until<R>(&mut self, mut attempt: impl FnMut(&mut E) -> Poll<R>) -> R {
        let mut turn = Turn::new(&self.place.own);
        poll_fn(|context| turn.poll(context, || attempt(&mut self.end))).await
    }
}

impl<E: Push> Waiting<E> {
    /// Puts `value` in if there is room now.
    ///
    /// # Errors
    ///
    /// As the end inside: full or closed.
    pub fn try_push(&mut self, value: E::Item) -> Result<(), PushError<E::Item>> {
        self.end.push(value)?;
        self.place.other.notify(1);
        Ok(())
    }

    /// Puts `value` in if there is room now, and wakes nobody: for a caller who knows that somebody
    /// will look, or calls [`wake`](Self::wake) next. A value that nobody was woken for waits until
    /// somebody looks.
    ///
    /// ```
    /// use pelton_queue::{mpmc, wait};
    ///
    /// let (mut sender, mut receiver) = wait::pair(mpmc::channel(64));
    /// sender.try_push_quietly(1).unwrap();
    /// sender.try_push_quietly(2).unwrap();
    /// sender.wake(); // one for both
    /// assert_eq!((receiver.pop(), receiver.pop()), (Ok(1), Ok(2)));
    /// ```
    ///
    /// # Errors
    ///
    /// As the end inside: full or closed.
    pub fn try_push_quietly(&mut self, value: E::Item) -> Result<(), PushError<E::Item>> {
        self.end.push(value)
    }

    /// Wakes one who waits to pop, if somebody does.
    pub fn wake(&self) {
        self.place.other.notify(1);
    }

    /// Puts `value` in, waiting for room.
    ///
    /// # Errors
    ///
    /// [`Closed`] gives it back.
    pub fn push(&mut self, value: E::Item) -> Result<(), Closed<E::Item>> {
        let mut value = Some(value);
        let poll = |end: &mut E| poll_push(end, &mut value);
        let Ok(result) = self.wait_with(|_| true, poll, forever);
        self.pushed(result)
    }

    /// Puts `value` in, waiting for room at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`] when there was no room in time, or [`PushError::Closed`].
    pub fn push_timeout(
        &mut self,
        value: E::Item,
        timeout: Duration,
    ) -> Result<(), PushError<E::Item>> {
        let mut value = Some(value);
        let poll = |end: &mut E| poll_push(end, &mut value);
        if let Ok(result) = self.wait_with(|_| true, poll, until(timeout)) {
            let closed = |Closed(value)| PushError::Closed(value);
            return self.pushed(result).map_err(closed);
        }
        // What the last try gave back.
        value.map_or(Ok(()), |value| Err(PushError::Full(value)))
    }

    /// Puts `value` in, waiting for room as a task. Dropped while it waits, it drops `value`, which
    /// has not been pushed.
    ///
    /// # Errors
    ///
    /// [`Closed`] gives the value back.
    pub async fn push_async(&mut self, value: E::Item) -> Result<(), Closed<E::Item>> {
        let mut value = Some(value);
        let result = self.poll_until(|end| poll_push(end, &mut value)).await;
        self.pushed(result)
    }

    fn pushed<T>(&self, result: Result<(), T>) -> Result<(), T> {
        if result.is_ok() {
            self.place.other.notify(1);
        }
        result
    }
}

impl<E: Pop> Waiting<E> {
    /// As [`wait`](Self::wait), for attempts to pop: as long as this thread tries before it parks,
    /// it attempts only when the end [looks ready](Pop::looks_ready). What a glance does not show,
    /// that nothing more will come, the last attempts before it parks do.
    ///
    /// ```
    /// use std::task::Poll;
    /// use pelton_queue::{PopError, mpmc, wait};
    ///
    /// let (mut sender, mut receiver) = wait::pair(mpmc::channel(64));
    /// sender.push(1).unwrap();
    /// let mut values = Vec::new();
    /// let count = receiver.wait_glancing(|end| match end.pop_into(&mut values, 16) {
    ///     Err(PopError::Empty) => Poll::Pending,
    ///     result => Poll::Ready(result),
    /// });
    /// assert_eq!(count, Ok(1));
    /// ```
    pub fn wait_glancing<R>(&mut self, attempt: impl FnMut(&mut E) -> Poll<R>) -> R {
        let Ok(result) = self.wait_with(E::looks_ready, attempt, forever);
        self.place.other.notify_all();
        result
    }

    /// Takes the oldest value out if there is one now.
    ///
    /// # Errors
    ///
    /// As the end inside: empty or closed.
    pub fn try_pop(&mut self) -> Result<E::Item, PopError> {
        let value = self.end.pop()?;
        self.place.other.notify(1);
        Ok(value)
    }

    /// Takes the oldest value out, waiting for one.
    ///
    /// # Errors
    ///
    /// [`Closed`] when all has been drained and nothing will come any more.
    pub fn pop(&mut self) -> Result<E::Item, Closed> {
        let Ok(result) = self.wait_with(E::looks_ready, poll_pop, forever);
        self.popped(result)
    }

    /// Takes the oldest value out, waiting for one at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] when none came in time, or [`PopError::Closed`].
    pub fn pop_timeout(&mut self, timeout: Duration) -> Result<E::Item, PopError> {
        let result = self
            .wait_with(E::looks_ready, poll_pop, until(timeout))
            .map_err(|()| PopError::Empty)?;
        self.popped(result).map_err(|_| PopError::Closed)
    }

    /// As [`pop`](Self::pop) and [`pop_timeout`](Self::pop_timeout), but joins the line of those
    /// who wait at once: for a caller who has tried for a while already.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] when none came within `timeout`, or [`PopError::Closed`].
    pub fn pop_in_line(&mut self, timeout: Option<Duration>) -> Result<E::Item, PopError> {
        let result = match timeout {
            Some(timeout) => self.wait_in_line(poll_pop, until(timeout)),
            None => self.wait_in_line(poll_pop, |parker: &Parker| {
                parker.park();
                Ok(())
            }),
        };
        let result = result.map_err(|()| PopError::Empty)?;
        self.popped(result).map_err(|_| PopError::Closed)
    }

    /// Takes the oldest value out, waiting for one as a task. Cancel safe: dropped while it waits,
    /// it has taken nothing.
    ///
    /// # Errors
    ///
    /// As for [`pop`](Self::pop).
    pub async fn pop_async(&mut self) -> Result<E::Item, Closed> {
        let result = self.poll_until(poll_pop).await;
        self.popped(result)
    }

    fn popped(&self, result: Result<E::Item, Closed>) -> Result<E::Item, Closed> {
        if result.is_ok() {
            self.place.other.notify(1);
        }
        result
    }
}

/// Parks as long as it takes.
fn forever(parker: &Parker) -> Result<(), Infallible> {
    parker.park();
    Ok(())
}

/// Parks until `timeout` from now is over.
fn until(timeout: Duration) -> impl Fn(&Parker) -> Result<(), ()> {
    let start = Instant::now();
    move |parker| {
        let left = timeout.checked_sub(start.elapsed()).ok_or(())?;
        parker.park_timeout(left);
        Ok(())
    }
}

fn poll_push<E: Push>(
    end: &mut E,
    value: &mut Option<E::Item>,
) -> Poll<Result<(), Closed<E::Item>>> {
    let taken = value.take().expect("polled again after it was ready");
    match end.push(taken) {
        Ok(()) => Poll::Ready(Ok(())),
        Err(PushError::Closed(back)) => Poll::Ready(Err(Closed(back))),
        Err(PushError::Full(back)) => {
            *value = Some(back);
            Poll::Pending
        }
    }
}

fn poll_pop<E: Pop>(end: &mut E) -> Poll<Result<E::Item, Closed>> {
    match end.pop() {
        Ok(value) => Poll::Ready(Ok(value)),
        Err(PopError::Empty) => Poll::Pending,
        Err(PopError::Closed) => Poll::Ready(Err(Closed(()))),
    }
}

impl<E: Clone> Clone for Waiting<E> {
    fn clone(&self) -> Self {
        self.beside(self.end.clone())
    }
}
