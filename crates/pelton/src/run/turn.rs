//! Steps of a run that see rows in the order of the input.
//!
//! There is one state for all workers. A worker that comes to it with its block waits until those
//! with earlier blocks have been there, or have said that they will not come; what follows is
//! again done side by side. So a worker holds back its own block at the most, and the outcome
//! depends on the input alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use pelton_pool::Budget;
use pelton_record::{Batch, Rejected};
use pelton_stage::{Fold, Ordered, Stage};
use pelton_sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::account::Account;
use super::process::{apply, named};
use crate::Error;

/// A fold that gives rows while they come, and the stages behind it.
pub(super) struct InTurn {
    fold: Arc<dyn Fold>,
    stages: Vec<Arc<dyn Stage>>,
    state: Mutex<State>,
    moved: Condvar,
}

struct State {
    ordered: Box<dyn Ordered>,
    /// The block whose turn it is.
    next: u64,
    /// Later blocks that will not come.
    done: BTreeSet<u64>,
}

impl InTurn {
    /// The step of `fold` if it needs the order of rows, with the `stages` behind it.
    pub(super) fn new(
        fold: &Arc<dyn Fold>,
        stages: &[Arc<dyn Stage>],
        budget: &Budget,
    ) -> Option<Self> {
        if !fold.needs_order() {
            return None;
        }
        let state = State {
            ordered: fold.ordered(budget)?,
            next: 0,
            done: BTreeSet::new(),
        };
        Some(Self {
            fold: fold.clone(),
            stages: stages.to_vec(),
            state: Mutex::new(state),
            moved: Condvar::new(),
        })
    }

    /// Passes the rows of block `sequence`, once it is its turn, and gives those that are left.
    /// Must not be called for a block that is done.
    pub(super) fn pass(
        &self,
        sequence: u64,
        batches: Vec<Batch>,
        account: &mut Account,
        rejected: &mut Vec<Rejected>,
    ) -> Result<Vec<Batch>, Error> {
        let mut passed = self.in_turn(sequence, batches, account, rejected)?;
        for batch in &mut passed {
            apply(&self.stages, batch, account)?;
            rejected.append(&mut batch.take_rejected());
        }
        Ok(passed)
    }

    fn in_turn(
        &self,
        sequence: u64,
        batches: Vec<Batch>,
        account: &mut Account,
        rejected: &mut Vec<Rejected>,
    ) -> Result<Vec<Batch>, Error> {
        let mut out = Vec::new();
        let mut state = self.lock();
        while state.next != sequence {
            state = self
                .moved
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        for mut batch in batches {
            rejected.append(&mut batch.take_rejected());
            let passed = state.ordered.pass(&mut batch, &mut out);
            let passed = passed.map_err(|error| named(self.fold.name(), &error))?;
            account.folded += passed.folded;
            account.made += passed.made;
            account.deduplicated += passed.deduplicated;
            rejected.append(&mut batch.take_rejected());
        }
        drop(state);
        self.done(sequence);
        Ok(out)
    }

    /// Block `sequence` has been here, or will not come.
    pub(super) fn done(&self, sequence: u64) {
        let mut state = self.lock();
        if sequence < state.next {
            return;
        }
        state.done.insert(sequence);
        let State { next, done, .. } = &mut *state;
        while done.remove(next) {
            *next += 1;
        }
        drop(state);
        self.moved.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
