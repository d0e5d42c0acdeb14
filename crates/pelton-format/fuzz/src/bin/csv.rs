//! CSV: cutting the input into blocks changes nothing, and every byte is accounted for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pelton_format::{Csv, Cut, Format, Limits};
use pelton_record::{Batch, Block, DataType, Origin, Schema};

const LIMIT: usize = 64;

/// Rows and refused records of one run over the input.
type Outcome = (Vec<Vec<String>>, Vec<(usize, String)>);

fn collect(batch: &Batch, start: usize, outcome: &mut Outcome) {
    let row = |row| {
        batch
            .columns()
            .iter()
            .map(|c| c.value(row).to_string())
            .collect()
    };
    outcome.0.extend((0..batch.rows()).map(row));
    let mut refused: Vec<_> = batch.rejected().iter().collect();
    refused.sort_by_key(|refused| refused.extent.start);
    let place = |at: u32| start + at as usize;
    outcome.1.extend(
        refused
            .iter()
            .map(|r| (place(r.extent.start), r.kind.to_string())),
    );
}

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (step, width, text) = (
        1 + usize::from(input.0 % 48),
        1 + usize::from(input.1 % 4),
        input.2,
    );
    let csv = Csv {
        limits: Limits {
            record_bytes_max: LIMIT,
        },
        ..Csv::default()
    };
    let schema = Schema::of((0..width).map(|index| (format!("c{index}"), DataType::String)));
    let wanted: Vec<usize> = (0..width).collect();
    let mut decoder = csv.decoder(&schema, &wanted);
    let mut whole = Outcome::default();
    collect(
        &decoder.decode(Block::new(text.to_vec()), Origin::default()),
        0,
        &mut whole,
    );

    let (mut start, mut end) = (0, step);
    let mut framer = csv.framer();
    let mut parts = Outcome::default();
    while start < text.len() {
        let seen = end.min(text.len());
        match framer.cut(&text[start..seen], seen == text.len()) {
            Cut::Records(length) => {
                let block = Block::new(text[start..start + length].to_vec());
                collect(&decoder.decode(block, Origin::default()), start, &mut parts);
                start += length;
                end = start + step;
            }
            Cut::More => end += step,
            Cut::TooLarge => {
                parts.1.push((start, "too_large".to_owned()));
                let rest = &text[seen..];
                start = seen
                    + rest
                        .iter()
                        .position(|&b| b == b'\n')
                        .map_or(rest.len(), |at| at + 1);
                end = start + step;
            }
        }
    }
    assert_eq!(whole, parts);
    let _ = csv.open(text, true);
});
