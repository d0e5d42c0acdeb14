//! What can be wrong with a whole input.

use std::fmt;

/// Why an input cannot be read as its format at all.
///
/// Single records that are wrong are no error: they are refused one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    message: String,
}

impl Error {
    /// An error; the message is one clause in lower case without a full stop.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
