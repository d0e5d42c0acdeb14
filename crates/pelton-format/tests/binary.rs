//! Binary records: round trips, damage, and any bytes.

use pelton_format::{Binary, BinaryLayout, Cut, Format, Limits};
use pelton_record::{
    Batch, Block, Column, DataType, Origin, RejectedKind, Schema, Strings, Value, Values,
};
use proptest::prelude::*;

const LIMIT: usize = 40;

fn format(layout: BinaryLayout) -> Binary {
    Binary {
        layout,
        limits: Limits {
            record_bytes_max: LIMIT,
        },
    }
}

fn frame(payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_le_bytes(), payload].concat()
}

fn event(id: u64, timestamp: i64, payload: &[u8]) -> Vec<u8> {
    [
        &id.to_le_bytes()[..],
        &timestamp.to_le_bytes(),
        &frame(payload),
    ]
    .concat()
}

fn decode(format: Binary, schema: &Schema, bytes: &[u8]) -> Batch {
    let wanted: Vec<usize> = (0..schema.len()).collect();
    format
        .decoder(schema, &wanted)
        .decode(Block::new(bytes.to_vec()), Origin::default())
}

fn schema(format: Binary) -> Schema {
    format.open(b"", true).expect("any bytes will do").schema
}

type Outcome = (Vec<Vec<String>>, Vec<(Vec<u8>, RejectedKind)>);

fn outcome(batch: &Batch) -> Outcome {
    let row = |row| {
        let show = |column: &Column| match column.value(row) {
            Value::Bytes(bytes) => format!("{bytes:?}"),
            other => other.to_string(),
        };
        batch.columns().iter().map(show).collect()
    };
    let refused = batch
        .rejected()
        .iter()
        .map(|r| (r.extent.of(batch.block()).to_vec(), r.kind));
    ((0..batch.rows()).map(row).collect(), refused.collect())
}

/// Cuts with a framer that sees `step` bytes more each time, and decodes block by block.
fn in_blocks(format: Binary, bytes: &[u8], step: usize) -> Outcome {
    let schema = schema(format);
    let mut framer = format.framer();
    let (mut start, mut end) = (0, step);
    let mut all = Outcome::default();
    while start < bytes.len() {
        let seen = end.min(bytes.len());
        match framer.cut(&bytes[start..seen], seen == bytes.len()) {
            Cut::Records(length) => {
                assert!(length > 0);
                let part = outcome(&decode(format, &schema, &bytes[start..start + length]));
                all.0.extend(part.0);
                all.1.extend(part.1);
                start += length;
                end = start + step;
            }
            Cut::More => {
                assert!(seen - start < 2 * LIMIT && seen < bytes.len());
                end += step;
            }
            Cut::TooLarge => panic!("damage is no record that is too large"),
        }
    }
    all
}

#[test]
fn smoke() {
    let format = format(BinaryLayout::Events);
    let bytes = [event(7, -1, b"\xff\0"), event(8, 2, b"")].concat();
    let batch = decode(format, &schema(format), &bytes);
    assert_eq!(batch.rejected(), []);
    assert_eq!(batch.column(0).value(0), Value::Int64(7));
    assert_eq!(batch.column(1).value(0), Value::Timestamp(-1));
    assert_eq!(batch.column(2).value(0), Value::Bytes(b"\xff\0"));
    assert_eq!(batch.column(2).value(1), Value::Bytes(b""));
    assert_eq!(batch.extents()[1].of(batch.block()), event(8, 2, b""));
}

#[test]
fn payloads_can_be_text_and_numbers() {
    let format = format(BinaryLayout::Frames);
    let text = Schema::of([("payload", DataType::String)]);
    let bytes = [frame("é".as_bytes()), frame(b"a\xff"), frame(b"b")].concat();
    let batch = decode(format, &text, &bytes);
    assert_eq!(outcome(&batch).0, [["é"], ["b"]]);
    assert_eq!(batch.rejected()[0].kind, RejectedKind::Utf8);
    let number = Schema::of([("payload", DataType::Int64)]);
    let batch = decode(format, &number, &[frame(b"12"), frame(b"x")].concat());
    assert_eq!(batch.column(0).value(0), Value::Int64(12));
    assert_eq!(
        batch.rejected()[0].reason,
        "column payload: expected int64, found \"x\""
    );
}

#[test]
fn ids_past_the_range_are_refused() {
    let format = format(BinaryLayout::Events);
    let batch = decode(format, &schema(format), &event(1 << 63, 0, b"x"));
    assert_eq!(
        batch.rejected()[0].reason,
        "column id: expected an id below 2^63, found 9223372036854775808"
    );
}

