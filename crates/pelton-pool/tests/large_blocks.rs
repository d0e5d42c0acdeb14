//! Large blocks go back to the system when they are freed; in a process of its own.
#![cfg(all(target_os = "linux", target_env = "gnu", not(miri)))]

use pelton_pool::memory;

#[test]
fn it_is_refused_beside_other_threads() {
    // The test runner is one, and this test another.
    assert!(!memory::return_large_blocks());
}
