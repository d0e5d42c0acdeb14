//! Binary: every byte is in a record or refused, once, and what is written reads back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pelton_format::{Binary, BinaryLayout, Format, Limits};
use pelton_record::{Batch, Block, Origin};

fn values(batch: &Batch) -> Vec<Vec<String>> {
    let row = |row| {
        batch
            .columns()
            .iter()
            .map(|c| format!("{:?}", c.value(row)))
            .collect()
    };
    (0..batch.rows()).map(row).collect()
}

fuzz_target!(|input: (bool, &[u8])| {
    let layout = if input.0 {
        BinaryLayout::Events
    } else {
        BinaryLayout::Frames
    };
    let limits = Limits {
        record_bytes_max: 64,
    };
    let binary = Binary { layout, limits };
    let opened = binary.open(input.1, true).expect("any bytes");
    let wanted: Vec<usize> = (0..opened.schema.len()).collect();
    let mut decoder = binary.decoder(&opened.schema, &wanted);
    let batch = decoder.decode(Block::new(input.1.to_vec()), Origin::default());
    let taken: usize = batch
        .extents()
        .iter()
        .map(|extent| extent.len as usize)
        .sum();
    let refused: usize = batch.rejected().iter().map(|r| r.extent.len as usize).sum();
    assert_eq!(taken + refused, input.1.len());
    let mut written = Vec::new();
    binary.encoder().encode(&batch, &mut written);
    let again = decoder.decode(Block::new(written), Origin::default());
    assert_eq!(again.rejected().len(), 0);
    assert_eq!(values(&again), values(&batch));
});
