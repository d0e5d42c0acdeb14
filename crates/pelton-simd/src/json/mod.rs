//! Structural scan of newline-delimited JSON: where the braces, brackets, colons, commas, strings
//! and lines are.
//!
//! The method is that of Langdale and Lemire, "Parsing gigabytes of JSON per second" (2019), with
//! one difference: a newline ends whatever was open. In NDJSON no string holds a newline, so a
//! line with a string that never closes spoils itself alone and not the lines after it.
//!
//! Nothing is validated here but the strings' ends. A backslash escapes the next byte wherever it
//! stands; outside strings it is no JSON, and the reader of the line will say so.

mod escapes;
mod scan;

pub use scan::{scan, scan_at};

/// Where the parts of a block of JSON lines are.
///
/// Kept and passed to the next scan, so that in the steady state nothing is allocated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Structure {
    /// The positions, ascending, of `{ } [ ] : ,` outside strings, of newlines, and of the quotes
    /// that open and close strings.
    pub positions: Vec<u32>,
    /// For each newline, its index in `positions`.
    pub line_ends: Vec<u32>,
    /// The block holds a byte of 0x80 or above.
    pub non_ascii: bool,
    /// The block holds a backslash.
    pub escapes: bool,
    /// The block holds a control character other than a newline.
    pub controls: bool,
    /// The first newline that came before the end of a string.
    pub unclosed: Option<usize>,
    /// The block ends inside a string.
    pub open_at_end: bool,
}

impl Structure {
    /// An empty structure, which allocates at its first scan.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            positions: Vec::new(),
            line_ends: Vec::new(),
            non_ascii: false,
            escapes: false,
            controls: false,
            unclosed: None,
            open_at_end: false,
        }
    }

    /// The positions of one line, its newline not among them.
    ///
    /// # Panics
    ///
    /// If there is no such line.
    #[must_use]
    pub fn line(&self, line: usize) -> &[u32] {
        let first = line
            .checked_sub(1)
            .map_or(0, |last| self.line_ends[last] as usize + 1);
        &self.positions[first..self.line_ends[line] as usize]
    }

    /// Forgets the last scan and keeps the room.
    fn reset(&mut self) {
        self.positions.clear();
        self.line_ends.clear();
        self.non_ascii = false;
        self.escapes = false;
        self.controls = false;
        self.unclosed = None;
        self.open_at_end = false;
    }
}
