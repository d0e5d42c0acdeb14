//! Any function over different values only.
//!
//! While rows come in, the groups are found as ever, but of the values a [`KeySet`] takes note,
//! each together with the keys of its group. At the end every part of that set, which has each
//! value of each group once, is folded into a state of its own as if those were the rows, and the
//! states are merged.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pelton_pool::OverBudget;
use pelton_record::Column;

use super::accumulator::Rows;
use super::state::{CHUNK, State};
use super::{Kind, Plan};
use crate::fold::crew::{Alone, Crew};
use crate::fold::keys::pieces;
use crate::fold::log::PARTS;
use crate::fold::pieces::{Decoder, skip};
use crate::fold::set::{Found, KeySet};
use crate::fold::table::Table;
use crate::{Error, Function};

/// Where rows stand that are none: behind all others.
const NOWHERE: [u64; CHUNK] = [u64::MAX; CHUNK];

impl Plan {
    /// The arguments of which only different values count.
    pub(super) fn distinct_arguments(&self) -> Vec<usize> {
        let kinds = self.summaries.iter().filter(|kind| kind.distinct);
        let arguments = kinds.filter_map(|kind| kind.argument.map(|(index, _)| index));
        let mut arguments: Vec<usize> = arguments.collect();
        arguments.sort_unstable();
        arguments.dedup();
        arguments
    }
}

impl Kind {
    /// True when it counts different values of `argument` only.
    fn is_distinct_of(self, argument: usize) -> bool {
        self.distinct && self.argument.is_some_and(|(index, _)| index == argument)
    }

    fn is_count(self) -> bool {
        self.family == Function::Count
    }
}

impl State {
    /// Folds what the sets hold, now that all rows are in.
    pub(super) fn fold_sets(&mut self, crew: &dyn Crew) -> Result<(), Error> {
        for (argument, mut set) in std::mem::take(&mut self.sets) {
            if !set.is_empty() {
                set.settle()?;
                self.fold_set(argument, &set, crew)?;
            }
        }
        Ok(())
    }

    fn fold_set(&mut self, argument: usize, set: &KeySet, crew: &dyn Crew) -> Result<(), Error> {
        let (plan, budget) = (self.plan.clone(), self.budget().clone());
        // Each finds its memory before the tables take the rest.
        let size = crew.size();
        let fresh = || (Self::without_sets(plan.clone(), &budget), Found::default());
        let states = (0..size).map(|_| fresh());
        let idle = Mutex::new(states.collect::<Vec<_>>());
        let failure = Mutex::new(None);
        let crew = if set.has_room_for(size) { crew } else { &Alone };
        crew.each(PARTS, &|part| {
            if lock(&failure).is_some() {
                return;
            }
            let state = lock(&idle).pop();
            let (mut state, mut found) = state.unwrap_or_else(fresh);
            let mut with = |found: &Found<()>| state.fold_table(argument, &found.table);
            match set.part(part, &mut found, &mut with) {
                Ok(()) => lock(&idle).push((state, found)),
                Err(error) => *lock(&failure) = Some(error),
            }
        });
        if let Some(error) = open(failure) {
            return Err(error);
        }
        open(idle)
            .into_iter()
            .try_for_each(|(state, _)| self.take_in(state))
    }

    /// Takes in the values of `table`, each with the keys of its group in front.
    fn fold_table(&mut self, argument: usize, table: &Table) -> Result<(), Error> {
        let mut chunks = table.words().chunks(CHUNK);
        chunks.try_for_each(|words| {
            self.with_room(|state| state.fold_values(argument, words, table.side()))
        })
    }

    fn fold_values(
        &mut self,
        argument: usize,
        words: &[u128],
        side: &[u8],
    ) -> Result<(), OverBudget> {
        self.reserve(words.len())?;
        let (plan, positions) = (self.plan.clone(), &NOWHERE[..words.len()]);
        let column = self.split(argument, words, side);
        let single = plan.by.is_empty();
        if single {
            self.groups.find_the_one(positions);
        } else {
            self.groups.find(positions);
        }
        for (accumulator, kind) in self.accumulators.iter_mut().zip(&plan.summaries) {
            accumulator.resize(self.groups.first.len());
            if kind.is_distinct_of(argument) {
                accumulator.update(&Rows {
                    groups: &self.groups.rows,
                    single,
                    column: column.as_ref(),
                    start: 0,
                    positions,
                });
            }
        }
        Ok(())
    }

    /// Finds the keys of the groups at hand, and a column of the values where more than their
    /// number counts.
    fn split(&mut self, argument: usize, words: &[u128], side: &[u8]) -> Option<Column> {
        let mut kinds = self.plan.summaries.iter();
        let kind = kinds.find(|kind| kind.is_distinct_of(argument) && !kind.is_count());
        let mut values = kind
            .and_then(|kind| kind.argument)
            .map(|(_, data_type)| Decoder::new(data_type));
        let keys = &mut self.groups.keys;
        keys.clear();
        if values.is_none() && self.plan.by.is_empty() {
            return None;
        }
        for &word in words {
            let mut room = [0; 16];
            let all = pieces(word, side, &mut room);
            let mut rest = all;
            self.plan
                .key_types
                .iter()
                .for_each(|&each| skip(&mut rest, each));
            keys.push(&all[..all.len() - rest.len()], self.plan.seed);
            if let Some(values) = &mut values {
                values.push(&mut rest);
            }
        }
        values.map(Decoder::finish)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn open<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}
