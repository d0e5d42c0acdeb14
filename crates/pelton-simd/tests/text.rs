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
        assert_eq!(utf8::validate_at(level, bytes), valid, "{level} {bytes:?}");
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

fn validates_as_the_standard_library(bytes: &[u8]) {
    let expected = std::str::from_utf8(bytes).map_err(|error| error.valid_up_to());
    for level in Level::available() {
        let found = utf8::validate_at(level, bytes);
        assert_eq!(found, expected.map(drop), "{level}");
    }
}

/// Of each kind of byte that UTF-8 tells apart, the first and the last.
const EDGES: [u8; 23] = [
    0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
    0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
];
/// The same for a third and a fourth byte.
const LATER: [u8; 4] = [0x7f, 0x80, 0xbf, 0xc2];

#[test]
fn characters_and_what_is_none_across_the_end_of_a_chunk() {
    let later = |a, b| LATER.map(|c| LATER.map(|d| [a, b, c, d]));
    let pairs = EDGES.iter().flat_map(|&a| EDGES.map(|b| later(a, b)));
    for part in pairs.flatten().flatten() {
        for place in 61..64 {
            let mut bytes = [b'a'; 130];
            bytes[place..place + 4].copy_from_slice(&part);
            validates_as_the_standard_library(&bytes);
        }
    }
}

#[test]
fn characters_and_what_is_none_across_the_end_of_a_group_of_chunks() {
    let parts = ["é", "€", "🥊", "\u{d7ff}\u{e000}"].map(str::as_bytes);
    let broken: [&[u8]; 4] = [b"\xc3", b"\xe2\x82", b"\xf0\x9f\xa5", b"\xed\xa0\x80"];
    for part in parts.into_iter().chain(broken) {
        for place in 4020..4110 {
            let mut bytes = vec![b'a'; 8200];
            bytes[place..place + part.len()].copy_from_slice(part);
            for length in [4096, place + part.len() - 1, place + part.len(), 8200] {
                validates_as_the_standard_library(&bytes[..length]);
            }
        }
    }
}

#[test]
fn a_character_with_a_chunk_of_ascii_inside() {
    for place in [64, 4032, 4096, 4160] {
        let mut bytes = vec![b'a'; 8200];
        (bytes[place - 1], bytes[place + 64]) = (0xc3, 0xa9);
        validates_as_the_standard_library(&bytes);
    }
}

proptest! {
    /// Few bytes past ASCII, then many, and one byte that may break it all.
    #[test]
    fn text_that_becomes_dense(
        sparse in 4000..4200usize,
        dense in "[a-c]?(é|я|€|語|🥊)",
        place in 0..12_000usize,
        byte in prop::option::of(any::<u8>()),
    ) {
        let mut bytes = "a".repeat(sparse).into_bytes();
        bytes.extend(dense.repeat(1500).bytes());
        if let (Some(place), Some(byte)) = (bytes.get_mut(place), byte) {
            *place = byte;
        }
        validates_as_the_standard_library(&bytes);
    }
}
