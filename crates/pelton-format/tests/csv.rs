//! CSV against a twin that follows the rules one byte at a time, and the rules one by one.

use pelton_format::{Csv, Cut, Format, Limits};
use pelton_record::{Batch, Block, DataType, Origin, RejectedKind, Schema, Value};
use proptest::prelude::*;

const LIMIT: usize = 24;

fn csv() -> Csv {
    Csv {
        limits: Limits {
            record_bytes_max: LIMIT,
        },
        ..Csv::default()
    }
}

fn text_schema(width: usize) -> Schema {
    Schema::of((0..width).map(|index| (format!("c{index}"), DataType::String)))
}

fn decode(csv: &Csv, schema: &Schema, text: &[u8]) -> Batch {
    let wanted: Vec<usize> = (0..schema.len()).collect();
    csv.decoder(schema, &wanted)
        .decode(Block::new(text.to_vec()), Origin::default())
}

/// What a block comes to: rows of values, and refused stretches with their kind, in order.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    rows: Vec<Vec<Option<String>>>,
    rejected: Vec<(String, RejectedKind)>,
}

fn outcome(batch: &Batch) -> Outcome {
    let cell = |row: usize, column: usize| match batch.column(column).value(row) {
        Value::Null => None,
        Value::String(text) => Some(text.to_owned()),
        other => panic!("{other:?} in a text column"),
    };
    let row = |row| {
        (0..batch.columns().len())
            .map(|column| cell(row, column))
            .collect()
    };
    let mut rejected: Vec<_> = batch.rejected().iter().collect();
    rejected.sort_by_key(|rejected| rejected.extent.start);
    let bytes = batch.block().bytes();
    let text = |view: pelton_record::View| String::from_utf8_lossy(view.of(bytes)).into_owned();
    Outcome {
        rows: (0..batch.rows()).map(row).collect(),
        rejected: rejected.iter().map(|r| (text(r.extent), r.kind)).collect(),
    }
}

/// The twin: the rules of the format, read off the documentation.
fn twin(text: &str, width: usize) -> Outcome {
    let mut outcome = Outcome::default();
    let bytes = text.as_bytes();
    let mut start = 0;
    while start < bytes.len() {
        let line_end = text[start..]
            .find('\n')
            .map_or(bytes.len(), |at| start + at);
        let shown = |end: usize| {
            text[start..end]
                .strip_suffix('\r')
                .unwrap_or(&text[start..end])
        };
        let record = twin_record(bytes, start);
        let long = |end: usize| shown(end).len() > LIMIT;
        match record.filter(|&(_, end)| !long(end) || end == line_end) {
            None => {
                let line = shown(line_end);
                let long = line.len() > LIMIT;
                let kind = if long {
                    RejectedKind::TooLarge
                } else {
                    RejectedKind::Quote
                };
                outcome.rejected.push((line.to_owned(), kind));
                start = line_end + 1;
            }
            Some((fields, end)) => {
                let record = shown(end);
                if record.len() > LIMIT {
                    outcome
                        .rejected
                        .push((record.to_owned(), RejectedKind::TooLarge));
                } else if record.is_empty() && width > 1 {
                    // An empty line is no record.
                } else if fields.len() == width {
                    push_row(&mut outcome, record, &fields);
                } else {
                    outcome
                        .rejected
                        .push((record.to_owned(), RejectedKind::FieldCount));
                }
                start = end + 1;
            }
        }
    }
    outcome
}

fn push_row(outcome: &mut Outcome, record: &str, fields: &[String]) {
    let values: Option<Vec<Option<String>>> =
        fields.iter().map(|field| twin_value(field)).collect();
    match values {
        Some(values) => outcome.rows.push(values),
        None => outcome
            .rejected
            .push((record.to_owned(), RejectedKind::Value)),
    }
}

/// The value of a raw field; nothing when characters follow its closing quote.
fn twin_value(field: &str) -> Option<Option<String>> {
    if field.is_empty() {
        return Some(None);
    }
    if !field.starts_with('"') {
        return Some(Some(field.to_owned()));
    }
    let inner = field.strip_prefix('"')?.strip_suffix('"')?;
    Some(Some(inner.replace("\"\"", "\"")))
}

