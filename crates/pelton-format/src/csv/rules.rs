//! What tells records and fields apart.

use pelton_simd::csv::Dialect;

/// A dialect with what the vector scan does not know of, and the longest record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub dialect: Dialect,
    pub escape: Option<u8>,
    pub comment: Option<u8>,
    pub record_bytes_max: usize,
}

impl Rules {
    /// True when `bytes`, which have quotes, may mean something else than the vector scan sees.
    pub(super) fn mislead(&self, bytes: &[u8]) -> bool {
        self.escape.is_some_and(|escape| bytes.contains(&escape))
            || self
                .comment
                .is_some_and(|comment| begins_line(bytes, comment))
    }

    /// Appends `inner`, the text between quotes, with doubled quotes made one and escapes left out.
    pub(super) fn unescape(&self, inner: &[u8], out: &mut Vec<u8>) {
        let mut rest = inner;
        while let Some(at) = rest.iter().position(|&byte| self.stands_for_next(byte)) {
            out.extend_from_slice(&rest[..at]);
            out.push(*rest.get(at + 1).unwrap_or(&rest[at]));
            rest = &rest[(at + 2).min(rest.len())..];
        }
        out.extend_from_slice(rest);
    }

    /// True for bytes that mean the one after them, between quotes.
    #[inline]
    pub(super) fn stands_for_next(&self, byte: u8) -> bool {
        Some(byte) == self.dialect.quote || Some(byte) == self.escape
    }
}

/// True when a line of `bytes` begins with `comment`.
fn begins_line(bytes: &[u8], comment: u8) -> bool {
    let at_start = bytes.first() == Some(&comment);
    at_start || bytes.windows(2).any(|pair| pair == [b'\n', comment])
}
