//! A lowered level is that of every kernel; in a process of its own, for there is but one level.

use pelton_simd::{Level, lines};

#[test]
fn nothing_runs_above_the_level_it_was_lowered_to() {
    let machine = Level::detect();
    for level in Level::ALL {
        Level::lower_to(level);
        assert_eq!(Level::detect(), level.min(machine));
        assert_eq!(Level::available().last(), Some(level.min(machine)));
        assert_eq!(lines::count(b"a\nb\n"), 2);
    }
}
