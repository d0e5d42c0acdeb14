//! Records that failed.

use std::fmt;
use std::sync::Arc;

use crate::View;

/// What was wrong with a record. The name is the one in reports, metrics and dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RejectedKind {
    /// It has more or fewer fields than the header.
    FieldCount,
    /// A field does not read as its column's type.
    Value,
    /// It is not UTF-8.
    Utf8,
    /// A quote was opened and never closed, or stands where none may.
    Quote,
    /// It is longer than the limit for one record.
    TooLarge,
    /// It is not a record of its format at all.
    Syntax,
    /// An expression failed on it: an overflow, a division by zero.
    Expression,
    /// A rule that the pipeline names does not hold.
    Rule,
    /// A stage panicked on it.
    Panic,
    /// It came when its window was closed.
    Late,
    /// Its bytes could not be read back from the disk, where it had to wait.
    Lost,
}

impl RejectedKind {
    /// All kinds, in the order of reports.
    pub const ALL: [Self; 11] = [
        Self::FieldCount,
        Self::Value,
        Self::Utf8,
        Self::Quote,
        Self::TooLarge,
        Self::Syntax,
        Self::Expression,
        Self::Rule,
        Self::Panic,
        Self::Late,
        Self::Lost,
    ];

    /// The name in reports, metrics and dead letters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FieldCount => "field_count",
            Self::Value => "value",
            Self::Utf8 => "utf8",
            Self::Quote => "quote",
            Self::TooLarge => "too_large",
            Self::Syntax => "syntax",
            Self::Expression => "expression",
            Self::Rule => "rule",
            Self::Panic => "panic",
            Self::Late => "late",
            Self::Lost => "lost",
        }
    }
}

impl fmt::Display for RejectedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A record that left its batch because something was wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Where its raw bytes lie in the batch's block.
    pub extent: View,
    /// The stage that refused it; the decoder is called after its format.
    pub stage: Arc<str>,
    /// What was wrong.
    pub kind: RejectedKind,
    /// What was expected and what was found, as one clause.
    pub reason: String,
}
