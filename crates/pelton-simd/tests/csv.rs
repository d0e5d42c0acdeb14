//! The structural scan: every level against the scalar twin, and the twin against a small parser.

use pelton_simd::Level;
use pelton_simd::csv::{Boundary, Dialect, Structure, boundary, boundary_at, scan, scan_at};
use proptest::prelude::*;

fn scanned(level: Level, bytes: &[u8], dialect: Dialect) -> Structure {
    let mut structure = Structure::new();
    scan_at(level, bytes, dialect, &mut structure);
    structure
}

fn levels_agree(bytes: &[u8], dialect: Dialect) {
    let expected = scanned(Level::Scalar, bytes, dialect);
    let end = boundary_at(Level::Scalar, bytes, dialect);
    for level in Level::available() {
        assert_eq!(
            scanned(level, bytes, dialect),
            expected,
            "{level} {bytes:?}"
        );
        assert_eq!(boundary_at(level, bytes, dialect), end, "{level} {bytes:?}");
    }
}

/// Bytes that mean something to the scan, and a few that do not.
fn adversarial() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        3 => Just(b'"'), 3 => Just(b','), 2 => Just(b'\n'), 1 => Just(b'\r'),
        4 => Just(b'a'), 1 => Just(0), 1 => Just(0xff), 1 => Just(b';'),
    ];
    prop::collection::vec(byte, 0..300)
}

/// Rows that a careful writer would produce.
fn well_formed() -> impl Strategy<Value = Vec<Vec<String>>> {
    let row = prop::collection::vec("[a-c,\"\n\u{e9} ]{0,20}", 1..6);
    prop::collection::vec(row, 0..30)
}

fn written(rows: &[Vec<String>], ending: &str) -> String {
    let field = |field: &String| match field.contains([',', '"', '\n']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.clone(),
    };
    let row = |row: &Vec<String>| row.iter().map(field).collect::<Vec<_>>().join(",") + ending;
    rows.iter().map(row).collect()
}

fn unquoted(field: &str) -> String {
    match field.strip_prefix('"') {
        Some(rest) => rest
            .strip_suffix('"')
            .expect("closing quote")
            .replace("\"\"", "\""),
        None => field.to_owned(),
    }
}

proptest! {
    #[test]
    fn levels_agree_on_adversarial_bytes(bytes in adversarial(), skip in 0..64usize) {
        levels_agree(&bytes[skip.min(bytes.len())..], Dialect::CSV);
    }

    #[test]
    fn levels_agree_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        levels_agree(&bytes, Dialect::CSV);
        levels_agree(&bytes, Dialect::TSV);
        levels_agree(&bytes, Dialect { delimiter: 0, quote: Some(b'\'') });
        levels_agree(&bytes, Dialect { delimiter: 0xff, quote: Some(0) });
    }

    /// Far apart, so that most of what is looked at together has no quotes.
    #[test]
    fn levels_agree_on_few_quotes(
        parts in prop::collection::vec((0..700usize, "[\",\n\r]{1,4}"), 0..30)
    ) {
        let text: String = parts.iter().map(|(far, part)| "a".repeat(*far) + part).collect();
        levels_agree(text.as_bytes(), Dialect::CSV);
    }

    #[test]
    fn rows_come_back(rows in well_formed(), crlf in any::<bool>()) {
        let text = written(&rows, if crlf { "\r\n" } else { "\n" });
        let structure = scanned(Level::detect(), text.as_bytes(), Dialect::CSV);
        prop_assert_eq!(structure.misplaced, None);
        prop_assert_eq!(structure.open_at_end, false);
        prop_assert_eq!(structure.records(), rows.len());
        prop_assert_eq!(structure.non_ascii, !text.is_ascii());
        prop_assert_eq!(structure.quotes, text.contains('"'));
        prop_assert_eq!(structure.returns, crlf && !rows.is_empty());
        prop_assert_eq!(structure.newlines, text.matches('\n').count() as u64);
        let mut quoted = structure.quoted.iter().copied();
        for (record, row) in rows.iter().enumerate() {
            prop_assert_eq!(structure.fields(record), row.len());
            prop_assert_eq!(structure.field(record, row.len()), None);
            for (i, field) in row.iter().enumerate() {
                let range = structure.field(record, i).expect("a field");
                let raw = text[range].trim_end_matches('\r');
                if raw.starts_with('"') {
                    let before = if record == 0 { 0 } else { structure.row_ends[record - 1] };
                    prop_assert_eq!(quoted.next(), Some(before + i as u32));
                }
                prop_assert_eq!(&unquoted(raw), field);
            }
        }
        prop_assert_eq!(quoted.next(), None);
    }
}

