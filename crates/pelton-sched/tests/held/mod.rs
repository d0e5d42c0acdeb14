//! State for a model that outlives its panic.

/// Runs `body` with `value`, which is dropped after it, but not when it panics: loom's types
/// must not be dropped while loom unwinds, and the twins exist to make it unwind.
pub(crate) fn hold<T: 'static>(value: T, body: impl FnOnce(&'static T)) {
    let held = Box::into_raw(Box::new(value));
    // SAFETY: the box is freed below only, when the body and the threads that it joined are done.
    body(unsafe { &*held });
    // SAFETY: made above, and nobody has it any more.
    drop(unsafe { Box::from_raw(held) });
}
