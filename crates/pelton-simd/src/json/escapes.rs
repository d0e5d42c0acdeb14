//! Which bytes a backslash escapes.

/// Every second bit, from the lowest on.
const EVEN: u64 = 0x5555_5555_5555_5555;

/// Marks the escaped bytes among those that are no backslashes; `carry` is one if the first byte
/// of the chunk is escaped, and becomes so for the next chunk.
///
/// A byte is escaped if an odd number of backslashes stands before it, so a run that starts at an
/// even place must end before an odd one, or the other way round. Adding its lowest bit to a run
/// makes a carry run through it, and the bit that comes out marks the byte after the run.
#[inline(always)]
pub(super) fn escaped(backslashes: u64, carry: &mut u64) -> u64 {
    if backslashes == 0 {
        return std::mem::take(carry);
    }
    let runs = backslashes & !*carry;
    let starts = runs & !(runs << 1);
    let (from_even, _) = runs.overflowing_add(starts & EVEN);
    let (from_odd, leaves) = runs.overflowing_add(starts & !EVEN);
    let after = (from_even & !EVEN | from_odd & EVEN) & !runs;
    let escaped = after | *carry;
    // A run that leaves the chunk ends before an even place, so it is odd if it starts at one.
    *carry = u64::from(leaves);
    escaped
}
