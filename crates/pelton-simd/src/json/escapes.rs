//! Which bytes a backslash escapes.

/// Every second bit, from the second on.
const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;

/// Marks the escaped bytes among those that are no backslashes; `carry` is one if the first byte
/// of the chunk is escaped, and becomes so for the next chunk.
///
/// A byte is escaped if an odd number of backslashes stands before it. Taking the backslashes from
/// the places behind them, with all odd places filled up, runs through each run of backslashes and
/// turns over every second one: what differs from the odd places then are those that escape, and
/// the byte behind a run of which the last one does. There is no branch on whether the chunk has
/// any: one in six has, and which ones nobody can guess.
#[inline(always)]
pub(super) const fn escaped(backslashes: u64, carry: &mut u64) -> u64 {
    let runs = backslashes & !*carry;
    let turned = ((runs << 1 | ODD).wrapping_sub(runs)) ^ ODD;
    let escaped = turned ^ (backslashes | *carry);
    *carry = (turned & backslashes) >> 63;
    escaped & !backslashes
}
