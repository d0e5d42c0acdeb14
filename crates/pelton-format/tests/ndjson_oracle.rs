//! NDJSON against serde_json on random records, damaged ones, and what the encoder writes.

use std::collections::BTreeSet;

use pelton_format::{Cut, Format, Limits, Ndjson};
use pelton_record::{Batch, Block, Column, DataType, Origin, Schema, Value};
use proptest::prelude::*;
use serde_json::Value as Json;

/// A value as text, with space and escapes wherever they may be.
fn json(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?([eE][+-]?[0-9])?",
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        string(),
    ];
    leaf.prop_recursive(depth, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| list("[", &items, "]")),
            object(inner),
        ]
    })
    .boxed()
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let member = (key(), "[ \t]{0,1}", "[ \t]{0,1}", value)
        .prop_map(|(key, before, after, value)| format!("{key}{before}:{after}{value}"));
    prop::collection::vec(member, 0..5).prop_map(|members| list("{", &members, "}"))
}

fn list(open: &str, items: &[String], close: &str) -> String {
    format!(
        "{open}{}{close}",
        items.join(if items.len().is_multiple_of(2) {
            ","
        } else {
            " , "
        })
    )
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[abc]".prop_map(|key| format!("\"{key}\"")),
        1 => "[a.é:]{0,3}".prop_map(|key| format!("\"{key}\"")),
        1 => string(),
    ]
}

fn string() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => "[a-c{}\\[\\]:, é😀]{0,4}",
        1 => Just("\\\"".to_owned()),
        1 => Just("\\\\".to_owned()),
        1 => Just("\\n".to_owned()),
        1 => Just("\\u00e9".to_owned()),
        1 => Just("\\uD83D\\ude00".to_owned()),
    ];
    prop::collection::vec(part, 0..4).prop_map(|parts| format!("\"{}\"", parts.concat()))
}

/// A record, in which up to two bytes may be wrong.
fn line() -> impl Strategy<Value = String> {
    let damage = prop::collection::vec(
        (
            any::<prop::sample::Index>(),
            "[\"\\\\{}\\[\\]:,0-9a .tnu-]{0,1}",
            any::<bool>(),
        ),
        0..3,
    );
    (object(json(3)), damage).prop_map(|(line, damage)| {
        let mut characters: Vec<char> = line.chars().collect();
        for (place, inserted, deletes) in damage {
            let place = place.index(characters.len() + 1);
            if deletes && place < characters.len() {
                characters.remove(place);
            }
            characters.splice(
                place.min(characters.len())..place.min(characters.len()),
                inserted.chars(),
            );
        }
        characters.into_iter().collect()
    })
}

/// Whatever stands between quotes in `text`: all its keys, and more.
fn quoted(text: &str) -> BTreeSet<String> {
    let starts = text.match_indices('"').map(|(at, _)| at);
    let run = |start: usize| {
        let ends = text[start + 1..]
            .match_indices('"')
            .map(move |(at, _)| start + 2 + at);
        ends.filter_map(move |end| serde_json::from_str::<String>(&text[start..end]).ok())
            .next()
    };
    starts.filter_map(run).collect()
}

fn decode(schema: &Schema, text: &[u8]) -> Batch {
    let wanted: Vec<usize> = (0..schema.len()).collect();
    let mut decoder = Ndjson::default().decoder(schema, &wanted);
    decoder.decode(Block::new(text.to_vec()), Origin::default())
}

/// The cell should be what serde_json found.
fn agrees(cell: Value<'_>, expected: &Json) -> bool {
    match (cell, expected) {
        (Value::Null, Json::Null) => true,
        (Value::String(text), Json::String(expected)) => text == expected,
        (Value::String(_), Json::Null) => false,
        (Value::String(text), expected) => {
            serde_json::from_str::<Json>(text).is_ok_and(|value| value == *expected)
        }
        _ => false,
    }
}

fn nesting(json: &Json) -> usize {
    match json {
        Json::Array(items) => 1 + items.iter().map(nesting).max().unwrap_or(0),
        Json::Object(members) => 1 + members.values().map(nesting).max().unwrap_or(0),
        _ => 0,
    }
}