/// The raw fields of the record at `start`, and where its line ends.
fn twin_record(bytes: &[u8], start: usize) -> Option<(Vec<String>, usize)> {
    let mut fields = Vec::new();
    let mut at = start;
    loop {
        let field_start = at;
        let quoted = bytes.get(at) == Some(&b'"');
        if quoted {
            at += 1;
            loop {
                if at >= bytes.len() || at - start >= LIMIT {
                    return None;
                }
                if bytes[at] == b'"' {
                    if bytes.get(at + 1) != Some(&b'"') {
                        break;
                    }
                    at += 1;
                }
                at += 1;
            }
            at += 1;
            if !matches!(bytes.get(at), None | Some(b',' | b'\n' | b'\r')) {
                return None;
            }
        }
        while !matches!(bytes.get(at), None | Some(b',' | b'\n')) {
            if bytes[at] == b'"' {
                return None;
            }
            at += 1;
        }
        let mut field = String::from_utf8_lossy(&bytes[field_start..at]).into_owned();
        if bytes.get(at) != Some(&b',') {
            if field.ends_with('\r') {
                field.pop();
            }
            fields.push(field);
            return Some((fields, at));
        }
        fields.push(field);
        at += 1;
    }
}

/// Cuts `text` with a framer that sees `step` bytes more each time, and decodes block by block.
fn outcome_in_blocks(text: &[u8], width: usize, step: usize) -> Outcome {
    let csv = csv();
    let schema = text_schema(width);
    let mut framer = csv.framer();
    let (mut start, mut end) = (0, step);
    let mut all = Outcome::default();
    while start < text.len() {
        let seen = end.min(text.len());
        match framer.cut(&text[start..seen], seen == text.len()) {
            Cut::Records(length) => {
                let part = outcome(&decode(&csv, &schema, &text[start..start + length]));
                all.rows.extend(part.rows);
                all.rejected.extend(part.rejected);
                start += length;
                end = start + step;
            }
            Cut::More => end += step,
            Cut::TooLarge => {
                let rest = &text[start..];
                let unseen = &text[seen..];
                let more = unseen
                    .iter()
                    .position(|&b| b == b'\n')
                    .unwrap_or(unseen.len());
                let line = seen - start + more;
                let shown = rest[..line].strip_suffix(b"\r").unwrap_or(&rest[..line]);
                let record = String::from_utf8_lossy(shown).into_owned();
                all.rejected.push((record, RejectedKind::TooLarge));
                start += line + 1;
                end = start + step;
            }
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn decodes_as_the_rules_say(text in "[ab,,\"\"\n\n\r]{0,80}", width in 1usize..4) {
        let found = outcome(&decode(&csv(), &text_schema(width), text.as_bytes()));
        prop_assert_eq!(found, twin(&text, width));
    }

    #[test]
    fn cutting_changes_nothing(
        text in "[abc,,\"\n\n\r]{0,120}",
        width in 1usize..4,
        step in 1usize..40,
    ) {
        let whole = twin(&text, width);
        prop_assert_eq!(outcome_in_blocks(text.as_bytes(), width, step), whole);
    }

    #[test]
    fn what_is_written_reads_back(
        rows in prop::collection::vec(
            prop::collection::vec(prop::option::of("[a\",\n\r é]{0,5}"), 3), 0..9)
    ) {
        let column = |index: usize| {
            let texts: Vec<&str> =
                rows.iter().map(|row| row[index].as_deref().unwrap_or("")).collect();
            let valid = rows.iter().map(|row| row[index].is_some()).collect();
            pelton_record::Column::strings(texts).with_validity(valid)
        };
        let columns = (0..3).map(column).collect();
        let batch = Batch::from_columns(text_schema(3).into(), columns);
        let mut text = Vec::new();
        let written = Csv::default();
        written.encoder().encode(&batch, &mut text);
        let found = outcome(&decode(&written, &text_schema(3), &text));
        prop_assert_eq!(found, Outcome { rows, rejected: vec![] });
    }
}

/// Reads typed columns from text, with a header.
fn read(text: &str) -> (Schema, Batch) {
    let csv = Csv::default();
    let opened = csv.open(text.as_bytes(), true).expect("it has a header");
    let batch = decode(&csv, &opened.schema, &text.as_bytes()[opened.data_start..]);
    (opened.schema, batch)
}

fn check_types(text: &str, expected: &str) {
    assert_eq!(read(text).0.to_string(), expected);
}

#[test]
fn infers_the_narrowest_type() {
    check_types("a\n1\n-2\n", "a int64");
    check_types("a\n1\n2.50\n", "a decimal(38,2)");
    check_types("a\n1\n2.5e3\n", "a float64");
    check_types("a\ntrue\nFALSE\n", "a bool");
    check_types("a\n2024-01-31\n2024-01-31T12:00:00Z\n", "a timestamp");
    check_types("a\n1\nx\n", "a string");
    check_types("a\n\n", "a string");
}

#[test]
fn codes_with_leading_zeros_are_text() {
    check_types("zip,n\n01067,0\n10115,10\n", "zip string, n int64");
}

#[test]
fn few_misfits_do_not_spoil_a_type() {
    let text = format!("n\n{}many\n", "7\n".repeat(20));
    let (schema, batch) = read(&text);
    assert_eq!(schema.to_string(), "n int64");
    assert_eq!(batch.rows(), 20);
    assert_eq!(
        batch.rejected()[0].reason,
        "column n: expected int64, found \"many\""
    );
}

#[test]
fn many_misfits_make_a_type_doubtful() {
    let opened = Csv::default().open(b"n\n1\n2\n3\nx\n", true).unwrap();
    assert_eq!(opened.schema.to_string(), "n string");
    assert_eq!(opened.doubtful, [Some(DataType::Int64)]);
}

#[test]
fn spaces_around_numbers_do_no_harm() {
    let (_, batch) = read("n,m\n 1 ,2\n3, 4\n");
    assert_eq!(batch.column(0).value(0), Value::Int64(1));
    assert_eq!(batch.column(1).value(1), Value::Int64(4));
}

#[test]
fn carriage_returns_and_byte_order_mark_are_no_data() {
    let (schema, batch) = read("\u{feff}a,b\r\n1,x\r\n2,\"y\"\r\n");
    assert_eq!(schema.to_string(), "a int64, b string");
    assert_eq!(batch.column(1).value(0), Value::String("x"));
    assert_eq!(batch.column(1).value(1), Value::String("y"));
}

#[test]
fn empty_is_null_and_quoted_empty_is_text() {
    let (_, batch) = read("a,b\n,\"\"\n");
    assert_eq!(batch.column(0).value(0), Value::Null);
    assert_eq!(batch.column(1).value(0), Value::String(""));
}

#[test]
fn bytes_that_are_not_utf8_cost_one_record() {
    let csv = Csv::default();
    let batch = decode(&csv, &text_schema(2), b"a,b\nc,\xff\nd,\xc3\xa9\n");
    assert_eq!(batch.rows(), 2);
    assert_eq!(batch.rejected()[0].kind, RejectedKind::Utf8);
    assert_eq!(
        batch.rejected()[0].reason,
        "not UTF-8 from byte 2 of the record: \"\u{fffd}\""
    );
}

#[test]
fn only_wanted_fields_are_decoded() {
    let schema = Schema::of([("a", DataType::Int64), ("b", DataType::Int64)]);
    let mut decoder = Csv::default().decoder(&schema, &[1]);
    let batch = decoder.decode(Block::new(b"x,1\n2,y\n".to_vec()), Origin::default());
    assert_eq!(batch.schema().to_string(), "b int64");
    assert_eq!(batch.rows(), 1);
    assert_eq!(batch.rejected().len(), 1);
}

#[test]
fn other_dialects() {
    let csv = Csv {
        delimiter: b';',
        quote: Some(b'\''),
        header: false,
        ..Csv::default()
    };
    let opened = csv.open(b"1;'a;b'\n", true).unwrap();
    assert_eq!(opened.schema.to_string(), "column_1 int64, column_2 string");
    let batch = decode(&csv, &opened.schema, b"1;'a;''b'\n");
    assert_eq!(batch.column(1).value(0), Value::String("a;'b"));
}

#[test]
fn headers_that_make_no_sense_are_refused() {
    let message = |text: &[u8]| Csv::default().open(text, true).unwrap_err().to_string();
    assert_eq!(message(b""), "the input is empty: expected a header line");
    assert_eq!(message(b"a,\xff\n"), "header: name 2 is not UTF-8");
}

#[test]
fn raw_records_are_copied_with_columns_after_them() {
    let schema = Schema::of([("a", DataType::Int64), ("b", DataType::String)]);
    let mut decoder = Csv::default().decoder(&schema, &[0]);
    let block = Block::new(b"1,\"x, y\"\r\n2,z\r\n".to_vec());
    let mut batch = decoder.decode(block, Origin::default());
    let a = batch.column(0).clone();
    let both = Schema::of([("a", DataType::Int64), ("twice", DataType::Int64)]);
    batch.set_columns(both.into(), vec![a, pelton_record::Column::int64([2, 4])]);
    let mut out = Vec::new();
    Csv::default().encoder().encode_raw(&batch, 1, &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), "1,\"x, y\",2\n2,z,4\n");
}
