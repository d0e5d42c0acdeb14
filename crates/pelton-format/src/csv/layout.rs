//! Where the records and fields of a block are: by vector scan, or by the strict rules.

use std::borrow::Cow;
use std::ops::Range;

use pelton_record::View;
use pelton_simd::csv::{Structure, scan};

use super::rules::Rules;

/// One record: a run of separators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Index of the separator before the first field.
    before: u32,
    /// Index of the separator that ends the last field.
    last: u32,
}

impl Record {
    pub(super) const fn fields(self) -> usize {
        (self.last - self.before) as usize
    }
}

/// The outcome of cutting a block: its records, and the lines refused for their quotes.
///
/// Kept from block to block, so that nothing is allocated in the steady state.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Fields of a whole record; 0 until the first block has told.
    width: usize,
    structure: Structure,
    /// Every record has `width` fields, two or more, so that its separators follow from its number.
    regular: bool,
    /// For each field, whether it begins with a quote in some record of a regular block.
    quoted: Vec<bool>,
    /// Empty for a regular block until they are asked for.
    records: Vec<Record>,
    /// Lines with a misplaced or unclosed quote.
    broken: Vec<View>,
}

impl Layout {
    /// For records of `width` fields.
    pub(super) fn new(width: usize) -> Self {
        Self {
            width,
            ..Self::default()
        }
    }

    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    /// True when every record has the fields it should have; then they are not listed.
    pub(super) const fn is_regular(&self) -> bool {
        self.regular
    }

    /// Lists the records of a regular block after all, because they must be looked at one by one.
    #[cold]
    pub(super) fn list(&mut self) {
        if std::mem::take(&mut self.regular) {
            self.list_records();
        }
    }

    /// The extents of the records of a regular block, without their line ends.
    pub(super) fn regular_extents(&self, bytes: &[u8]) -> impl ExactSizeIterator<Item = View> {
        let returns = self.structure.returns;
        let ends = self.structure.separators[self.width..].iter();
        let mut start = self.structure.separators[0].wrapping_add(1);
        ends.step_by(self.width).map(move |&last| {
            let end = match returns {
                true => without_return(bytes, start, last),
                false => last,
            };
            let extent = View::between(start, end);
            start = last + 1;
            extent
        })
    }

    /// Field `index` of each record of a regular block, quotes included.
    #[inline]
    pub(super) fn regular_fields(&self, bytes: &[u8], index: usize) -> impl Iterator<Item = View> {
        let returned = self.structure.returns && index + 1 == self.width;
        let ends = self.structure.separators[index..].chunks(self.width);
        let rows = self.structure.row_ends.len();
        ends.take(rows).map(move |ends| {
            let (start, mut end) = (ends[0].wrapping_add(1), ends[1]);
            if returned {
                end = without_return(bytes, start, end);
            }
            View::between(start, end)
        })
    }

    /// The rows of a regular block whose field `index` begins with a quote.
    pub(super) fn quoted_rows(&self, index: usize) -> impl Iterator<Item = usize> {
        let width = self.width.max(1) as u32;
        let some = self.quoted.get(index).is_some_and(|&quoted| quoted);
        let quoted = if some { &*self.structure.quoted } else { &[] };
        let of_field = quoted
            .iter()
            .filter(move |&&before| before % width == index as u32);
        of_field.map(move |before| (before / width) as usize)
    }

    pub(super) fn broken(&self) -> &[View] {
        &self.broken
    }

    /// The block has a quote somewhere.
    pub(super) fn has_quotes(&self) -> bool {
        self.structure.quotes
    }

    /// The block has a byte past ASCII somewhere.
    pub(super) fn is_ascii(&self) -> bool {
        !self.structure.non_ascii
    }

    /// Line ends in the block.
    pub(super) const fn lines(&self) -> u64 {
        self.structure.newlines
    }

    /// Field `index` of `record`, quotes and a carriage return included.
    #[inline]
    pub(super) fn field(&self, record: Record, index: usize) -> Range<u32> {
        let end = record.before as usize + index + 1;
        self.structure.separators[end - 1].wrapping_add(1)..self.structure.separators[end]
    }

    /// The whole of `record` without its line end.
    #[inline]
    pub(super) fn extent(&self, bytes: &[u8], record: Record) -> View {
        let separators = &self.structure.separators;
        let start = separators[record.before as usize].wrapping_add(1);
        let end = separators[record.last as usize];
        View::between(start, without_return(bytes, start, end))
    }

    /// One past the line end of record `index`.
    pub(super) fn next_line(&self, bytes: &[u8], index: usize) -> usize {
        let last = self.records[index].last as usize;
        (self.structure.separators[last] as usize + 1).min(bytes.len())
    }

