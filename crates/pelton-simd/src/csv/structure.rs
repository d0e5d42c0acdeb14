//! The outcome of a scan.

use std::ops::Range;

/// Where the fields and records of a block end.
///
/// Kept and passed to the next scan, so that in the steady state nothing is allocated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Structure {
    /// `u32::MAX`, then the positions of all delimiters and newlines outside quotes, ascending.
    ///
    /// The first entry makes `separators[i - 1].wrapping_add(1)` the start of the field that ends
    /// at `separators[i]`, for the first field as well.
    pub separators: Vec<u32>,
    /// For each newline that ends a record, its index in `separators`.
    pub row_ends: Vec<u32>,
    /// For each field that begins with a quote, the index in `separators` of the separator before
    /// it, ascending.
    pub quoted: Vec<u32>,
    /// The newlines of the block, those inside quotes too.
    pub newlines: u64,
    /// The block holds a quote somewhere.
    pub quotes: bool,
    /// The block holds a carriage return somewhere.
    pub returns: bool,
    /// The block holds a byte of 0x80 or above.
    pub non_ascii: bool,
    /// The block ends inside a quoted field.
    pub open_at_end: bool,
    /// The lowest position of a quote that is not where quotes belong.
    ///
    /// An opening quote belongs after a delimiter, a newline, a closing quote (the two are an
    /// escaped quote) or at the start of the block; a closing quote before a delimiter, a newline,
    /// a carriage return, a quote or the end of the block.
    pub misplaced: Option<usize>,
}

impl Structure {
    /// An empty structure, which allocates at its first scan.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            separators: Vec::new(),
            row_ends: Vec::new(),
            quoted: Vec::new(),
            newlines: 0,
            quotes: false,
            returns: false,
            non_ascii: false,
            open_at_end: false,
            misplaced: None,
        }
    }

    /// The number of records that a newline ends.
    #[must_use]
    pub fn records(&self) -> usize {
        self.row_ends.len()
    }

    /// The number of fields of a record; an empty line has one.
    ///
    /// # Panics
    ///
    /// If there is no such record.
    #[must_use]
    pub fn fields(&self, record: usize) -> usize {
        self.row_ends[record] as usize - self.before(record)
    }

    /// The bytes of a field, quotes and a carriage return included; `None` past the last field.
    ///
    /// # Panics
    ///
    /// If there is no such record.
    #[must_use]
    pub fn field(&self, record: usize, field: usize) -> Option<Range<usize>> {
        let first = self.before(record);
        if field >= self.row_ends[record] as usize - first {
            return None;
        }
        let start = self.separators[first + field].wrapping_add(1);
        Some(start as usize..self.separators[first + field + 1] as usize)
    }

    /// Ends the last record at `len`, as if a newline stood there: for input whose last line has
    /// none.
    ///
    /// Does nothing where the last record has ended already, or ends inside quotes.
    pub fn end_at(&mut self, len: u32) {
        let next = self.before(self.records());
        let start = self
            .separators
            .get(next)
            .map_or(0, |end| end.wrapping_add(1));
        if start < len && !self.open_at_end {
            self.row_ends.push(self.separators.len() as u32);
            self.separators.push(len);
        }
    }

    /// The index in `separators` of the end before the record's first field.
    fn before(&self, record: usize) -> usize {
        record
            .checked_sub(1)
            .map_or(0, |last| self.row_ends[last] as usize)
    }

    /// Forgets the last scan and keeps the room.
    pub(super) fn reset(&mut self) {
        self.separators.clear();
        self.separators.push(u32::MAX);
        self.row_ends.clear();
        self.quoted.clear();
        self.newlines = 0;
        self.quotes = false;
        self.returns = false;
        self.non_ascii = false;
        self.open_at_end = false;
        self.misplaced = None;
    }
}
