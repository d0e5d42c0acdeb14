//! Structural scan of delimited text: where fields and records end, quotes taken into account.
//!
//! The quoted stretches are found as in Langdale and Lemire, "Parsing gigabytes of JSON per
//! second" (2019): the parity of the quotes up to each byte, 64 at a time by one carry-less
//! multiplication, with the last parity carried on. A doubled quote inside a field closes and
//! opens again, so it needs no rule of its own.

mod boundary;
mod quotes;
mod scan;
mod structure;

pub use boundary::{Boundary, boundary, boundary_at};
pub use scan::{scan, scan_at};
pub use structure::Structure;

/// How the fields of a record are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Stands between two fields; usually `,`, tab, `;` or `|`.
    pub delimiter: u8,
    /// Opens and closes a field that may hold delimiters and newlines; doubled, it is itself.
    pub quote: Option<u8>,
}

impl Dialect {
    /// Comma and double quote, as in RFC 4180.
    pub const CSV: Self = Self {
        delimiter: b',',
        quote: Some(b'"'),
    };

    /// Tabs and no quotes at all.
    pub const TSV: Self = Self {
        delimiter: b'\t',
        quote: None,
    };

    /// Panics unless delimiter, quote and newline are three different bytes.
    fn check(self) {
        let clear = self.delimiter != b'\n'
            && self.quote != Some(self.delimiter)
            && self.quote != Some(b'\n');
        assert!(
            clear,
            "delimiter, quote and newline must be different bytes"
        );
    }
}

impl Default for Dialect {
    fn default() -> Self {
        Self::CSV
    }
}
