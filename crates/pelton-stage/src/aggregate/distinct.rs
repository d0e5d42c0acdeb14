//! Any function over different values only.

use pelton_record::{Column, DataType};

use super::Function;
use super::accumulator::{Accumulator, Rows};
use super::{read_bytes, take, write_bytes};
use crate::Error;
use crate::fold::keys::{Keys, Seed, pieces};
use crate::fold::pieces::{Decoder, skip_piece, spell_number};
use crate::fold::table::Table;

/// Values given to the inner function at once.
const CHUNK: usize = 1024;
/// No further value of the group.
const END: u32 = u32::MAX;

/// The different values of each group; the function is computed from them at the end.
///
/// One table holds them all, keyed by group and value; those of one group are chained.
pub(crate) struct Distinct {
    inner: Box<dyn Fn() -> Box<dyn Accumulator> + Send>,
    data_type: DataType,
    seed: Seed,
    table: Table,
    keys: Keys,
    found: Vec<u32>,
    /// For each value the one that its group met before.
    before: Vec<u32>,
    /// For each group the value that it met last.
    last: Vec<u32>,
}

impl Distinct {
    /// Over values of `data_type`, with a function that `inner` makes.
    pub(crate) fn new(
        data_type: DataType,
        inner: impl Fn() -> Box<dyn Accumulator> + Send + 'static,
        seed: Seed,
    ) -> Self {
        Self {
            inner: Box::new(inner),
            data_type,
            seed,
            table: Table::new(),
            keys: Keys::default(),
            found: Vec::new(),
            before: Vec::new(),
            last: Vec::new(),
        }
    }

    /// Adds the keys at hand, `group` saying whose each is.
    fn insert(&mut self, group: impl Fn(usize) -> usize) {
        self.table.find_or_insert(&self.keys, &mut self.found);
        for (index, &value) in self.found.iter().enumerate() {
            if value as usize == self.before.len() {
                let last = &mut self.last[group(index)];
                self.before.push(std::mem::replace(last, value));
            }
        }
    }

    /// The values of a group, as numbers of the table.
    fn values(&self, group: usize) -> impl Iterator<Item = u32> {
        let some = |value: u32| (value != END).then_some(value);
        std::iter::successors(some(self.last[group]), move |&value| {
            some(self.before[value as usize])
        })
    }

    /// The pieces of a value.
    fn value<'a>(&'a self, value: u32, room: &'a mut [u8; 16]) -> &'a [u8] {
        let word = self.table.words()[value as usize];
        let mut pieces = pieces(word, self.table.side(), room);
        skip_piece(&mut pieces);
        pieces
    }

    /// Gives `inner` the values collected.
    fn flush(&self, inner: &mut dyn Accumulator, groups: &mut Vec<u32>, values: Decoder) {
        let column: Column = values.finish();
        inner.update(&Rows {
            groups,
            single: false,
            column: Some(&column),
            start: 0,
            positions: &vec![0; groups.len()],
        });
        groups.clear();
    }
}

impl Accumulator for Distinct {
    fn width(&self) -> usize {
        size_of::<u32>()
    }

    fn extra(&self) -> usize {
        let rows = (self.found.capacity() + self.before.capacity()) * size_of::<u32>();
        self.table.bytes() + self.keys.bytes() + rows
    }

    fn growth(&self, rows: usize) -> usize {
        self.table.growth(rows)
    }

    fn reserve(&mut self, groups: usize, rows: usize) {
        self.last
            .reserve_exact(groups.saturating_sub(self.last.len()));
        self.table.reserve(rows);
        self.before
            .reserve_exact(self.table.capacity() - self.before.len());
    }

    fn resize(&mut self, groups: usize) {
        self.last.resize(groups, END);
    }

    fn update(&mut self, rows: &Rows<'_>) {
        let columns = std::iter::once(rows.argument());
        let prefix = Some(rows.groups);
        self.keys
            .encode_after(prefix, columns, rows.start, rows.groups.len(), self.seed);
        self.insert(|row| rows.groups[row] as usize);
    }

    fn write(&self, group: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.values(group).count() as u32).to_le_bytes());
        for value in self.values(group) {
            write_bytes(self.value(value, &mut [0; 16]), out);
        }
    }

    fn read(&mut self, group: usize, input: &mut &[u8]) {
        let mut values = u32::from_le_bytes(take(input)) as usize;
        let mut key = Vec::new();
        while values > 0 {
            let some = values.min(CHUNK);
            self.table.reserve(some);
            self.keys.clear();
            for _ in 0..some {
                key.clear();
                spell_number(group as u128, &mut key);
                key.extend_from_slice(read_bytes(input));
                self.keys.push(&key, self.seed);
            }
            self.insert(|_| group);
            values -= some;
        }
    }

    fn finish(&mut self, groups: &[u32], function: Function) -> Result<Column, Error> {
        let mut inner = (self.inner)();
        inner.reserve(groups.len(), 0);
        inner.resize(groups.len());
        let (mut owners, mut decoder) = (Vec::new(), Decoder::new(self.data_type));
        for (index, &group) in groups.iter().enumerate() {
            for value in self.values(group as usize) {
                owners.push(index as u32);
                decoder.push(&mut self.value(value, &mut [0; 16]));
                if owners.len() == CHUNK {
                    let full = std::mem::replace(&mut decoder, Decoder::new(self.data_type));
                    self.flush(&mut *inner, &mut owners, full);
                }
            }
        }
        self.flush(&mut *inner, &mut owners, decoder);
        let all: Vec<u32> = (0..groups.len() as u32).collect();
        inner.finish(&all, function)
    }
}
