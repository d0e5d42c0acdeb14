//! What a stage's state takes from the budget.

use pelton_pool::{Budget, OverBudget, Reservation};

use crate::{Error, ErrorKind};

/// A reservation that follows the size of one state.
#[derive(Debug)]
pub(crate) struct Memory {
    reservation: Reservation,
}

impl Memory {
    /// Nothing yet.
    pub(crate) fn new(budget: &Budget) -> Self {
        let nothing = budget.reserve(0);
        Self {
            reservation: nothing.expect("zero bytes are always granted"),
        }
    }

    /// Where it is taken from.
    pub(crate) fn budget(&self) -> &Budget {
        self.reservation.budget()
    }

    /// Holds exactly `bytes` from now on, or what it held when that is refused.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), OverBudget> {
        let bytes = bytes as u64;
        if bytes == self.reservation.bytes() {
            return Ok(());
        }
        self.reservation.resize(bytes)
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
