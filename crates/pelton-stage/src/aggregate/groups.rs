//! Which groups there are.

use pelton_record::Column;

use super::Plan;
use super::state::CHUNK;
use crate::fold::keys::{Keys, pieces};
use crate::fold::pieces::Decoder;
use crate::fold::table::Table;

/// Which groups there are, and where each was first seen.
pub(super) struct Groups {
    pub(super) keys: Keys,
    pub(super) table: Table,
    /// The position of the first row of each group.
    pub(super) first: Vec<u64>,
    /// The greatest position so far: later rows need not be looked at one by one.
    latest: u64,
    /// The group of each row of the chunk at hand.
    pub(super) rows: Vec<u32>,
}

/// Key columns in the making.
pub(super) struct Decoders(Vec<Decoder>);

impl Decoders {
    pub(super) fn new(plan: &Plan) -> Self {
        Self(
            plan.key_types
                .iter()
                .map(|&key| Decoder::new(key))
                .collect(),
        )
    }

    pub(super) fn push(&mut self, mut pieces: &[u8]) {
        self.0
            .iter_mut()
            .for_each(|decoder| decoder.push(&mut pieces));
    }

    pub(super) fn finish(self) -> Vec<Column> {
        self.0.into_iter().map(Decoder::finish).collect()
    }
}

impl Groups {
    pub(super) fn new() -> Self {
        Self {
            keys: Keys::default(),
            table: Table::new(),
            first: Vec::new(),
            latest: 0,
            rows: Vec::with_capacity(CHUNK),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let rows = self.first.capacity() * 8 + self.rows.capacity() * 4;
        self.keys.bytes() + self.table.bytes() + rows
    }

    /// Bytes to be had before there is room for `more` groups, of which `more_groups` are more
    /// than there ever was room for.
    pub(super) fn growth(&self, more: usize, more_groups: usize) -> usize {
        self.table.slots_growth(more) + more_groups * (size_of::<u128>() + size_of::<u64>())
    }

    pub(super) fn reserve(&mut self, capacity: usize) {
        self.table.reserve_words(capacity);
        self.first.reserve_exact(capacity - self.first.len());
    }

    /// Gives each of the keys its group.
    pub(super) fn find(&mut self, positions: &[u64]) {
        self.table.find_or_insert(&self.keys, &mut self.rows);
        self.note(positions);
    }

    /// Gives all rows the one group that there is without keys.
    pub(super) fn find_the_one(&mut self, positions: &[u64]) {
        self.rows.clear();
        self.rows.resize(positions.len(), 0);
        self.note(positions);
    }

    /// Notes where groups were first seen.
    fn note(&mut self, positions: &[u64]) {
        let known = self.first.len();
        let rows = self.rows.iter().zip(positions);
        if self.table.len().max(1) > known {
            for (&group, &position) in rows.clone() {
                if group as usize == self.first.len() {
                    self.first.push(position);
                }
            }
        }
        let sorted = positions.is_sorted();
        let (least, greatest) = match (positions, sorted) {
            ([], _) => return,
            ([least, .., greatest], true) => (*least, *greatest),
            _ => positions
                .iter()
                .fold((u64::MAX, 0), |(least, greatest), &position| {
                    (position.min(least), position.max(greatest))
                }),
        };
        if least < self.latest || (self.first.len() > known && !sorted) {
            for (&group, &position) in rows {
                let first = &mut self.first[group as usize];
                *first = position.min(*first);
            }
        }
        self.latest = greatest.max(self.latest);
    }

    /// The pieces of the key of a group; none without keys.
    pub(super) fn key<'a>(&'a self, group: usize, room: &'a mut [u8; 16]) -> &'a [u8] {
        let word = self.table.words().get(group);
        word.map_or(&[], |&word| pieces(word, self.table.side(), room))
    }

    /// The key columns of `groups`.
    pub(super) fn decode(&self, groups: &[u32], plan: &Plan) -> Vec<Column> {
        let mut keys = Decoders::new(plan);
        for &group in groups {
            keys.push(self.key(group as usize, &mut [0; 16]));
        }
        keys.finish()
    }

    /// The groups in the order of their first rows.
    pub(super) fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.first.len() as u32).collect();
        if !self.first.is_sorted() {
            order.sort_unstable_by_key(|&group| self.first[group as usize]);
        }
        order
    }
}
