//! Levels: names, order, and that any of them may be asked for anywhere.

use pelton_simd::{Level, UnknownLevel, lines};

#[test]
fn names_are_read_back() {
    for level in Level::ALL {
        assert_eq!(level.to_string().parse(), Ok(level));
    }
    assert_eq!("AVX2".parse::<Level>(), Err(UnknownLevel));
}

#[test]
fn available_levels_end_with_the_detected_one() {
    let available: Vec<Level> = Level::available().collect();
    assert_eq!(available.first(), Some(&Level::Scalar));
    assert_eq!(available.last(), Some(&Level::detect()));
    assert!(available.is_sorted());
}

#[test]
fn a_level_above_the_machine_is_lowered() {
    for level in Level::ALL {
        assert_eq!(lines::count_at(level, b"a\nb\n"), 2);
    }
}
