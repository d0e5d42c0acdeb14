//! Where rows stand in the input, as one number.

use pelton_record::Batch;

/// The position of every row of `batch`: greater for every later row of the input.
///
/// The block's sequence number in the upper half, and in the lower the row's first byte in the
/// block; for rows that a stage made, their index. So the order does not depend on how the input
/// was cut into blocks, or blocks into batches. Blocks past number 2^32 - 1 share one number.
pub(crate) fn positions(batch: &Batch, out: &mut Vec<u64>) {
    let sequence = batch.origin().sequence.min(u64::from(u32::MAX)) << 32;
    out.clear();
    if batch.extents().is_empty() {
        out.extend((0..batch.rows() as u64).map(|row| sequence | row));
    } else {
        let starts = batch.extents().iter().map(|extent| u64::from(extent.start));
        out.extend(starts.map(|start| sequence | start));
    }
}
