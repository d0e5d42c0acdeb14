//! The lines of a block that are no records, for formats whose records are lines.

use std::sync::Arc;

use pelton_record::{Rejected, RejectedKind, View};

use crate::Limits;
use crate::parse::quoted;

/// Collects refused lines, and finds those that every such format refuses.
pub(crate) struct Refusals<'a> {
    limits: Limits,
    /// All of the block is UTF-8.
    utf8: bool,
    stage: &'a Arc<str>,
    rejected: Vec<Rejected>,
}

impl<'a> Refusals<'a> {
    /// `utf8` says that the whole block is UTF-8, so that no line must be checked.
    pub(crate) const fn new(stage: &'a Arc<str>, limits: Limits, utf8: bool) -> Self {
        Self {
            limits,
            utf8,
            stage,
            rejected: Vec::new(),
        }
    }

    /// True for lines that may be records: not blank, not too long, and text. Blank lines are
    /// passed over, the others refused.
    #[inline]
    pub(crate) fn admit(&mut self, bytes: &[u8], extent: View) -> bool {
        let line = extent.of(bytes);
        if self.utf8 && line.len() <= self.limits.record_bytes_max {
            let first = line.first().copied().unwrap_or(b' ');
            return first > b' ' || !is_blank(line);
        }
        self.admit_slow(line, extent)
    }

    #[cold]
    fn admit_slow(&mut self, line: &[u8], extent: View) -> bool {
        let (found, limit) = (line.len(), self.limits.record_bytes_max);
        if found > limit {
            let reason = format!("a record of {found} bytes, more than the limit of {limit}");
            self.refuse(extent, RejectedKind::TooLarge, reason);
            return false;
        }
        if let Err(error) = std::str::from_utf8(line) {
            let at = error.valid_up_to();
            let found = quoted(&line[at..]);
            let reason = format!("not UTF-8 from byte {at} of the record: {found}");
            self.refuse(extent, RejectedKind::Utf8, reason);
            return false;
        }
        !is_blank(line)
    }

    /// Adds a line that is no record.
    pub(crate) fn refuse(&mut self, extent: View, kind: RejectedKind, reason: String) {
        self.rejected.push(Rejected {
            extent,
            stage: self.stage.clone(),
            kind,
            reason,
        });
    }

    pub(crate) fn into_rejected(self) -> Vec<Rejected> {
        self.rejected
    }
}

/// True for lines of space alone, and none at all.
fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// The line of `start .. end` without a carriage return at its end.
#[inline]
pub(crate) fn extent(bytes: &[u8], start: usize, end: usize) -> View {
    let returned = start < end && bytes[end - 1] == b'\r';
    View::between(start as u32, (end - usize::from(returned)) as u32)
}
