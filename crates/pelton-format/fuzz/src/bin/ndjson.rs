//! NDJSON: a line that serde_json reads as an object is a row with its value, every line that is
//! not blank is a row or refused, and what is written reads back.
#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use pelton_format::{Format, Ndjson};
use pelton_record::{Block, DataType, Origin, Schema, Value};

/// Deeper nesting is refused here, and serde_json's own limit is another.
const DEPTH_MAX: usize = 40;

fn depth(line: &[u8]) -> usize {
    line.iter()
        .filter(|byte| matches!(byte, b'{' | b'['))
        .count()
}

/// The value of `a` in `line`, read as text, when the line is an object.
fn twin(line: &[u8]) -> Option<Option<String>> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line).ok()?;
    Some(match object.get("a") {
        Some(serde_json::Value::String(text)) => Some(text.clone()),
        _ => None,
    })
}

fuzz_target!(|text: &[u8]| {
    if text
        .split(|&byte| byte == b'\n')
        .any(|line| depth(line) > DEPTH_MAX)
    {
        return;
    }
    let json = Ndjson::default();
    let schema = Schema::of([("a", DataType::String)]);
    let mut decoder = json.decoder(&schema, &[0]);
    let batch = decoder.decode(Block::new(text.to_vec()), Origin::default());
    let rows: HashMap<usize, usize> = batch
        .extents()
        .iter()
        .enumerate()
        .map(|(row, e)| (e.start as usize, row))
        .collect();
    let (mut start, mut records) = (0, 0);
    for line in text.split(|&byte| byte == b'\n') {
        records += usize::from(!line.iter().all(|byte| b" \t\r".contains(byte)));
        if let Some(expected) = twin(line) {
            let row = *rows.get(&start).expect("an object is a row");
            if let Some(expected) = expected {
                assert_eq!(batch.column(0).value(row), Value::String(&expected));
            }
        }
        start += line.len() + 1;
    }
    assert_eq!(batch.rows() + batch.rejected().len(), records);
    let mut written = Vec::new();
    json.encoder().encode(&batch, &mut written);
    let again = decoder.decode(Block::new(written), Origin::default());
    assert_eq!(again.rejected().len(), 0);
    let values = |batch: &pelton_record::Batch| {
        let column = batch.column(0);
        (0..batch.rows())
            .map(|row| column.value(row).to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(values(&again), values(&batch));
});
