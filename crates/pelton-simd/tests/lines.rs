//! Newlines: every level against a filter over the bytes.

use pelton_simd::{Level, lines};
use proptest::prelude::*;

fn levels_agree(bytes: &[u8]) {
    let expected: Vec<u32> = (0..bytes.len() as u32)
        .filter(|i| bytes[*i as usize] == b'\n')
        .collect();
    for level in Level::available() {
        let mut ends = vec![7];
        lines::positions_at(level, bytes, &mut ends);
        assert_eq!(ends, expected, "{level}");
        assert_eq!(lines::count_at(level, bytes), expected.len(), "{level}");
        assert_eq!(
            lines::last_at(level, bytes),
            expected.last().map(|i| *i as usize),
            "{level}"
        );
    }
}

proptest! {
    #[test]
    fn levels_agree_on_text(text in "[\n\u{0}a-b]{0,300}") {
        levels_agree(text.as_bytes());
    }
}

#[test]
fn every_length_and_alignment() {
    let text = b"one\n\ntwo and three\n".repeat(20);
    for start in 0..64 {
        for length in 0..300 {
            levels_agree(&text[start..start + length]);
        }
    }
}

#[test]
fn one_newline_at_any_place() {
    for place in 0..200 {
        let mut text = vec![b'x'; 200];
        text[place] = b'\n';
        levels_agree(&text);
    }
}
