//! Lines of text: ends, limits, and any bytes.

use pelton_format::{Cut, Format, Limits, Text};
use pelton_record::{Batch, Block, Column, DataType, Origin, RejectedKind, Schema, Value};
use proptest::prelude::*;

const TEXT: Text = Text {
    limits: Limits {
        record_bytes_max: 8,
    },
};

fn decode(text: &[u8]) -> Batch {
    let schema = TEXT.open(b"", true).expect("any text will do").schema;
    TEXT.decoder(&schema, &[0])
        .decode(Block::new(text.to_vec()), Origin::default())
}

fn lines(batch: &Batch) -> Vec<String> {
    (0..batch.rows())
        .map(|row| batch.column(0).value(row).to_string())
        .collect()
}

#[test]
fn line_ends_are_no_data() {
    let batch = decode(b"one\r\n\ntwo \r\nthree");
    assert_eq!(lines(&batch), ["one", "", "two ", "three"]);
    assert_eq!(batch.lines(), 4);
    assert_eq!(decode(b"").rows(), 0);
}

#[test]
fn long_lines_and_wrong_bytes_are_refused() {
    let batch = decode(b"12345678\n123456789\na\xff\nb\n");
    assert_eq!(lines(&batch), ["12345678", "b"]);
    let rejected: Vec<_> = batch
        .rejected()
        .iter()
        .map(|r| (r.kind, r.reason.as_str()))
        .collect();
    let expected = [
        (
            RejectedKind::TooLarge,
            "a line of 9 bytes, more than the limit of 8",
        ),
        (
            RejectedKind::Utf8,
            "not UTF-8 from byte 1 of the line: \"\u{fffd}\"",
        ),
    ];
    assert_eq!(rejected, expected);
}

#[test]
fn columns_are_written_with_spaces_between() {
    let mut batch = decode(b"a b\nc\n");
    let both = Schema::of([("line", DataType::String), ("n", DataType::Int64)]);
    batch.set_columns(
        both.into(),
        vec![batch.column(0).clone(), Column::int64([1, 2])],
    );
    let (mut all, mut raw) = (Vec::new(), Vec::new());
    TEXT.encoder().encode(&batch, &mut all);
    TEXT.encoder().encode_raw(&batch, 1, &mut raw);
    assert_eq!(all, b"a b 1\nc 2\n");
    assert_eq!(raw, all);
}

#[test]
fn a_line_past_the_limit_is_told_from_one_that_may_still_end() {
    let mut framer = TEXT.framer();
    assert_eq!(framer.cut(b"123456789", false), Cut::More);
    assert_eq!(framer.cut(b"1234567890", false), Cut::TooLarge);
    assert_eq!(framer.cut(b"1\n2", false), Cut::Records(2));
    assert_eq!(framer.cut(b"1\n2", true), Cut::Records(3));
}

proptest! {
    #[test]
    fn every_line_is_a_row_or_refused(
        text in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'\r')], 0..60),
    ) {
        let batch = decode(&text);
        let ended = text.is_empty() || text.ends_with(b"\n");
        let count = text.split(|&byte| byte == b'\n').count() - usize::from(ended);
        prop_assert_eq!(batch.rows() + batch.rejected().len(), count);
        for (row, extent) in batch.extents().iter().enumerate() {
            let line = std::str::from_utf8(extent.of(&text)).unwrap();
            prop_assert_eq!(batch.column(0).value(row), Value::String(line));
        }
    }
}
