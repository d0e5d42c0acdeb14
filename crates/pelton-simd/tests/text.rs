//! Letter case, trimming, UTF-8: every level against the standard library.

use pelton_simd::{Level, ascii, utf8};
use proptest::prelude::*;

fn levels_agree(bytes: &[u8]) {
    let valid = std::str::from_utf8(bytes)
        .map(|_| ())
        .map_err(|error| error.valid_up_to());
    for level in Level::available() {
        let (upper, lower) = (bytes.to_ascii_uppercase(), bytes.to_ascii_lowercase());
        let (mut copy, mut place) = (bytes.to_vec(), bytes.to_vec());
        ascii::copy_upper_at(level, bytes, &mut copy);
        ascii::make_upper_at(level, &mut place);
        assert_eq!((&copy, &place), (&upper, &upper), "{level}");
        ascii::copy_lower_at(level, bytes, &mut copy);
        ascii::make_lower_at(level, &mut place);
        assert_eq!((&copy, &place), (&lower, &lower), "{level}");
        let high = bytes.iter().position(|byte| *byte >= 0x80);
        assert_eq!(ascii::first_non_ascii_at(level, bytes), high, "{level}");
    }
    assert_eq!(utf8::validate(bytes), valid, "{bytes:?}");
    assert_eq!(ascii::is_ascii(bytes), bytes.is_ascii());
}

/// Whole characters, and now and then a byte that breaks them.
fn nearly_utf8() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
        4 => "[a-z ]{1,30}".prop_map(String::into_bytes),
        1 => prop::sample::select(vec![
            vec![0x80], vec![0xc0, 0x80], vec![0xed, 0xa0, 0x80], vec![0xf4, 0x90, 0x80, 0x80],
            vec![0xf8], vec![0xe2, 0x82], vec![0xf0, 0x8f, 0xbf, 0xbf], vec![0xe0, 0x9f, 0xbf],
            vec![0xf0, 0x9f, 0x92], vec![0xff], vec![0xc3],
        ]),
    ];
    prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn levels_agree_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        levels_agree(&bytes);
    }

    #[test]
    fn levels_agree_on_text(bytes in nearly_utf8()) {
        levels_agree(&bytes);
    }

    #[test]
    fn levels_agree_on_characters(text in "\\PC{0,200}") {
        levels_agree(text.as_bytes());
    }

    #[test]
    fn trims_as_the_standard_library(text in "[ \t\r\na]{0,12}") {
        let range = ascii::trim(text.as_bytes());
        prop_assert_eq!(&text[range], text.trim());
    }
}

#[test]
fn every_length_and_alignment() {
    let text = "Zwölf Boxkämpfer\tjagen  Viktor\r\nquer über den Sylter Deich [`{@ 🥊".repeat(6);
    for start in 0..64 {
        for length in 0..300 {
            levels_agree(&text.as_bytes()[start..start + length]);
        }
    }
}
