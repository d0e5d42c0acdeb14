//! UTF-8: is a block valid, and if not, up to where.

use crate::Level;
use crate::ascii::first_non_ascii_at;

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
    let Some(ascii) = first_non_ascii_at(level, bytes) else {
        return Ok(());
    };
    match std::str::from_utf8(&bytes[ascii..]) {
        Ok(_) => Ok(()),
        Err(error) => Err(ascii + error.valid_up_to()),
    }
}
