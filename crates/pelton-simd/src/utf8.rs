//! UTF-8: is a block valid, and if not, up to where.

use crate::Level;
use crate::vector::{CHUNK, Kernel, Vector, dispatch};
use std::ops::Range;

/// Checks that the bytes are UTF-8.
///
/// ```
/// use pelton_simd::utf8::validate;
///
/// assert_eq!(validate("grün".as_bytes()), Ok(()));
/// assert_eq!(validate(b"gr\xfcn"), Err(2));
/// ```
///
/// # Errors
///
/// The number of bytes before the first that belongs to no character.
#[inline]
pub fn validate(bytes: &[u8]) -> Result<(), usize> {
    validate_at(Level::detect(), bytes)
}

/// [`validate`] at a level of choice.
///
/// # Errors
///
/// As [`validate`].
pub fn validate_at(level: Level, bytes: &[u8]) -> Result<(), usize> {
    dispatch(level, Validate { bytes })
}

struct Validate<'a> {
    bytes: &'a [u8],
}

/// The standard library's check of one stretch.
fn validate_stretch(bytes: &[u8], stretch: Range<usize>) -> Result<(), usize> {
    match std::str::from_utf8(&bytes[stretch.clone()]) {
        Ok(_) => Ok(()),
        Err(error) => Err(stretch.start + error.valid_up_to()),
    }
}

impl Kernel for Validate<'_> {
    type Output = Result<(), usize>;

    fn scalar(self) -> Result<(), usize> {
        validate_stretch(self.bytes, 0..self.bytes.len())
    }

    /// Only stretches of chunks that are not all ASCII are looked at: no character reaches from
    /// one into a chunk that is.
    #[inline(always)]
    fn vector<V: Vector>(self, v: V) -> Result<(), usize> {
        let (chunks, _) = self.bytes.as_chunks();
        let mut stretch = 0..0;
        for (i, chunk) in chunks.iter().enumerate() {
            let chunk = v.load(chunk);
            if v.high(chunk) == 0 {
                continue;
            }
            if stretch.end < i * CHUNK {
                validate_stretch(self.bytes, stretch)?;
                stretch = i * CHUNK..0;
            }
            stretch.end = (i + 1) * CHUNK;
        }
        let rest = chunks.len() * CHUNK;
        if stretch.end < rest {
            validate_stretch(self.bytes, stretch)?;
            stretch = rest..0;
        }
        validate_stretch(self.bytes, stretch.start..self.bytes.len())
    }
}
