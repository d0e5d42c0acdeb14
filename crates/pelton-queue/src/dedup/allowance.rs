//! Whose memory a table grows by.

use std::error::Error;
use std::fmt;

/// Gives out memory by the byte, or refuses. A table asks before it allocates, and gives back when
/// the memory has been freed. The hook for a process-wide budget.
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
/// use pelton_queue::dedup::Allowance;
///
/// struct AtMost { limit: usize, used: AtomicUsize }
///
/// impl Allowance for AtMost {
///     fn grow(&self, bytes: usize) -> bool {
///         let fits = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.limit);
///         self.used.fetch_update(Relaxed, Relaxed, fits).is_ok()
///     }
///     fn shrink(&self, bytes: usize) {
///         self.used.fetch_sub(bytes, Relaxed);
///     }
/// }
/// ```
pub trait Allowance: Send + Sync {
    /// Takes `bytes`; false, and nothing taken, if they cannot be had.
    fn grow(&self, bytes: usize) -> bool;

    /// Gives back `bytes` taken before.
    fn shrink(&self, bytes: usize);
}

/// Grants whatever is asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlimited;

impl Allowance for Unlimited {
    fn grow(&self, _: usize) -> bool {
        true
    }

    fn shrink(&self, _: usize) {}
}

/// The table is full, and its [`Allowance`] or the system gives no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted {
    /// The bytes that were refused.
    pub needed_bytes: usize,
    /// Keys of the batch that were answered before; zero for single keys.
    pub done: usize,
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "dedup table is full and was refused {} bytes more",
            self.needed_bytes
        )
    }
}

impl Error for Exhausted {}
