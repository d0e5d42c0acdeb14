//! Dialects of CSV: against csv-core where it knows them, against themselves however they are cut,
//! and one by one.

use pelton_format::{Csv, Cut, Format, Limits, Ragged};
use pelton_record::{Batch, Block, Column, DataType, Origin, RejectedKind, Schema, Value};
use proptest::prelude::*;

const LIMIT: usize = 24;

fn odd() -> Csv {
    Csv {
        delimiter: b';',
        quote: Some(b'\''),
        escape: Some(b'\\'),
        comment: Some(b'#'),
        ..Csv::default()
    }
}

fn text_schema(width: usize) -> Schema {
    Schema::of((0..width).map(|index| (format!("c{index}"), DataType::String)))
}

fn decode(csv: &Csv, width: usize, text: &[u8]) -> Batch {
    let wanted: Vec<usize> = (0..width).collect();
    let mut decoder = csv.decoder(&text_schema(width), &wanted);
    decoder.decode(Block::new(text.to_vec()), Origin::default())
}

/// Rows of values, and refused stretches with their kinds, in order.
type Outcome = (Vec<Vec<Option<String>>>, Vec<(String, RejectedKind)>);

fn outcome(batch: &Batch) -> Outcome {
    let cell = |column: &Column, row| match column.value(row) {
        Value::Null => None,
        value => Some(value.to_string()),
    };
    let row = |row| {
        batch
            .columns()
            .iter()
            .map(|column| cell(column, row))
            .collect()
    };
    let bytes = batch.block().bytes();
    let mut rejected: Vec<_> = batch.rejected().iter().collect();
    rejected.sort_by_key(|rejected| rejected.extent.start);
    let text = |view: pelton_record::View| String::from_utf8_lossy(view.of(bytes)).into_owned();
    let rejected = rejected.iter().map(|r| (text(r.extent), r.kind)).collect();
    ((0..batch.rows()).map(row).collect(), rejected)
}

/// The same through blocks that a framer cut, fed in steps.
fn outcome_in_blocks(csv: &Csv, width: usize, text: &[u8], step: usize) -> Outcome {
    let mut framer = csv.framer();
    let (mut start, mut end) = (0, step);
    let (mut rows, mut rejected) = Outcome::default();
    while start < text.len() {
        let seen = end.min(text.len());
        match framer.cut(&text[start..seen], seen == text.len()) {
            Cut::Records(length) => {
                let block = outcome(&decode(csv, width, &text[start..start + length]));
                rows.extend(block.0);
                rejected.extend(block.1);
                start += length;
                end = start + step;
            }
            Cut::More => end += step,
            Cut::TooLarge => unreachable!("no line here is longer than the limit"),
        }
    }
    (rows, rejected)
}

/// The records that csv-core finds.
fn csv_core(text: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv_core::ReaderBuilder::new()
        .delimiter(b';')
        .quote(b'\'')
        .escape(Some(b'\\'))
        .comment(Some(b'#'))
        .build();
    let (mut input, mut records) = (text, Vec::new());
    loop {
        let (mut fields, mut ends) = ([0; 4096], [0; 64]);
        let (result, read, _, count) = reader.read_record(input, &mut fields, &mut ends);
        input = &input[read..];
        match result {
            csv_core::ReadRecordResult::Record => {
                let starts = std::iter::once(0).chain(ends.iter().copied());
                let field = |(start, &end): (usize, &usize)| {
                    String::from_utf8_lossy(&fields[start..end]).into_owned()
                };
                records.push(starts.zip(&ends[..count]).map(field).collect());
            }
            csv_core::ReadRecordResult::End => return records,
            // All text ends with a line end, so that nothing is cut in two.
            csv_core::ReadRecordResult::InputEmpty => {}
            full => panic!("{full:?}"),
        }
    }
}

/// A field as someone may write it, and a line that is no record.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c# \\\\]{0,4}".prop_filter("no comment", |text| !text.starts_with('#')),
        "'([a-c;#\n]|''|\\\\'|\\\\\\\\|\\\\;){0,5}'",
    ]
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::collection::vec(field(), 3).prop_map(|fields| fields.join(";")),
        1 => "#[a-c;'\\\\]{0,6}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    let end = prop_oneof![Just("\n"), Just("\r\n")];
    let lines = prop::collection::vec((line(), end), 0..12);
    lines.prop_map(|lines| {
        lines
            .iter()
            .map(|(line, end)| format!("{line}{end}"))
            .collect()
    })
}

