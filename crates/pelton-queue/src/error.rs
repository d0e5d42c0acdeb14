//! What a queue answers when it cannot do as asked.

use std::error::Error;
use std::fmt;

/// Why a push was refused; it gives back what was to be pushed.
///
/// Batch pushes keep their items in the caller's hands, and refuse with `PushError<()>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushError<T = ()> {
    /// No slot is free now.
    Full(T),
    /// The queue was closed: no push will ever succeed again.
    Closed(T),
}

impl<T> PushError<T> {
    /// Takes back what was to be pushed.
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value) | Self::Closed(value) => value,
        }
    }

    /// True for [`PushError::Closed`].
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }
}

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "queue is full",
            Self::Closed(_) => "queue is closed",
        })
    }
}

impl<T: fmt::Debug> Error for PushError<T> {}

/// Why a pop brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PopError {
    /// Nothing is there now.
    Empty,
    /// The queue was closed and everything pushed before has been popped.
    Closed,
}

impl fmt::Display for PopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "queue is empty",
            Self::Closed => "queue is closed and drained",
        })
    }
}

impl Error for PopError {}

/// The queue was closed while, or before, the caller waited for it.
///
/// Carries the value that could not be pushed, or nothing for a pop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed<T = ()>(pub T);

impl<T> fmt::Display for Closed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("queue is closed")
    }
}

impl<T: fmt::Debug> Error for Closed<T> {}