    /// Cuts `bytes`, a run of whole records of which the last may lack its line end.
    pub(super) fn fill(&mut self, bytes: &[u8], rules: Rules) {
        scan(bytes, rules.dialect, &mut self.structure);
        let broken = self.structure.misplaced.is_some() || self.structure.open_at_end;
        let long = bytes.len() > rules.record_bytes_max;
        if broken || self.structure.quotes && (long || rules.mislead(bytes)) {
            self.fill_strictly(bytes, rules, true);
            return;
        }
        self.broken.clear();
        self.records.clear();
        self.structure.end_at(bytes.len() as u32);
        self.regular = rules.comment.is_none() && self.has_width_throughout();
        if self.regular {
            self.note_quoted();
            return;
        }
        self.list_records();
        if let Some(comment) = rules.comment {
            self.drop_comments(bytes, comment);
        }
        self.drop_empty_lines(bytes);
    }

    fn has_width_throughout(&self) -> bool {
        let width = self.width as u32;
        let mut expected = 0;
        let differ = self.structure.row_ends.iter().fold(0, |differ, end| {
            expected += width;
            differ | (end ^ expected)
        });
        width > 1 && !self.structure.row_ends.is_empty() && differ == 0
    }

    /// Notes which fields of a regular block have quotes around them.
    fn note_quoted(&mut self) {
        self.quoted.clear();
        self.quoted.resize(self.width, false);
        for before in &self.structure.quoted {
            self.quoted[(before % self.width as u32) as usize] = true;
        }
    }

    fn list_records(&mut self) {
        let mut before = 0;
        let records = self.structure.row_ends.iter().map(|&last| {
            let record = Record { before, last };
            before = last;
            record
        });
        self.records.clear();
        self.records.extend(records);
    }

    /// Lines that begin with `comment` are no records.
    fn drop_comments(&mut self, bytes: &[u8], comment: u8) {
        let separators = &self.structure.separators;
        self.records.retain(|record| {
            let start = separators[record.before as usize].wrapping_add(1);
            bytes.get(start as usize) != Some(&comment)
        });
    }

    /// Empty lines are no records, unless one column is all there is.
    fn drop_empty_lines(&mut self, bytes: &[u8]) {
        if self.width == 0 {
            self.width = self
                .records
                .iter()
                .take(64)
                .map(|r| r.fields())
                .max()
                .unwrap_or(0);
        }
        if self.width <= 1 {
            return;
        }
        let separators = &self.structure.separators;
        self.records.retain(|record| {
            if record.fields() > 1 {
                return true;
            }
            let start = separators[record.before as usize].wrapping_add(1);
            without_return(bytes, start, separators[record.last as usize]) > start
        });
    }

    /// Cuts `bytes` by the rules, byte by byte, and answers where the first undecided record
    /// begins. When they are `complete` every record is decided.
    pub(super) fn fill_strictly(&mut self, bytes: &[u8], rules: Rules, complete: bool) -> usize {
        let record_bytes_max = rules.record_bytes_max;
        let separators = &mut self.structure.separators;
        separators.clear();
        separators.push(u32::MAX);
        self.structure.quotes = true;
        self.structure.non_ascii = !bytes.is_ascii();
        self.regular = false;
        self.records.clear();
        self.broken.clear();
        let mut walk = Walk {
            bytes,
            rules,
            separators,
        };
        let mut start = 0;
        while start < bytes.len() {
            if rules.comment == Some(bytes[start]) {
                let end = line_end(bytes, start);
                if end == bytes.len() && !complete {
                    break;
                }
                start = end + 1;
                continue;
            }
            let before = walk.begin(start);
            match walk.record(start) {
                End::Line(end)
                    if (complete || end < bytes.len())
                        && short(bytes, start, end, record_bytes_max) =>
                {
                    let last = walk.separators.len() as u32 - 1;
                    self.records.push(Record { before, last });
                    start = end + 1;
                }
                End::Line(_) | End::Unknown
                    if !complete && bytes.len() - start <= record_bytes_max + 1 =>
                {
                    break;
                }
                End::Line(_) | End::Unknown | End::Broken => {
                    let end = walk.line_end(start, before);
                    if end == bytes.len() && !complete {
                        break;
                    }
                    let end_shown = without_return(bytes, start as u32, end as u32);
                    self.broken.push(View::between(start as u32, end_shown));
                    start = end + 1;
                }
            }
        }
        self.drop_empty_lines(bytes);
        start.min(bytes.len())
    }

    /// The fields of record `index` as text, unquoted.
    pub(super) fn texts<'a>(
        &self,
        bytes: &'a [u8],
        index: usize,
        rules: Rules,
    ) -> Vec<Cow<'a, [u8]>> {
        let record = self.records[index];
        let text = |field| {
            let range = self.field(record, field);
            let end = without_return(bytes, range.start, range.end);
            unquote(&bytes[range.start as usize..end as usize], rules)
        };
        (0..record.fields()).map(text).collect()
    }
}

