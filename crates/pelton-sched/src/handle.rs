//! The result of one task, for whoever waits for it.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc as StdArc;
use std::task::{Context, Poll, Wake, Waker};

use crate::error::JoinError;
use crate::shared::Shared;
use crate::sync::{Arc, Mutex, Parker, Unparker, lock};
use crate::worker::{self, Worker};

/// What a task leaves and its handle takes.
struct Packet<T> {
    state: Mutex<State<T>>,
}

enum State<T> {
    /// No result yet; who waits for it, if somebody does.
    Pending(Option<Waker>),
    Done(Result<T, JoinError>),
    Taken,
}

/// The task's side: puts one result, and [`JoinError::Cancelled`] if it is dropped without.
pub(crate) struct Promise<T> {
    packet: Option<Arc<Packet<T>>>,
}

/// Waits for a task; dropping it lets the task go on by itself.
///
/// Blocks with [`join`](Self::join), or is awaited as a future.
#[must_use = "a task whose result nobody needs is spawned without a handle"]
pub struct JoinHandle<T> {
    packet: Arc<Packet<T>>,
}

/// A promise and its handle.
pub(crate) fn pair<T>() -> (Promise<T>, JoinHandle<T>) {
    let packet = Arc::new(Packet {
        state: Mutex::new(State::Pending(None)),
    });
    let promise = Promise {
        packet: Some(packet.clone()),
    };
    (promise, JoinHandle { packet })
}

impl<T> Packet<T> {
    fn put(&self, result: Result<T, JoinError>) {
        let before = mem::replace(&mut *lock(&self.state), State::Done(result));
        if let State::Pending(Some(waker)) = before {
            waker.wake();
        }
    }

    fn is_done(&self) -> bool {
        !matches!(*lock(&self.state), State::Pending(_))
    }
}

impl<T> Promise<T> {
    /// Puts the result, and drops it instead if the handle is gone.
    pub(crate) fn keep(mut self, result: Result<T, JoinError>) {
        if let Some(packet) = self.packet.take() {
            packet.put(result);
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        if let Some(packet) = self.packet.take() {
            packet.put(Err(JoinError::Cancelled));
        }
    }
}

impl<T> JoinHandle<T> {
    /// True once [`join`](Self::join) would not wait.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.packet.is_done()
    }

    /// Waits for the task and takes its result.
    ///
    /// A worker that waits runs other tasks meanwhile; another thread sleeps.
    ///
    /// # Errors
    ///
    /// [`JoinError::Panicked`] with the payload when the task panicked, and
    /// [`JoinError::Cancelled`] when it was dropped by an abort.
    ///
    /// # Panics
    ///
    /// When the handle was polled to its end before.
    pub fn join(self) -> Result<T, JoinError> {
        worker::with_current(|worker| match worker {
            Some(worker) => self.wait_on(worker),
            None => self.wait_parked(),
        });
        match mem::replace(&mut *lock(&self.packet.state), State::Taken) {
            State::Done(result) => result,
            State::Pending(_) | State::Taken => panic!("the result was taken before"),
        }
    }

    fn wait_on(&self, worker: &Worker) {
        let bell = Waker::from(StdArc::new(WorkerBell {
            shared: worker.shared().clone(),
            worker: worker.index(),
        }));
        if self.set_waker(&bell) {
            worker.work_until(&|| self.packet.is_done());
        }
    }

    fn wait_parked(&self) {
        let parker = Parker::new();
        let bell = Waker::from(StdArc::new(ThreadBell(parker.unparker())));
        if self.set_waker(&bell) {
            while !self.packet.is_done() {
                parker.park();
            }
        }
    }

    /// False when there is nothing left to wait for.
    fn set_waker(&self, waker: &Waker) -> bool {
        // Made and dropped without the lock: a waker runs foreign code, and with the last waker of
        // a future may go the promise of this very handle.
        let waker = waker.clone();
        let before = match &mut *lock(&self.packet.state) {
            State::Pending(place) => place.replace(waker),
            State::Done(_) | State::Taken => return false,
        };
        drop(before);
        true
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    /// # Panics
    ///
    /// When it was polled to its end before.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.set_waker(context.waker()) {
            return Poll::Pending;
        }
        match mem::replace(&mut *lock(&self.packet.state), State::Taken) {
            State::Done(result) => Poll::Ready(result),
            State::Pending(_) | State::Taken => panic!("the result was taken before"),
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("is_finished", &self.is_finished())
            .finish()
    }
}

/// Wakes a worker that waits.
struct WorkerBell {
    shared: Arc<Shared>,
    worker: usize,
}

impl Wake for WorkerBell {
    fn wake(self: StdArc<Self>) {
        self.shared.sleep().notify(self.worker);
    }
}

/// Wakes a thread outside the pool.
struct ThreadBell(Unparker);

impl Wake for ThreadBell {
    fn wake(self: StdArc<Self>) {
        self.0.unpark();
    }
}
