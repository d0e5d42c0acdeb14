//! Futures as tasks: what waits for a queue holds no worker, and its waker queues it again.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc as StdArc;
use std::task::{Context, Poll, Wake, Waker};

use crate::Priority;
use crate::error::JoinError;
use crate::handle::Promise;
use crate::injector::Gate;
use crate::shared::Shared;
use crate::sync::{Arc, Mutex, lock};
use crate::task::{Blank, Task};
use crate::wake::WakeState;
use crate::worker::{self, Worker};

/// A future on its way, owned by the queue or by its wakers.
struct FutureTask<F: Future> {
    state: WakeState,
    /// Empty once it ended. The state lets one worker at a time in; the lock costs one exchange
    /// and spares the proof.
    body: Mutex<Option<Body<F>>>,
    priority: Priority,
    shared: Arc<Shared>,
}

struct Body<F: Future> {
    future: Pin<Box<F>>,
    promise: Promise<F::Output>,
}

/// The task that polls `future` for the first time.
pub(crate) fn task<F>(
    shared: &Arc<Shared>,
    blank: Blank,
    priority: Priority,
    future: F,
    promise: Promise<F::Output>,
) -> Task
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    shared.begin_future();
    let future = Box::pin(future);
    StdArc::new(FutureTask {
        state: WakeState::queued(),
        body: Mutex::new(Some(Body { future, promise })),
        priority,
        shared: shared.clone(),
    })
    .into_task(blank)
}

impl<F> FutureTask<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn into_task(self: StdArc<Self>, blank: Blank) -> Task {
        Task::detached(blank, move |worker| self.poll(worker))
    }

    fn poll(self: StdArc<Self>, worker: &Worker) {
        self.state.begin();
        let waker = Waker::from(self.clone());
        if let Some(result) = self.poll_body(&mut Context::from_waker(&waker)) {
            self.state.end();
            self.finish(worker, result);
        } else if self.state.suspend() {
            // Woken meanwhile: to the back of the queue, behind those who waited.
            let priority = self.priority;
            worker.spawn(priority, self.into_task(worker.blank()));
        }
    }

    /// The result, or the panic, of one poll; none when the future waits.
    fn poll_body(&self, context: &mut Context<'_>) -> Option<Result<F::Output, JoinError>> {
        let mut place = lock(&self.body);
        let body = place.as_mut()?;
        let polled = catch_unwind(AssertUnwindSafe(|| body.future.as_mut().poll(context)));
        match polled {
            Ok(Poll::Pending) => None,
            Ok(Poll::Ready(value)) => Some(Ok(value)),
            Err(payload) => Some(Err(JoinError::Panicked(payload))),
        }
    }

    fn finish(&self, worker: &Worker, result: Result<F::Output, JoinError>) {
        let body = lock(&self.body).take();
        if let Err(JoinError::Panicked(payload)) = &result {
            self.shared.announce_panic(Some(worker.index()), &**payload);
        }
        if let Some(Body { future, promise }) = body {
            // Counted as ended even if the waker of the handle, or the destructor of the result or
            // of the future panics, which the worker reports.
            let _end = EndFuture(&self.shared);
            promise.keep(result);
            drop(future);
        }
    }

    fn queue(self: StdArc<Self>) {
        let (shared, priority) = (self.shared.clone(), self.priority);
        worker::with_current(|worker| match Worker::of(worker, &shared) {
            Some(worker) => worker.spawn(priority, self.into_task(worker.blank())),
            None => {
                // After an abort nothing is queued; the future is dropped with its last waker.
                if let Some(mut door) = shared.injector().open(priority, Gate::KnownOnly) {
                    let blank = door.blank();
                    door.push(self.into_task(blank));
                    shared.sleep().notify_one();
                }
            }
        });
    }
}

impl<F> Wake for FutureTask<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn wake(self: StdArc<Self>) {
        if self.state.wake() {
            self.queue();
        }
    }

    fn wake_by_ref(self: &StdArc<Self>) {
        if self.state.wake() {
            self.clone().queue();
        }
    }
}

impl<F: Future> Drop for FutureTask<F> {
    /// With its last waker goes a future that did not end.
    fn drop(&mut self) {
        if let Some(body) = lock(&self.body).take() {
            let _end = EndFuture(&self.shared);
            drop(body);
        }
    }
}

/// Counts a future as ended when it is dropped.
struct EndFuture<'a>(&'a Shared);

impl Drop for EndFuture<'_> {
    fn drop(&mut self) {
        self.0.end_future();
    }
}
