//! A work-stealing scheduler that keeps cores busy, wakes in microseconds, and ends when it is
//! told to.
//!
//! Workers take tasks from queues of their own and steal from each other when those are empty.
//! Tasks have one of three priorities, none of which can starve another; they may borrow
//! ([`scope`](Scheduler::scope), [`join`](Scheduler::join),
//! [`parallel_for`](Scheduler::parallel_for)), be waited for
//! ([`spawn_with_handle`](Scheduler::spawn_with_handle)), or wait themselves without holding a
//! worker ([`spawn_future`](Scheduler::spawn_future)).
//!
//! # Guarantees
//!
//! - Accepted means run: a task that was not refused runs before a drain ends, unless it is
//!   aborted, and then whoever waits is told.
//! - Submitting never blocks on a task, and in steady state a closure of up to [`INLINE_BYTES`]
//!   is submitted without an allocation.
//! - A loaded pool makes no system calls to announce work; an idle one uses no processor time.
//! - A panic reaches whoever waits for the task and the panic hook, never the worker.
//! - A drain with a deadline returns by it and says what is not finished.
//!
//! # Limits
//!
//! - Priorities order what waits; nothing that runs is interrupted.
//! - A worker that waits in a scope runs other tasks meanwhile: do not hold a lock across it that
//!   those take.
//! - The shared queue has a lock for each priority, held for the time of a batch: many threads
//!   that submit at once may wait for each other there.
//! - Queues are unbounded; bound what you submit, or submit from a source that is.
//! - A handle costs one allocation, a future three.
//!
//! # Example
//!
//! ```
//! use pelton_sched::{Priority, Scheduler};
//!
//! let scheduler = Scheduler::builder().workers(2).name("example").build()?;
//!
//! // Borrow, split, wait.
//! let words = ["work", "is", "stolen"];
//! let (front, back) = scheduler.join(|| words[0].len(), || words[1..].concat().len());
//! assert_eq!((front, back), (4, 8));
//!
//! // Submit from any thread; wait for the result.
//! let answer = scheduler.spawn_with_handle(Priority::High, || 6 * 7)?;
//! assert_eq!(answer.join()?, 42);
//!
//! // End: everything that was accepted is finished.
//! assert!(scheduler.drain(None).is_complete);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Start with [`Scheduler`] and [`Scope`]; [`Builder`] has the knobs. The state machines inside
//! (sleep, steal, scope, wake, shutdown, resize) stand in `PROTOCOLS.md` beside this crate.

mod builder;
mod deque;
mod error;
mod event_count;
mod future;
mod handle;
mod injector;
mod job;
mod panic;
mod parallel;
mod pool;
mod priority;
mod scheduler;
mod scope;
mod seats;
mod shared;
mod shutdown;

mod stats;
mod sync;
mod task;
mod wake;
mod worker;

pub use builder::Builder;
pub use error::{Error, ErrorKind, JoinError, Rejected};
pub use handle::JoinHandle;
pub use panic::TaskPanic;
pub use priority::Priority;
pub use scheduler::Scheduler;
pub use scope::Scope;
pub use shared::DrainReport;
pub use stats::{Stats, WorkerStats};
pub use task::INLINE_BYTES;
pub use worker::worker_index;

/// Runs the README's example with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
