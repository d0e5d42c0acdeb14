//! How a scheduler is described.

use std::fmt;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::panic::{PanicHook, TaskPanic};
use crate::pool::Settings;
use crate::scheduler::Scheduler;
use crate::sync::available_parallelism;

/// How long a dropped scheduler waits for its tasks unless told otherwise.
const DROP_DEADLINE: Duration = Duration::from_secs(60);

/// Describes a [`Scheduler`].
#[must_use]
pub struct Builder {
    workers: usize,
    max_workers: usize,
    pin: bool,
    name: String,
    hook: Option<PanicHook>,
    drop_deadline: Duration,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            workers: 0,
            max_workers: 0,
            pin: false,
            name: "pelton".to_owned(),
            hook: None,
            drop_deadline: DROP_DEADLINE,
        }
    }

    /// The number of workers to begin with; 0, the default, is one for each available core.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// The largest number of workers that [`Scheduler::resize`] can reach; 0, the default, is the
    /// number to begin with or that of the cores, whichever is larger. A place costs about 30 KB
    /// whether it is taken or not.
    pub fn max_workers(mut self, workers: usize) -> Self {
        self.max_workers = workers;
        self
    }

    /// Whether worker `n` is pinned to the n-th core, in turn. Off by default. Where the operating
    /// system refuses, the worker runs unpinned; [`WorkerStats::core`](crate::WorkerStats::core)
    /// tells.
    pub fn pin(mut self, pin: bool) -> Self {
        self.pin = pin;
        self
    }

    /// The name of the threads, before `-0`, `-1` and so on; "pelton" by default.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Told of each panic of a task, on the thread where it happened; none by default. A panic of
    /// the hook itself is swallowed.
    pub fn panic_hook(mut self, hook: impl Fn(&TaskPanic<'_>) + Send + Sync + 'static) -> Self {
        self.hook = Some(Box::new(hook));
        self
    }

    /// How long dropping the scheduler waits for its tasks; 60 seconds by default. To wait for
    /// ever, drain it before.
    pub fn drop_deadline(mut self, deadline: Duration) -> Self {
        self.drop_deadline = deadline;
        self
    }

    /// Starts the workers.
    ///
    /// # Errors
    ///
    /// When more workers are to begin than there may be, and when the operating system refuses
    /// a thread.
    pub fn build(self) -> Result<Scheduler, Error> {
        let cores = available_parallelism().map_or(1, usize::from);
        let workers = match self.workers {
            0 => cores,
            workers => workers,
        };
        let capacity = match self.max_workers {
            0 => workers.max(cores),
            capacity => capacity,
        };
        if capacity < workers {
            return Err(Error::new(ErrorKind::TooManyWorkers {
                requested: workers,
                available: capacity,
            }));
        }
        let cores = match self.pin {
            true => core_affinity::get_core_ids().unwrap_or_default(),
            false => Vec::new(),
        };
        let settings = Settings {
            name: self.name,
            cores,
        };
        Scheduler::start(workers, capacity, settings, self.hook, self.drop_deadline)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("workers", &self.workers)
            .field("max_workers", &self.max_workers)
            .field("pin", &self.pin)
            .field("name", &self.name)
            .field("drop_deadline", &self.drop_deadline)
            .finish_non_exhaustive()
    }
}
