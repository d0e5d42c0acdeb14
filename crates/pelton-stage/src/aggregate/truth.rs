//! Whether all values are true, and whether any is.

use pelton_record::{Column, Values};

use super::accumulator::{Rows, Scratch, Summary, collect};
use super::{Function, take};
use crate::Error;

/// Which truth values are there.
#[derive(Default)]
pub(crate) struct Truth {
    any_false: bool,
    any_true: bool,
}

impl Summary for Truth {
    fn update(states: &mut [Self], rows: &Rows<'_>, _: &mut Scratch) -> usize {
        let Values::Bool(bits) = rows.argument().values() else {
            unreachable!("truths are bool");
        };
        rows.each_valid(states, |state, index| {
            let value = bits.get(rows.start + index);
            state.any_true |= value;
            state.any_false |= !value;
        });
        0
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[u8::from(self.any_false), u8::from(self.any_true)]);
    }

    fn read(&mut self, input: &mut &[u8]) -> usize {
        let [any_false, any_true] = take(input);
        self.any_false |= any_false != 0;
        self.any_true |= any_true != 0;
        0
    }

    fn finish(
        states: &mut [Self],
        groups: &[u32],
        function: Function,
        _: &Values,
    ) -> Result<Column, Error> {
        let result = |state: &Self| match function {
            Function::BoolOr => state.any_true,
            _ => !state.any_false,
        };
        let some = |state: &Self| (state.any_false || state.any_true).then(|| result(state));
        Ok(collect(states, groups, some, |items| {
            Values::Bool(items.into_iter().collect())
        }))
    }
}
