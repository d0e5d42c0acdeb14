//! Bytes taken from a budget, and the answer when there are not enough.

use std::fmt;

use crate::budget::Budget;

/// Bytes taken from a [`Budget`]; dropping it gives them back.
///
/// ```
/// let budget = pelton_pool::Budget::new(100);
/// let mut table = budget.reserve(10)?;
/// table.grow(30)?;
/// let half = table.split(20);
/// table.shrink(5);
/// assert_eq!((table.bytes(), half.bytes(), budget.used()), (15, 20, 35));
/// # Ok::<(), pelton_pool::OverBudget>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping a reservation gives its bytes back at once"]
pub struct Reservation {
    budget: Budget,
    bytes: u64,
}

impl Reservation {
    /// Takes charge of `bytes` that were taken from `budget` before.
    pub(crate) fn taken(budget: Budget, bytes: u64) -> Self {
        Self { budget, bytes }
    }

    /// How many bytes are held.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The budget they were taken from.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Takes `bytes` more.
    ///
    /// # Errors
    ///
    /// When the budget has fewer left; what is held stays held.
    pub fn grow(&mut self, bytes: u64) -> Result<(), OverBudget> {
        let news = self.budget.take(bytes)?;
        self.bytes += bytes;
        self.budget.announce(news);
        Ok(())
    }

    /// Gives `bytes` back.
    ///
    /// # Panics
    ///
    /// When fewer are held.
    pub fn shrink(&mut self, bytes: u64) {
        assert!(bytes <= self.bytes, "cannot give back more than is held");
        self.bytes -= bytes;
        self.budget.give_back(bytes);
    }

    /// Grows or shrinks to exactly `bytes`.
    ///
    /// # Errors
    ///
    /// When growing and the budget has not enough left; what is held stays held.
    pub fn resize(&mut self, bytes: u64) -> Result<(), OverBudget> {
        if bytes > self.bytes {
            self.grow(bytes - self.bytes)
        } else {
            self.shrink(self.bytes - bytes);
            Ok(())
        }
    }

    /// Moves `bytes` into a reservation of their own, which may outlive this one.
    ///
    /// # Panics
    ///
    /// When fewer are held.
    pub fn split(&mut self, bytes: u64) -> Self {
        assert!(bytes <= self.bytes, "cannot split off more than is held");
        self.bytes -= bytes;
        Self::taken(self.budget.clone(), bytes)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

/// A budget has fewer bytes left than were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OverBudget {
    /// The name of the level that refused.
    pub budget: Box<str>,
    /// What was asked for, in bytes.
    pub requested: u64,
    /// What was left at that level, in bytes.
    pub available: u64,
    /// The limit of that level, in bytes.
    pub limit: u64,
}

impl OverBudget {
    /// The budget had enough, the operating system had not.
    #[cold]
    pub(crate) fn allocator(requested: u64) -> Self {
        Self {
            budget: "system allocator".into(),
            requested,
            available: 0,
            limit: 0,
        }
    }
}

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            budget,
            requested,
            available,
            limit,
        } = self;
        write!(
            f,
            "budget \"{budget}\": requested {requested} bytes, available {available} of {limit}"
        )
    }
}

impl std::error::Error for OverBudget {}
