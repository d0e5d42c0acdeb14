//! The last place of a byte.

use crate::vector::{CHUNK, Kernel, Vector, padded};

/// The last place of a byte.
pub(crate) struct FindLast<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) byte: u8,
}

impl Kernel for FindLast<'_> {
    type Output = Option<usize>;

    fn scalar(self) -> Option<usize> {
        self.bytes.iter().rposition(|&byte| byte == self.byte)
    }

    #[inline(always)]
    fn vector<V: Vector>(self, v: V) -> Option<usize> {
        let (chunks, tail) = self.bytes.as_chunks();
        let (last, valid) = padded(tail);
        let found = v.eq(v.load(&last), self.byte) & valid;
        if let Some(place) = found.checked_ilog2() {
            return Some(chunks.len() * CHUNK + place as usize);
        }
        for (i, chunk) in chunks.iter().enumerate().rev() {
            let found = v.eq(v.load(chunk), self.byte);
            if let Some(place) = found.checked_ilog2() {
                return Some(i * CHUNK + place as usize);
            }
        }
        None
    }
}
