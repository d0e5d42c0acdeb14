//! What can be wrong with an expression or a stage.

use std::fmt;

/// A place in the text of an expression, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
}

/// The kind of an [`Error`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not an expression.
    Syntax,
    /// There is no such column.
    UnknownColumn {
        /// The column asked for.
        name: String,
    },
    /// There is no such function.
    UnknownFunction,
    /// An operand has a type that does not fit.
    Type,
    /// It is SQL, but not of the part that is understood.
    Unsupported,
    /// The stage has outgrown its memory.
    Memory,
    /// Two columns of the result have one name.
    Duplicate,
    /// A result is larger than its type.
    Overflow,
    /// State could not be written to disk, or read back.
    Spill,
}

/// Why a stage could not be built, or could not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    message: String,
    position: Option<Position>,
}

impl Error {
    /// An error without a place. The message is one clause in lower case without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                position: None,
            }),
        }
    }

    /// The same error at `position`, unless it has a place already.
    #[must_use]
    pub fn at(mut self, position: Position) -> Self {
        self.inner.position.get_or_insert(position);
        self
    }

    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.inner.kind
    }

    /// The clause without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// Where in the expression, when that is known.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.inner.position
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Position { line, column }) = self.position() {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(self.message())
    }
}

impl std::error::Error for Error {}