#[test]
fn truncated_records_are_refused() {
    let format = format(BinaryLayout::Frames);
    let reason = |bytes: &[u8]| {
        let batch = decode(format, &schema(format), bytes);
        assert_eq!((batch.rows(), batch.rejected().len()), (1, 1));
        batch.rejected()[0].reason.clone()
    };
    let good = frame(b"good");
    assert_eq!(
        reason(&[&good[..], &frame(b"abc")[..6]].concat()),
        "a payload of 3 bytes, of which 2 are there: damaged"
    );
    assert_eq!(
        reason(&[&good[..], b"\x01\0"].concat()),
        "2 bytes where a header has 4"
    );
    assert_eq!(
        reason(&[&good[..], &[41, 0, 0, 0]].concat()),
        "a payload of 41 bytes, more than the limit of 40: damaged"
    );
}

#[test]
fn columns_after_a_raw_record_lengthen_its_payload() {
    let format = format(BinaryLayout::Frames);
    let mut batch = decode(format, &schema(format), &frame(b"ab"));
    let both = Schema::of([("payload", DataType::Bytes), ("n", DataType::Int64)]);
    batch.set_columns(
        both.into(),
        vec![batch.column(0).clone(), Column::int64([7])],
    );
    let mut out = Vec::new();
    format.encoder().encode_raw(&batch, 1, &mut out);
    assert_eq!(out, frame(b"ab 7"));
    out.clear();
    format.encoder().encode_raw(&batch, 2, &mut out);
    assert_eq!(out, frame(b"ab"));
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..=LIMIT)
}

/// Bytes that make no length within the limit, wherever one looks.
fn impossible(length: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(41u8.., length)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_written_reads_back_however_it_is_cut(
        rows in prop::collection::vec((0..i64::MAX, any::<i64>(), payload()), 0..8),
        events in any::<bool>(),
        step in 1usize..50,
    ) {
        let format = format(if events { BinaryLayout::Events } else { BinaryLayout::Frames });
        let payloads: Strings = rows.iter().map(|row| &row.2).collect();
        let mut columns = vec![Column::new(Values::Bytes(payloads), None)];
        if events {
            columns.insert(0, Column::timestamps(rows.iter().map(|row| row.1)));
            columns.insert(0, Column::int64(rows.iter().map(|row| row.0)));
        }
        let batch = Batch::from_columns(schema(format).into(), columns);
        let mut bytes = Vec::new();
        format.encoder().encode(&batch, &mut bytes);
        let by_hand = rows.iter().flat_map(|(id, time, payload)| match events {
            true => event(id.cast_unsigned(), *time, payload),
            false => frame(payload),
        });
        prop_assert_eq!(&bytes, &by_hand.collect::<Vec<u8>>());
        prop_assert_eq!(in_blocks(format, &bytes, step), outcome(&batch));
    }

    #[test]
    fn after_damage_reading_goes_on(
        before in prop::collection::vec(impossible(1..=10), 0..4),
        damage in impossible(4..=20),
        after in prop::collection::vec(impossible(1..=10), 3..6),
        step in 1usize..200,
    ) {
        let format = format(BinaryLayout::Frames);
        let frames = |payloads: &[Vec<u8>]| -> Vec<u8> {
            payloads.iter().flat_map(|payload| frame(payload)).collect()
        };
        let bytes = [frames(&before), damage.clone(), frames(&after)].concat();
        let shown = |payload: &Vec<u8>| vec![format!("{payload:?}")];
        let rows: Vec<_> = before.iter().chain(&after).map(shown).collect();
        let refused = vec![(damage, RejectedKind::Syntax)];
        prop_assert_eq!(in_blocks(format, &bytes, step), (rows, refused));
    }

    #[test]
    fn all_bytes_are_in_rows_or_refused(
        bytes in prop::collection::vec(
            prop_oneof![3 => Just(0u8), 1 => 0u8..4, 1 => any::<u8>()],
            0..200,
        ),
        events in any::<bool>(),
        step in 1usize..50,
    ) {
        let format = format(if events { BinaryLayout::Events } else { BinaryLayout::Frames });
        in_blocks(format, &bytes, step);
        let batch = decode(format, &schema(format), &bytes);
        let rows: usize = batch.extents().iter().map(|view| view.len as usize).sum();
        let refused: usize = batch.rejected().iter().map(|r| r.extent.len as usize).sum();
        prop_assert_eq!(rows + refused, bytes.len());
    }
}
