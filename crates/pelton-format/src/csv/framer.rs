//! Where a stretch of CSV can be cut.

use pelton_simd::csv::{Boundary, boundary};
use pelton_simd::lines;

use super::layout::Layout;
use super::rules::Rules;
use crate::{Cut, Framer};

/// Finds the last record end; strict rules take over where quotes are not well placed.
#[derive(Debug)]
pub(super) struct CsvFramer {
    rules: Rules,
    /// Reused by the strict pass.
    layout: Layout,
}

impl CsvFramer {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            layout: Layout::default(),
        }
    }

    /// The end of the last record that is decided, by the rules of the format.
    fn cut_strictly(&mut self, bytes: &[u8]) -> Cut {
        let end = self.layout.fill_strictly(bytes, self.rules, false);
        self.cut_at(bytes, end)
    }

    fn cut_at(&self, bytes: &[u8], end: usize) -> Cut {
        match end {
            // One more byte may still be a carriage return.
            0 if bytes.len() <= self.rules.record_bytes_max + 1 => Cut::More,
            0 => Cut::TooLarge,
            end => Cut::Records(end),
        }
    }
}

impl Framer for CsvFramer {
    fn cut(&mut self, bytes: &[u8], complete: bool) -> Cut {
        if complete {
            return Cut::Records(bytes.len());
        }
        let Boundary {
            last_record_end,
            misplaced,
            open_at_end,
            quotes,
        } = boundary(bytes, self.rules.dialect);
        // A record with quotes may be longer than the limit only where the bytes are.
        let suspicious = misplaced.is_some()
            || quotes && bytes.len() > self.rules.record_bytes_max
            || quotes && self.rules.mislead(bytes)
            || open_at_end && last_record_end.is_none();
        if suspicious {
            return self.cut_strictly(bytes);
        }
        self.cut_at(bytes, last_record_end.unwrap_or(0))
    }

    fn cut_grown(&mut self, bytes: &[u8], known: usize, complete: bool) -> Cut {
        let ended = lines::last(&bytes[known..]).is_some();
        if ended || complete || known == 0 {
            return self.cut(bytes, complete);
        }
        self.cut_at(bytes, 0)
    }
}
