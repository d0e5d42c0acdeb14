//! UTF-8: is a block valid, and if not, up to where.

/// Checks that the bytes are UTF-8.
///
/// The work is done by [simdutf8](https://docs.rs/simdutf8) (Keiser and Lemire, "Validating UTF-8
/// in less than one instruction per byte", 2021), which detects the machine's features by itself.
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
    // The quick check does not say where it failed; the careful one is asked only then.
    match simdutf8::basic::from_utf8(bytes) {
        Ok(_) => Ok(()),
        Err(_) => {
            std::str::from_utf8(bytes).map_or_else(|error| Err(error.valid_up_to()), |_| Ok(()))
        }
    }
}
