//! Expressions whose types fit, over rows of values and nulls: the columnar evaluator against the
//! twin of the tests, which goes row by row. The first byte says how many make the expression.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../../tests/twin/mod.rs"]
mod twin;

fuzz_target!(|bytes: &[u8]| {
    let Some((&length, bytes)) = bytes.split_first() else {
        return;
    };
    let (shape, rows) = bytes.split_at(bytes.len().min(usize::from(length)));
    if let Err(difference) = twin::draw::agree(shape, rows) {
        panic!("{difference}");
    }
});
