//! Words: every level against the standard library, and against the scalar twin where the bytes
//! are no text.

use pelton_simd::{Level, words};
use proptest::prelude::*;

#[track_caller]
fn levels_agree(bytes: &[u8]) {
    let expected = match std::str::from_utf8(bytes) {
        Ok(text) => text.split_whitespace().count(),
        Err(_) => words::count_at(Level::Scalar, bytes),
    };
    for level in Level::ALL {
        assert_eq!(words::count_at(level, bytes), expected, "{level} {bytes:?}");
    }
}

/// Letters, and white space of one byte, of two and of three.
const LETTERS: &str = "[a-z \t\n\r\u{b}\u{85}\u{a0}\u{1680}\u{2000}-\u{200b}\u{2028}-\u{202f}\
                       \u{205f}\u{3000}\u{3001}«éß☃𝄞\u{1c}-\u{1f}]{0,300}";

proptest! {
    #[test]
    fn levels_agree_on_text(text in LETTERS) {
        levels_agree(text.as_bytes());
    }

    #[test]
    fn levels_agree_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        levels_agree(&bytes);
    }

    #[test]
    fn levels_agree_on_broken_white_space(
        bytes in prop::collection::vec(prop::sample::select(
            vec![0xc2, 0xe1, 0xe2, 0xe3, 0x80, 0x81, 0x85, 0x9a, 0x9f, 0xa0, 0xaf, b' ', b'a'],
        ), 0..300),
    ) {
        levels_agree(&bytes);
    }
}

#[test]
fn every_character_of_one_word_or_of_two() {
    for letter in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
        let text = format!("a{letter}b");
        let expected = 1 + usize::from(letter.is_whitespace());
        assert_eq!(words::count(text.as_bytes()), expected, "{letter:?}");
    }
}

#[test]
fn white_space_over_the_edge_of_a_chunk() {
    for wide in ["\u{85}", "\u{2003}", "\u{3000}\u{3000}"] {
        for before in 50..70 {
            levels_agree(format!("{}{wide}end", "x".repeat(before)).as_bytes());
            levels_agree(format!("{}{wide}", "x".repeat(before)).as_bytes());
        }
    }
}
