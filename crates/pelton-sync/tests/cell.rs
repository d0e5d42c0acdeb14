//! The small parts: padding, back-off, the cell's shape and `scaled`.
#![cfg(not(loom))]

use pelton_sync::{Backoff, CachePadded, UnsafeCell, scaled};

#[test]
fn padded_values_share_no_line() {
    let pair = [CachePadded::new(1u8), CachePadded::new(2u8)];
    let distance = (&raw const *pair[1]).addr() - (&raw const *pair[0]).addr();
    assert!(distance >= 64, "only {distance} bytes apart");
    assert_eq!(*pair[0] + *pair[1], 3);
}

#[test]
fn backoff_is_spent_after_a_bounded_number_of_steps_and_resets() {
    let mut backoff = Backoff::new();
    let steps = (0..100)
        .take_while(|_| {
            backoff.snooze();
            !backoff.is_spent()
        })
        .count();
    assert!(steps < 20);
    backoff.reset();
    assert!(!backoff.is_spent());
}

#[test]
fn spinning_alone_never_asks_to_park() {
    let mut backoff = Backoff::new();
    for _ in 0..100 {
        backoff.spin();
    }
    assert!(!backoff.is_spent());
}

#[test]
fn cell_hands_out_one_value() {
    let cell = UnsafeCell::new(7);
    let there = cell.with(|ptr| ptr.addr());
    assert_eq!(there, cell.with_mut(|ptr| ptr.addr()));
    assert_eq!(cell.into_inner(), 7);
}

#[test]
fn scaled_is_real_in_life_and_small_where_each_step_is_interpreted() {
    assert_eq!(scaled(256, 4), if cfg!(miri) { 4 } else { 256 });
}
