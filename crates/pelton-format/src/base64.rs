//! Bytes as text, by RFC 4648.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends `bytes` in base 64, padded, with quotes around it.
pub(crate) fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let digit = |place: usize| ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
        let mut text = [digit(0), digit(1), digit(2), digit(3)];
        text[group.len() + 1..].fill(b'=');
        out.extend_from_slice(&text);
    }
    out.push(b'"');
}
