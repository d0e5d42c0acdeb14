//! What can go wrong, and what is handed back then.

use std::any::Any;
use std::error;
use std::fmt;
use std::io;

use crate::panic;

/// Why a scheduler could not be built or resized.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    source: Option<io::Error>,
}

/// The kinds of [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A pool without workers would never run anything.
    NoWorkers,
    /// More workers were asked for than the pool has places.
    TooManyWorkers {
        /// Workers asked for.
        requested: usize,
        /// Places, see [`Builder::max_workers`](crate::Builder::max_workers).
        available: usize,
    },
    /// The operating system refused a thread.
    Thread {
        /// The worker it was for.
        worker: usize,
    },
    /// The scheduler was drained or aborted.
    Closed,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self { kind, source: None }
    }

    pub(crate) fn thread(worker: usize, source: io::Error) -> Self {
        Self {
            kind: ErrorKind::Thread { worker },
            source: Some(source),
        }
    }

    /// What kind of error this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ErrorKind::NoWorkers => write!(f, "a scheduler needs at least one worker"),
            ErrorKind::TooManyWorkers {
                requested,
                available,
            } => write!(
                f,
                "{requested} workers requested, {available} places available"
            ),
            ErrorKind::Thread { worker } => write!(f, "no thread for worker {worker}"),
            ErrorKind::Closed => write!(f, "the scheduler is shut down"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        let source = self.source.as_ref()?;
        Some(source)
    }
}

/// A task that a closed scheduler did not accept, given back.
pub struct Rejected<F>(pub F);

impl<F> Rejected<F> {
    /// The task.
    pub fn into_inner(self) -> F {
        self.0
    }
}

impl<F> fmt::Debug for Rejected<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rejected(..)")
    }
}

impl<F> fmt::Display for Rejected<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the scheduler is shut down")
    }
}

impl<F> error::Error for Rejected<F> {}

/// Why a task has no result.
pub enum JoinError {
    /// It panicked with this payload.
    Panicked(Box<dyn Any + Send>),
    /// It was dropped before it ended, by an abort or because nothing could wake it any more.
    Cancelled,
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(payload) => f
                .debug_tuple("Panicked")
                .field(&panic::message(&**payload))
                .finish(),
            Self::Cancelled => f.write_str("Cancelled"),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(payload) => {
                write!(f, "the task panicked: {}", panic::message(&**payload))
            }
            Self::Cancelled => f.write_str("the task was cancelled"),
        }
    }
}

impl error::Error for JoinError {}