/// Bytes that mean something in JSON, and some that may not be there.
fn alike() -> impl Strategy<Value = Vec<u8>> {
    let bytes = &b"{}[]:,\"\\ abc019.-eutrfn\t\r\0\x7f\x80\xc3\xa9"[..];
    prop::collection::vec(prop::sample::select(bytes), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn reads_what_serde_reads(lines in prop::collection::vec(line(), 1..6)) {
        let text = lines.join("\n");
        let names: BTreeSet<String> = lines.iter().flat_map(|line| quoted(line)).collect();
        let schema = Schema::of(names.iter().map(|name| (name.as_str(), DataType::String)));
        let batch = decode(&schema, text.as_bytes());
        let refused: Vec<_> =
            batch.rejected().iter().map(|r| r.extent.of(batch.block())).collect();
        let mut row = 0;
        for line in lines.iter().filter(|line| !line.trim_ascii().is_empty()) {
            let Ok(expected @ Json::Object(_)) = serde_json::from_str::<Json>(line) else {
                prop_assert!(refused.contains(&line.as_bytes()), "{line} should be refused");
                continue;
            };
            prop_assert!(nesting(&expected) <= 64);
            prop_assert_eq!(batch.extents()[row].of(batch.block()), line.as_bytes());
            let plain = names.iter().enumerate().filter(|(_, name)| !name.contains('.'));
            for (column, name) in plain {
                let cell = batch.column(column).value(row);
                prop_assert!(agrees(cell, &expected[name.as_str()]), "{line}: {name} is {cell:?}");
            }
            row += 1;
        }
        prop_assert_eq!(row, batch.rows());
    }

    #[test]
    fn every_line_is_a_row_or_refused(
        lines in prop::collection::vec(
            prop_oneof![
                alike(),
                prop::collection::vec(any::<u8>(), 0..30),
                line().prop_map(String::into_bytes),
            ],
            0..8,
        ),
        step in 1usize..50,
    ) {
        let mut text = lines.join(&b'\n');
        text.retain(|&byte| byte != 0x0b);
        let schema = Schema::of([
            ("a", DataType::Int64),
            ("b.c", DataType::String),
            ("c.0", DataType::Bool),
        ]);
        let whole = decode(&schema, &text);
        let blank = |line: &&[u8]| line.iter().all(|b| b" \t\r".contains(b));
        let records = text.split(|&b| b == b'\n').filter(|line| !blank(line)).count();
        prop_assert_eq!(whole.rows() + whole.rejected().len(), records);
        prop_assert_eq!(in_blocks(&schema, &text, step), outcome(&whole));
    }

    #[test]
    fn what_is_written_reads_back(
        rows in prop::collection::vec(
            (
                any::<Option<i64>>(),
                any::<Option<f64>>(),
                any::<bool>(),
                prop::option::of(any::<String>()),
                0i64..1 << 62,
                any::<i32>(),
            ),
            0..9,
        ),
    ) {
        let schema = Schema::of([
            ("i", DataType::Int64),
            ("f\"\n", DataType::Float64),
            ("b", DataType::Bool),
            ("s", DataType::String),
            ("t", DataType::Timestamp),
            ("d.e", DataType::Decimal { scale: 3 }),
        ]);
        let columns = vec![
            Column::int64(rows.iter().map(|r| r.0.unwrap_or(0)))
                .with_validity(rows.iter().map(|r| r.0.is_some()).collect()),
            Column::float64(rows.iter().map(|r| r.1.unwrap_or(0.0)))
                .with_validity(rows.iter().map(|r| r.1.is_some_and(f64::is_finite)).collect()),
            Column::bools(rows.iter().map(|r| r.2)),
            Column::strings(rows.iter().map(|r| r.3.as_deref().unwrap_or("")))
                .with_validity(rows.iter().map(|r| r.3.is_some()).collect()),
            Column::timestamps(rows.iter().map(|r| r.4)),
            Column::decimal(rows.iter().map(|r| i128::from(r.5)), 3),
        ];
        let batch = Batch::from_columns(schema.clone().into(), columns);
        let mut text = Vec::new();
        Ndjson::default().encoder().encode(&batch, &mut text);
        for (row, line) in String::from_utf8(text.clone()).unwrap().lines().enumerate() {
            let found: Json = serde_json::from_str(line).unwrap();
            prop_assert_eq!(&found["s"], &Json::from(rows[row].3.clone()));
            prop_assert_eq!(&found["i"], &Json::from(rows[row].0));
        }
        let read = decode(&schema, &text);
        prop_assert_eq!(read.rejected(), &[]);
        prop_assert_eq!(outcome(&read).0, outcome(&batch).0);
    }
}

/// Rows and refused stretches, in order.
type Outcome = (Vec<Vec<String>>, Vec<(Vec<u8>, String)>);

fn outcome(batch: &Batch) -> Outcome {
    let row = |row| {
        batch
            .columns()
            .iter()
            .map(|c| format!("{:?}", c.value(row)))
            .collect()
    };
    let mut rejected: Vec<_> = batch.rejected().iter().collect();
    rejected.sort_by_key(|rejected| rejected.extent.start);
    let refused = |r: &&pelton_record::Rejected| {
        (
            r.extent.of(batch.block()).to_vec(),
            format!("{}: {}", r.kind, r.reason),
        )
    };
    (
        (0..batch.rows()).map(row).collect(),
        rejected.iter().map(refused).collect(),
    )
}

/// Cuts `text` with a framer that sees `step` bytes more each time, and decodes block by block.
fn in_blocks(schema: &Schema, text: &[u8], step: usize) -> Outcome {
    let ndjson = Ndjson {
        limits: Limits {
            record_bytes_max: 1000,
        },
    };
    let wanted: Vec<usize> = (0..schema.len()).collect();
    let (mut framer, mut decoder) = (ndjson.framer(), ndjson.decoder(schema, &wanted));
    let (mut start, mut end) = (0, step);
    let mut all = Outcome::default();
    while start < text.len() {
        let seen = end.min(text.len());
        match framer.cut(&text[start..seen], seen == text.len()) {
            Cut::Records(length) => {
                let block = Block::new(text[start..start + length].to_vec());
                let (rows, rejected) = outcome(&decoder.decode(block, Origin::default()));
                all.0.extend(rows);
                all.1.extend(rejected);
                start += length;
                end = start + step;
            }
            Cut::More => end += step,
            Cut::TooLarge => unreachable!("no line is longer than 1000 bytes"),
        }
    }
    all
}
