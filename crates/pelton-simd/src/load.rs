//! Short byte strings as words.

/// Up to eight bytes, the first in the lowest place, zeros above the last.
#[inline(always)]
pub(crate) fn load_short(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    if let Some(word) = bytes.first_chunk() {
        return u64::from_le_bytes(*word);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let low = u64::from(u32::from_le_bytes(*first));
        let high = u64::from(u32::from_le_bytes(*last));
        return low | high << (8 * (length - 4));
    }
    match bytes {
        [] => 0,
        [a] => u64::from(*a),
        [a, .., c] => {
            u64::from(*a) | u64::from(bytes[1]) << 8 | u64::from(*c) << (8 * (length - 1))
        }
    }
}
