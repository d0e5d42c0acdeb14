//! Dialects of CSV: cutting the input changes nothing, what is read is what csv-core reads, and
//! what is written reads back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pelton_format::{Csv, Cut, Format, Ragged};
use pelton_record::{Batch, Block, DataType, Origin, Schema, Value};

/// Rows, and where each refused record begins.
type Outcome = (Vec<Vec<Option<String>>>, Vec<(usize, String)>);

const WIDTH: usize = 3;

fn schema() -> Schema {
    Schema::of((0..WIDTH).map(|index| (format!("c{index}"), DataType::String)))
}

fn collect(batch: &Batch, start: usize, outcome: &mut Outcome) {
    let cell = |value: Value<'_>| match value {
        Value::Null => None,
        value => Some(value.to_string()),
    };
    let row = |row| batch.columns().iter().map(|c| cell(c.value(row))).collect();
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

fn decode(csv: &Csv, bytes: &[u8], start: usize, outcome: &mut Outcome) {
    let mut decoder = csv.decoder(&schema(), &[0, 1, 2]);
    let block = Block::new(bytes.to_vec());
    collect(&decoder.decode(block, Origin::default()), start, outcome);
}

fn in_blocks(csv: &Csv, text: &[u8], step: usize) -> Outcome {
    let (mut framer, mut parts) = (csv.framer(), Outcome::default());
    let (mut start, mut end) = (0, step);
    while start < text.len() {
        let seen = end.min(text.len());
        match framer.cut(&text[start..seen], seen == text.len()) {
            Cut::Records(length) => {
                decode(csv, &text[start..start + length], start, &mut parts);
                start += length;
                end = start + step;
            }
            Cut::More => end += step,
            Cut::TooLarge => unreachable!("no input is that long"),
        }
    }
    parts
}

/// The records that csv-core finds in text that ends with a newline.
fn csv_core(csv: &Csv, text: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv_core::ReaderBuilder::new()
        .delimiter(csv.delimiter)
        .quote(csv.quote.unwrap_or(b'"'))
        .quoting(csv.quote.is_some())
        .escape(csv.escape)
        .comment(csv.comment)
        .build();
    let (mut input, mut records) = (text, Vec::new());
    let (mut fields, mut ends) = (vec![0; text.len() + 1], vec![0; text.len() + 1]);
    loop {
        let (result, read, _, count) = reader.read_record(input, &mut fields, &mut ends);
        input = &input[read..];
        match result {
            csv_core::ReadRecordResult::Record => {
                let mut start = 0;
                let field = |&end: &usize| {
                    let text = String::from_utf8_lossy(&fields[start..end]).into_owned();
                    start = end;
                    text
                };
                records.push(ends[..count].iter().map(field).collect());
            }
            csv_core::ReadRecordResult::End => return records,
            csv_core::ReadRecordResult::InputEmpty => {}
            full => panic!("{full:?}"),
        }
    }
}

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (step, flags, text) = (1 + usize::from(input.0 % 48), input.1, input.2);
    let has = |bit: u8| flags >> bit & 1 == 1;
    let csv = Csv {
        delimiter: if has(0) { b';' } else { b',' },
        quote: if has(1) && has(2) {
            None
        } else {
            Some(if has(1) { b'\'' } else { b'"' })
        },
        escape: has(3).then_some(b'\\'),
        comment: has(4).then_some(b'#'),
        ragged: if has(5) { Ragged::Fit } else { Ragged::Reject },
        ..Csv::default()
    };
    let mut whole = Outcome::default();
    decode(&csv, text, 0, &mut whole);
    assert_eq!(in_blocks(&csv, text, step), whole);

    // Without broken quotes both readers must agree, but for what csv-core takes for a line end: a
    // carriage return alone.
    let clean = whole.1.is_empty() && !has(5) && !text.contains(&b'\r');
    if clean && text.ends_with(b"\n") {
        let ours = whole.0.iter().map(|row| {
            let text = |cell: &Option<String>| cell.clone().unwrap_or_default();
            row.iter().map(text).collect::<Vec<_>>()
        });
        assert_eq!(ours.collect::<Vec<_>>(), csv_core(&csv, text));
    }

    // What is written reads back.
    if csv.quote.is_some() && csv.comment.is_none() {
        let mut decoder = csv.decoder(&schema(), &[0, 1, 2]);
        let batch = decoder.decode(Block::new(text.to_vec()), Origin::default());
        let mut again = Vec::new();
        csv.encoder().encode(&batch, &mut again);
        let mut read = Outcome::default();
        decode(&csv, &again, 0, &mut read);
        assert_eq!(read, (whole.0, Vec::new()));
    }
    let _ = csv.open(text, true);
});
