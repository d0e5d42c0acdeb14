//! What can go wrong between the engine and the outside.

use std::fmt;
use std::io;

use pelton_pool::OverBudget;

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused.
    Io(io::ErrorKind),
    /// The input is not of its format.
    Format,
    /// There is no memory for another block.
    Memory,
    /// A certificate or a key cannot be used.
    Tls,
}

/// Why a source or sink could not go on: which one, and what happened.
#[derive(Debug)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    /// The path, or the name of the stream.
    place: String,
    message: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, place: &str, message: impl ToString) -> Self {
        let (place, message) = (place.to_owned(), message.to_string());
        Self {
            inner: Box::new(Inner {
                kind,
                place,
                message,
            }),
        }
    }

    /// What the operating system said about `place`, a path or the name of a stream.
    #[must_use]
    pub fn io(place: &str, error: &io::Error) -> Self {
        Self::new(ErrorKind::Io(error.kind()), place, describe(error))
    }

    pub(crate) fn memory(place: &str, error: &OverBudget) -> Self {
        Self::new(
            ErrorKind::Memory,
            place,
            format!(
                "no memory for another block: {error}; raise engine.memory_limit or lower \
                 engine.workers"
            ),
        )
    }

    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// True when the reader of a pipe has gone: nothing is wrong, nobody listens any more.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        self.inner.kind == ErrorKind::Io(io::ErrorKind::BrokenPipe)
    }
}

/// The system's words without its number, in lower case like every message.
fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.inner.place, self.inner.message)
    }
}

impl std::error::Error for Error {}
