//! Where binary records end, and where to go on after damage.

use super::Binary;
use crate::{Cut, Framer};

/// Cuts after the last whole record, and before and after damage.
///
/// A damaged stretch becomes a block of its own. It begins with an impossible length, which tells
/// the decoder what it is.
#[derive(Debug)]
pub(super) struct BinaryFramer {
    format: Binary,
}

/// Records in a row that must be possible for the framing to be trusted again.
const TRUSTED: usize = 3;

/// What comes next in the input.
enum Next {
    /// A record of so many bytes.
    Whole(usize),
    /// The beginning of one.
    Part,
    /// Nothing that can be a record.
    Damage,
}

impl BinaryFramer {
    pub(super) const fn new(format: Binary) -> Self {
        Self { format }
    }

    fn next(&self, bytes: &[u8], complete: bool) -> Next {
        let length = self.format.layout.payload_length(bytes);
        let end = length.map(|length| self.format.layout.header() + length);
        match (length, end) {
            (Some(length), _) if length > self.format.limits.record_bytes_max => Next::Damage,
            (_, Some(end)) if end <= bytes.len() => Next::Whole(end),
            _ if complete => Next::Damage,
            _ => Next::Part,
        }
    }

    /// Bytes of the whole records at the beginning.
    fn whole(&self, bytes: &[u8], complete: bool) -> usize {
        let mut end = 0;
        while end < bytes.len() {
            match self.next(&bytes[end..], complete) {
                Next::Whole(length) => end += length,
                Next::Part | Next::Damage => break,
            }
        }
        end
    }

    /// The end of the damage that `bytes` begin with.
    fn damage(&self, bytes: &[u8], complete: bool) -> Cut {
        let trusted = (1..bytes.len()).find(|&start| self.trusts(&bytes[start..], complete));
        if let Some(start) = trusted {
            return Cut::Records(start);
        }
        if complete {
            return Cut::Records(bytes.len());
        }
        if bytes.len() + 1 < 2 * self.format.limits.record_bytes_max {
            return Cut::More;
        }
        // The next block must not begin with what could be a record.
        let impossible = |&start: &usize| matches!(self.next(&bytes[start..], false), Next::Damage);
        let last = (1..bytes.len()).rev().find(impossible);
        Cut::Records(last.unwrap_or(bytes.len()))
    }

    /// True when records from here on are possible, and enough of them to tell.
    fn trusts(&self, bytes: &[u8], complete: bool) -> bool {
        let mut at = 0;
        for _ in 0..TRUSTED {
            if at == bytes.len() {
                return complete && at > 0;
            }
            match self.next(&bytes[at..], complete) {
                Next::Whole(length) => at += length,
                Next::Part | Next::Damage => return false,
            }
        }
        true
    }
}

impl Framer for BinaryFramer {
    fn cut(&mut self, bytes: &[u8], complete: bool) -> Cut {
        match self.whole(bytes, complete) {
            0 if bytes.is_empty() => Cut::More,
            0 if matches!(self.next(bytes, complete), Next::Part) => Cut::More,
            0 => self.damage(bytes, complete),
            end => Cut::Records(end),
        }
    }
}
