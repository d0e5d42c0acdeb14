//! The queue without a bound, for callers who must never be refused.
//!
//! Blocks of 63 slots in a row; ends claim positions by one exchange, as in the ring, and a batch
//! claims its share of a block at once. The scheme of the row is that of crossbeam's `SegQueue`:
//! claims keep a block alive, so whoever leaves it last recycles it on the spot. Epochs would do
//! too, but they free later, at a moment that depends on other threads, and every operation would
//! pay for a pin.
//!
//! ```text
//!   head ─┐                                       tail ─┐
//!         v                                             v
//!   [ taken | full | full ] -> [ full | full | full ] -> [ full | free | free ]      [ spare ]
//! ```
//!
//! # Memory
//!
//! The blocks from head to tail, and one spare: for `n` values waiting at most
//! `n / 63 + 3` blocks of 63 slots, each slot the size of a value plus two bytes, padded; one more
//! for each receiver that has stopped in the middle of a pop, and for each sender that has stopped
//! in the middle of a push. A block goes to the spare place, or back to the allocator, the moment
//! its last value is taken. As long as senders and receivers keep step within a block, nothing is
//! allocated. Nothing here stops a queue that is filled faster than drained: if that can be, use
//! the [ring](crate::mpmc).
//!
//! ```
//! use pelton_queue::{PopError, unbounded};
//!
//! let (mut sender, mut receiver) = unbounded::channel();
//! for value in 0..1000 {
//!     sender.push(value).unwrap();
//! }
//! drop(sender);
//! assert_eq!(receiver.iter().sum::<i32>(), 499_500);
//! assert_eq!(receiver.pop(), Err(PopError::Closed));
//! ```

mod block;
mod list;
mod receiver;
mod sender;

use crate::ends::Shared;
use crate::sync::Arc;

pub use receiver::{Iter, Receiver};
pub use sender::Sender;

/// Makes an empty queue, and its first sender and receiver.
#[must_use]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared::new(list::List::new()));
    (Sender::new(shared.clone()), Receiver::new(shared))
}
