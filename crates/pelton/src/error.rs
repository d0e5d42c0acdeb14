//! Why a run could not be started, or did not come to its end.

use std::fmt;

use crate::plan::PlanError;

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The plan makes no sense.
    Plan,
    /// A source or a sink could not go on.
    Connect,
    /// A stage could not go on: out of memory, say.
    Stage,
    /// A record was refused, and the policy is to stop there.
    Rejected,
    /// A fault in Pelton itself.
    Internal,
}

/// Why a run could not be started, or did not come to its end.
#[derive(Debug)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
}

impl Error {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
            }),
        }
    }

    pub(crate) fn rejected(message: String) -> Self {
        Self::new(ErrorKind::Rejected, message)
    }

    pub(crate) fn stage(message: String) -> Self {
        Self::new(ErrorKind::Stage, message)
    }

    pub(crate) fn store(lane: &str, error: &dyn fmt::Display) -> Self {
        Self::new(ErrorKind::Connect, format!("lane \"{lane}\": {error}"))
    }

    pub(crate) fn state(error: &dyn fmt::Display) -> Self {
        Self::new(ErrorKind::Connect, format!("flow.state: {error}"))
    }

    #[cfg(feature = "serve")]
    pub(crate) fn spool(error: &dyn fmt::Display) -> Self {
        Self::new(ErrorKind::Connect, format!("source.spool: {error}"))
    }

    pub(crate) fn internal(cause: &dyn fmt::Display) -> Self {
        Self::new(ErrorKind::Internal, format!("internal error: {cause}"))
    }

    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl std::error::Error for Error {}

impl From<PlanError> for Error {
    fn from(error: PlanError) -> Self {
        Self::new(ErrorKind::Plan, error.to_string())
    }
}

impl From<pelton_connect::Error> for Error {
    fn from(error: pelton_connect::Error) -> Self {
        Self::new(ErrorKind::Connect, error.to_string())
    }
}
