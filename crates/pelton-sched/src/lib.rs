//! A work-stealing scheduler with priorities, parking, scopes, panic capture and drain.

mod builder;
mod countdown;
mod deque;
mod error;
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
mod sleep;
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