proptest! {
    #[test]
    fn well_formed_text_is_what_csv_core_reads(text in text()) {
        let (rows, rejected) = outcome(&decode(&odd(), 3, text.as_bytes()));
        prop_assert_eq!(&rejected, &[]);
        // What csv-core does not tell apart: no characters, and quoted none.
        let rows: Vec<Vec<String>> = rows
            .into_iter()
            .map(|row| row.into_iter().map(Option::unwrap_or_default).collect())
            .collect();
        prop_assert_eq!(rows, csv_core(text.as_bytes()));
    }

    #[test]
    fn cutting_changes_nothing(
        text in prop_oneof![text(), "([a#;'\\\\\r]{0,5}\n){0,12}"],
        step in 1_usize..40,
    ) {
        let limits = Limits { record_bytes_max: 4 * LIMIT };
        for ragged in [Ragged::Reject, Ragged::Fit] {
            let csv = Csv { limits, ragged, ..odd() };
            let whole = outcome(&decode(&csv, 3, text.as_bytes()));
            prop_assert_eq!(outcome_in_blocks(&csv, 3, text.as_bytes(), step), whole);
        }
    }

    #[test]
    fn what_is_written_reads_back(
        rows in prop::collection::vec(
            prop::collection::vec(prop::option::of("[a;'\\\\\n\ré]{0,5}"), 3), 0..9),
        crlf in any::<bool>(),
        escape in prop::option::of(Just(b'\\')),
    ) {
        let column = |index: usize| {
            let texts: Vec<&str> =
                rows.iter().map(|row| row[index].as_deref().unwrap_or("")).collect();
            let valid = rows.iter().map(|row| row[index].is_some()).collect();
            Column::strings(texts).with_validity(valid)
        };
        let batch = Batch::from_columns(text_schema(3).into(), (0..3).map(column).collect());
        let csv = Csv { crlf, escape, comment: None, ..odd() };
        let mut text = Vec::new();
        csv.encoder().encode(&batch, &mut text);
        prop_assert_eq!(outcome(&decode(&csv, 3, &text)), (rows, vec![]));
    }
}

fn rows(csv: &Csv, width: usize, text: &str) -> (Vec<String>, usize) {
    let (rows, rejected) = outcome(&decode(csv, width, text.as_bytes()));
    let shown = |row: &Vec<Option<String>>| {
        row.iter()
            .map(|cell| cell.as_deref().unwrap_or("∅"))
            .collect::<Vec<_>>()
            .join("|")
    };
    (rows.iter().map(shown).collect(), rejected.len())
}

#[test]
fn escapes_work_between_quotes_alone() {
    let csv = Csv {
        escape: Some(b'\\'),
        ..Csv::default()
    };
    let text = "\"a\\\"b\",\"c\\\\\"\na\\b,\"d\"\"e\"\n\"f\\\n\",\"\\g\"\n";
    let expected = ["a\"b|c\\", "a\\b|d\"e", "f\n|g"];
    assert_eq!(
        rows(&csv, 2, text),
        (expected.map(String::from).to_vec(), 0)
    );
}

#[test]
fn comments_are_no_records_and_count_as_lines() {
    let csv = Csv {
        comment: Some(b'#'),
        ..Csv::default()
    };
    let text = "# made \"yesterday\n#by,me\na,b\n#\n1,\"x\n# y\"\n2,#z\n";
    let opened = csv.open(text.as_bytes(), true).expect("a header");
    assert_eq!(opened.schema.to_string(), "a int64, b string");
    assert_eq!(&text[opened.data_start..opened.data_start + 2], "#\n");
    let batch = decode(&csv, 2, &text.as_bytes()[opened.data_start..]);
    assert_eq!(batch.lines(), 4);
    let expected = vec!["1|x\n# y".to_owned(), "2|#z".to_owned()];
    assert_eq!(rows(&csv, 2, &text[opened.data_start..]), (expected, 0));
    assert_eq!(
        rows(&csv, 2, "1,2\n#3,4\n5,6"),
        (vec!["1|2".into(), "5|6".into()], 0)
    );
}

#[test]
fn ragged_records_by_each_policy() {
    let text = "1,2,3\r\n4\r\n5,6,7,\"8\"\r\n9,\r\n";
    let check = |ragged, expected: &[&str], refused| {
        let csv = Csv {
            ragged,
            ..Csv::default()
        };
        let expected = expected.iter().map(|&row| row.to_owned()).collect();
        assert_eq!(rows(&csv, 3, text), (expected, refused), "{ragged}");
    };
    check(Ragged::Reject, &["1|2|3"], 3);
    check(Ragged::Pad, &["1|2|3", "4|∅|∅", "9|∅|∅"], 1);
    check(Ragged::Truncate, &["1|2|3", "5|6|7"], 2);
    check(Ragged::Fit, &["1|2|3", "4|∅|∅", "5|6|7", "9|∅|∅"], 0);
}

#[test]
fn a_name_that_comes_again_gets_a_number() {
    let opened = Csv::default()
        .open(b"id,id,x,,id_2,id,x\n", true)
        .expect("a header");
    let names: Vec<_> = opened
        .schema
        .fields()
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["id", "id_3", "x", "column_4", "id_2", "id_4", "x_2"]
    );
}

#[test]
fn without_quotes_a_quote_is_a_byte() {
    let csv = Csv {
        quote: None,
        ..Csv::default()
    };
    assert_eq!(rows(&csv, 2, "\"a,b\"\n"), (vec!["\"a|b\"".into()], 0));
}

#[test]
fn written_without_a_header() {
    let mut out = Vec::new();
    let csv = Csv {
        header: false,
        ..Csv::default()
    };
    csv.encoder().begin(&text_schema(2), &mut out);
    assert_eq!(out, b"");
}