#[test]
fn every_length_and_alignment() {
    let text: Vec<u8> = b"ab,\"c,\n\"\"d\",,e\nf,\xc3\xa9\"x\r\n".repeat(20);
    for start in 0..64 {
        for length in 0..300 {
            levels_agree(&text[start..start + length], Dialect::CSV);
        }
    }
}

#[test]
fn quotes_across_the_end_of_a_group_of_chunks() {
    for quoted in ["\"\"", "\"b\"x", ",\"b\"", ",\"b\"\n", "\"", ",\"b\"\"\n"] {
        for place in (4030..4034).chain(4090..4100) {
            let text = format!("a,b\n{},c\nd", "a".repeat(place - 4) + quoted);
            levels_agree(text.as_bytes(), Dialect::CSV);
            levels_agree(&[text.as_bytes(), &[b'e'; 5000]].concat(), Dialect::CSV);
        }
    }
}

#[test]
fn every_byte_a_separator() {
    for length in 0..300 {
        levels_agree(&b",".repeat(length), Dialect::CSV);
        levels_agree(&b"\n".repeat(length), Dialect::CSV);
        levels_agree(&b"\"".repeat(length), Dialect::CSV);
    }
}

#[test]
fn empty_block() {
    let structure = scanned(Level::detect(), b"", Dialect::CSV);
    assert_eq!(structure.separators, [u32::MAX]);
    assert_eq!(structure.records(), 0);
    assert_eq!(boundary(b"", Dialect::CSV), Boundary::default());
}

#[test]
fn misplaced_quotes_are_found_where_they_stand() {
    let check = |text: &str, expected: Option<usize>| {
        for level in Level::available() {
            let found = scanned(level, text.as_bytes(), Dialect::CSV).misplaced;
            assert_eq!(found, expected, "{level} {text}");
        }
    };
    check("a,\"b\"\n", None);
    check("a,\"b\"\r\n", None);
    check("a,\"b\"\"c\"\n", None);
    check("a,\"b\"", None);
    check("a\"b,c\n", Some(1));
    check("\"a\"b,c\n", Some(2));
    check("\"a\" ,c\n", Some(2));
    check("\"a\"b,c\"\n", Some(2));
    // The closing quote is the last byte of a chunk, the byte that condemns it is in the next.
    check(&format!("\"{}\"x\n", "y".repeat(62)), Some(63));
    check(&format!("\"{}\",\n", "y".repeat(62)), None);
    check(&format!("{}\"\n", "y".repeat(64)), Some(64));
}

#[test]
fn a_structure_is_reused_without_growing() {
    let text = b"a,b\n".repeat(1000);
    let mut structure = Structure::new();
    scan(&text, Dialect::CSV, &mut structure);
    let room = (
        structure.separators.capacity(),
        structure.row_ends.capacity(),
    );
    scan(&text, Dialect::CSV, &mut structure);
    assert_eq!(
        room,
        (
            structure.separators.capacity(),
            structure.row_ends.capacity()
        )
    );
    scan(b"x\n", Dialect::CSV, &mut structure);
    assert_eq!(structure.separators, [u32::MAX, 1]);
}

#[test]
fn the_last_line_may_lack_its_newline() {
    let check = |text: &[u8], records: usize| {
        let mut structure = scanned(Level::detect(), text, Dialect::CSV);
        structure.end_at(text.len() as u32);
        assert_eq!(structure.records(), records, "{text:?}");
        structure
    };
    check(b"", 0);
    check(b"a\n", 1);
    check(b"a,", 1);
    check(b"a\n\"open", 1);
    let structure = check(b"a,b\nc,d", 2);
    assert_eq!(structure.field(1, 1), Some(6..7));
}

#[test]
#[should_panic(expected = "different bytes")]
fn one_byte_cannot_be_delimiter_and_quote() {
    let _ = boundary(
        b"",
        Dialect {
            delimiter: b'"',
            quote: Some(b'"'),
        },
    );
}
