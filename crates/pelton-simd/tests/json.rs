//! The scan of JSON lines: every level against the twin, and the twin against a reader of tokens.

use pelton_simd::Level;
use pelton_simd::json::{Structure, scan_at};
use proptest::prelude::*;

fn scanned(level: Level, bytes: &[u8]) -> Structure {
    let mut structure = Structure::new();
    scan_at(level, bytes, &mut structure);
    structure
}

fn levels_agree(bytes: &[u8]) {
    let expected = scanned(Level::Scalar, bytes);
    for level in Level::available() {
        assert_eq!(scanned(level, bytes), expected, "{level} {bytes:?}");
    }
}

fn adversarial() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => Just(b'"'), 5 => Just(b'\\'), 1 => Just(b'\n'), 1 => Just(b'{'), 1 => Just(b']'),
        1 => Just(b':'), 1 => Just(b','), 3 => Just(b'a'), 1 => Just(0xc3), 1 => Just(0x1b),
    ];
    prop::collection::vec(byte, 0..300)
}

proptest! {
    #[test]
    fn levels_agree_on_adversarial_bytes(bytes in adversarial(), skip in 0..64usize) {
        levels_agree(&bytes[skip.min(bytes.len())..]);
    }

    #[test]
    fn levels_agree_on_runs_of_backslashes(
        runs in prop::collection::vec((0..140usize, "[\"a\n]{1,3}"), 0..6),
    ) {
        let text: String = runs.iter().map(|(n, rest)| "\\".repeat(*n) + rest).collect();
        levels_agree(text.as_bytes());
    }

    #[test]
    fn levels_agree_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        levels_agree(&bytes);
    }

    /// Strings with anything in them are found whole.
    #[test]
    fn strings_come_back(texts in prop::collection::vec("[a\"\\\\{}:,\u{e9}]{0,40}", 0..20)) {
        let escaped = |text: &String| {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        };
        let strings: Vec<String> = texts.iter().map(escaped).collect();
        let line: String = strings.iter().map(|string| format!("[{string}],\n")).collect();
        let structure = scanned(Level::detect(), line.as_bytes());
        prop_assert_eq!(structure.line_ends.len(), texts.len());
        for (i, string) in strings.iter().enumerate() {
            let [_, open, close, _, _] = *structure.line(i) else { panic!("five parts") };
            prop_assert_eq!(&line[open as usize..=close as usize], string);
        }
        prop_assert!(!structure.open_at_end && structure.unclosed.is_none());
        prop_assert_eq!(structure.escapes, line.contains('\\'));
        prop_assert_eq!(structure.non_ascii, !line.is_ascii());
        prop_assert!(!structure.controls);
    }
}

#[test]
fn every_byte_a_part() {
    for length in 0..300 {
        for part in ["[", "\n", "\"", "\\"] {
            levels_agree(part.repeat(length).as_bytes());
        }
        let structure = scanned(Level::detect(), &b",".repeat(length));
        assert_eq!(structure.positions, (0..length as u32).collect::<Vec<_>>());
    }
}

#[test]
fn every_length_and_alignment() {
    let text = br#"{"k\\\"":[1,"a\\",{"b":null}],"x":"\u00e9,:"}
{"open":"never closed
"#
    .repeat(8);
    for start in 0..64 {
        for length in 0..300 {
            levels_agree(&text[start..start + length]);
        }
    }
}

#[test]
fn an_unclosed_string_spoils_its_own_line_only() {
    for level in Level::available() {
        let structure = scanned(level, b"[\"a,\n[\"b\"]\n[\"c\n\n[1]\n");
        assert_eq!(structure.unclosed, Some(4), "{level}");
        assert_eq!(structure.line(0), [0, 1], "{level}");
        assert_eq!(structure.line(1), [5, 6, 8, 9], "{level}");
        assert_eq!(structure.line(2), [11, 12], "{level}");
        assert_eq!(structure.line(3), [] as [u32; 0], "{level}");
        assert_eq!(structure.line(4), [16, 18], "{level}");
        assert!(!structure.open_at_end);
    }
}

#[test]
fn control_characters_are_seen_wherever_they_stand() {
    for level in Level::available() {
        for place in 0..130 {
            let mut text = [b'\n'; 130];
            assert!(!scanned(level, &text).controls, "{level}");
            text[place] = 0;
            assert!(scanned(level, &text).controls, "{level} {place}");
        }
    }
}

#[test]
fn a_block_may_end_inside_a_string() {
    for level in Level::available() {
        assert!(scanned(level, b"{\"a").open_at_end);
        assert!(scanned(level, b"{\"a\\\"").open_at_end);
        assert!(!scanned(level, b"{\"a\\\\\"").open_at_end);
    }
}
