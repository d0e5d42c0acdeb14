//! What a stage's state takes from the budget.

use pelton_pool::{Budget, OverBudget, Reservation};

use super::spill::Spill;
use crate::{Error, ErrorKind};

/// Bytes that a state keeps from the beginning, so that it can go on when others have taken the
/// rest, if only with a few rows at a time; or an eighth of what is left, when that is less.
const FLOOR: u64 = 1 << 20;

/// What a state keeps in any case: nothing when it cannot spill, and so could not go on anyway.
pub(crate) fn floor(spill: &Spill, budget: &Budget) -> usize {
    let share = (budget.available() / 8).min(FLOOR);
    if spill.is_allowed() {
        share as usize
    } else {
        0
    }
}

/// A reservation that follows the size of one state.
#[derive(Debug)]
pub(crate) struct Memory {
    reservation: Reservation,
    /// Bytes that are kept however few are asked for.
    floor: u64,
}

impl Memory {
    /// No more than `floor` bytes yet, or none when there are not so many.
    pub(crate) fn new(budget: &Budget, floor: usize) -> Self {
        let floor = floor as u64;
        let (reservation, floor) = match budget.reserve(floor) {
            Ok(reservation) => (reservation, floor),
            Err(_) => (budget.reserve(0).expect("zero bytes are always granted"), 0),
        };
        Self { reservation, floor }
    }

    /// Where it is taken from.
    pub(crate) fn budget(&self) -> &Budget {
        self.reservation.budget()
    }

    /// Holds exactly `bytes` from now on, or what it held when that is refused.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), OverBudget> {
        let bytes = self.floor.max(bytes as u64);
        if bytes == self.reservation.bytes() {
            return Ok(());
        }
        self.reservation.resize(bytes)
    }

    /// Keeps nothing from now on but what is asked for.
    pub(crate) const fn give_back_floor(&mut self) {
        self.floor = 0;
    }

    /// The error of `stage`, whose state of `held` bytes was refused to grow.
    pub(crate) fn refusal(&self, stage: &str, refused: &OverBudget) -> Error {
        let message = format!(
            "stage \"{stage}\" holds {} bytes and needs {} more, but {} of {} are left; \
             raise engine.memory_limit",
            self.reservation.bytes(),
            refused.requested,
            refused.available,
            refused.limit,
        );
        Error::new(ErrorKind::Memory, message)
    }
}