/// True when the record of `start .. end` is within the limit.
fn short(bytes: &[u8], start: usize, end: usize, record_bytes_max: usize) -> bool {
    let end = without_return(bytes, start as u32, end as u32) as usize;
    end - start <= record_bytes_max
}

/// `end`, or one less where a carriage return stands before it.
#[inline]
pub(super) fn without_return(bytes: &[u8], start: u32, end: u32) -> u32 {
    if start < end && bytes[end as usize - 1] == b'\r' {
        end - 1
    } else {
        end
    }
}

/// The text of a field: without the quotes around it, and with what they escape.
fn unquote(field: &[u8], rules: Rules) -> Cow<'_, [u8]> {
    let quoted = |quote: u8| field.len() >= 2 && field[0] == quote;
    if !rules.dialect.quote.is_some_and(quoted) {
        return Cow::Borrowed(field);
    }
    let inner = &field[1..field.len() - 1];
    if !inner.iter().any(|&byte| rules.stands_for_next(byte)) {
        return Cow::Borrowed(inner);
    }
    let mut text = Vec::with_capacity(inner.len());
    rules.unescape(inner, &mut text);
    Cow::Owned(text)
}

/// The newline that ends the line at `start`, or the end of the bytes.
fn line_end(bytes: &[u8], start: usize) -> usize {
    let rest = &bytes[start..];
    start
        + rest
            .iter()
            .position(|&byte| byte == b'\n')
            .unwrap_or(rest.len())
}

/// How a strict walk through one record ended.
enum End {
    /// At this newline, or at the end of the bytes where a newline may be missing.
    Line(usize),
    /// Inside quotes at the end of the bytes, or before it is clear what comes next.
    Unknown,
    /// At a quote where none may stand, or past the record limit inside quotes.
    Broken,
}

/// The strict rules, over one stretch of bytes.
struct Walk<'a> {
    bytes: &'a [u8],
    rules: Rules,
    separators: &'a mut Vec<u32>,
}

impl Walk<'_> {
    /// Makes the last separator the byte before `start`, and answers its index.
    fn begin(&mut self, start: usize) -> u32 {
        let before = (start as u32).wrapping_sub(1);
        if self.separators.last() != Some(&before) {
            self.separators.push(before);
        }
        self.separators.len() as u32 - 1
    }

    /// Notes the separators of the record at `start`.
    fn record(&mut self, start: usize) -> End {
        let mut at = start;
        loop {
            let quoted = self
                .rules
                .dialect
                .quote
                .is_some_and(|q| self.bytes.get(at) == Some(&q));
            if quoted {
                match self.closing_quote(start, at) {
                    Ok(closing) => at = closing + 1,
                    Err(end) => return end,
                }
            }
            match self.field_end(at, quoted) {
                Ok(end) => {
                    self.separators.push(end as u32);
                    if self.bytes.get(end) != Some(&self.rules.dialect.delimiter) {
                        return End::Line(end);
                    }
                    at = end + 1;
                }
                Err(end) => return end,
            }
        }
    }

    /// The quote that closes the field whose opening quote is at `open`.
    fn closing_quote(&self, start: usize, open: usize) -> Result<usize, End> {
        let quote = self.bytes[open];
        let limit = self.bytes.len().min(start + self.rules.record_bytes_max);
        let mut at = open + 1;
        loop {
            let Some(found) = self.bytes[at.min(limit)..limit]
                .iter()
                .position(|&b| self.rules.stands_for_next(b))
            else {
                return Err(if limit < self.bytes.len() {
                    End::Broken
                } else {
                    End::Unknown
                });
            };
            at += found;
            if self.bytes[at] == quote && self.bytes.get(at + 1) != Some(&quote) {
                return Ok(at);
            }
            at += 2;
        }
    }

    /// The delimiter or newline that ends the field at `at`, or what follows its closing quote.
    fn field_end(&self, at: usize, quoted: bool) -> Result<usize, End> {
        let rest = &self.bytes[at..];
        let stops = |&byte: &u8| {
            byte == self.rules.dialect.delimiter
                || byte == b'\n'
                || Some(byte) == self.rules.dialect.quote
        };
        let end = at + rest.iter().position(stops).unwrap_or(rest.len());
        let misplaced = self
            .bytes
            .get(end)
            .is_some_and(|&b| Some(b) == self.rules.dialect.quote);
        if misplaced || quoted && end > at && self.bytes[at] != b'\r' {
            return Err(End::Broken);
        }
        Ok(end)
    }

    /// The end of the line that begins at `start`, after taking back its separators.
    fn line_end(&mut self, start: usize, before: u32) -> usize {
        self.separators.truncate(before as usize + 1);
        line_end(self.bytes, start)
    }
}
