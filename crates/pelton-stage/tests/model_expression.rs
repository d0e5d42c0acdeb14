//! Random expressions over random rows: the columnar evaluator against its twin in `twin/`, and
//! the text of every expression read back.
//!
//! Expressions and rows are drawn from bytes that proptest gives and shrinks.

mod twin;

use proptest::prelude::*;

use twin::draw::{ROWS, agree};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 1500 }))]

    #[test]
    fn columns_and_rows_agree(
        shape in prop::collection::vec(any::<u8>(), 0..120),
        rows in prop::collection::vec(any::<u8>(), 2 * 5 * ROWS),
    ) {
        agree(&shape, &rows).map_err(TestCaseError::fail)?;
    }
}
