//! How many rows, or values.

use pelton_record::{Column, Values};

use super::accumulator::{Rows, Scratch, Summary, collect};
use super::{Function, take};
use crate::Error;

/// A count.
#[derive(Default)]
pub(crate) struct Count(u64);

impl Summary for Count {
    fn update(states: &mut [Self], rows: &Rows<'_>, _: &mut Scratch) -> usize {
        let validity = rows.column.and_then(Column::validity);
        match validity {
            Some(_) => rows.each_valid(states, |state, _| state.0 += 1),
            None if rows.single => states[0].0 += rows.groups.len() as u64,
            None => rows
                .groups
                .iter()
                .for_each(|&group| states[group as usize].0 += 1),
        }
        0
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_le_bytes());
    }

    fn read(&mut self, input: &mut &[u8]) -> usize {
        self.0 += u64::from_le_bytes(take(input));
        0
    }

    fn finish(
        states: &mut [Self],
        groups: &[u32],
        _: Function,
        _: &Values,
    ) -> Result<Column, Error> {
        Ok(collect(
            states,
            groups,
            |state| Some(state.0 as i64),
            Values::Int64,
        ))
    }
}
