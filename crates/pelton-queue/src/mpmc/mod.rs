//! The ring between any number of senders and receivers.
//!
//! Dmitry Vyukov's bounded queue: each slot carries a stamp that says whose turn it is, so that an
//! end claims a position by one exchange on an index and then has the slot for itself. Values are
//! moved only after the claim is won. Here, a batch claims all its positions by one exchange,
//! closing is a mark in the tail, so that what was accepted is exactly what can be popped, any
//! capacity from one is exact, and a receiver that keeps finding the ring all but empty learns
//! whether it gets more by looking a moment later.
//!
//! ```text
//!   tail ───────────────────────────┐   position p, in steps of two; lowest bit: closed
//!   head ──────┐                    v
//!   stamps  p|1, p+2|1, p+4|1, ... p+2n        even: waits for the push of that position
//!           full  full   full      free        odd: holds its value
//! ```
//!
//! A thread that stops between claim and move makes those who reach its slot wait: the ring is
//! lock-free for all but them.
//!
//! ```
//! use pelton_queue::{PopError, mpmc};
//!
//! let (mut sender, mut receiver) = mpmc::channel(64);
//! let mut other = sender.clone();
//! let thread = std::thread::spawn(move || other.push_slice(&[1, 2]).unwrap());
//! sender.push(3).unwrap();
//! thread.join().unwrap();
//! drop(sender);
//! assert_eq!(receiver.iter().sum::<i32>(), 6);
//! assert_eq!(receiver.pop(), Err(PopError::Closed));
//! ```

mod receiver;
mod ring;
mod sender;

use crate::ends::Shared;
use crate::sync::Arc;

pub use receiver::Receiver;
pub use sender::Sender;

/// Where positions start: a few steps before they wrap, so that no ring gets old without having
/// wrapped. Even.
const START: usize = 0usize.wrapping_sub(8);

/// Makes a ring for `capacity` values, and the first sender and receiver.
///
/// Allocates `capacity` rounded up to a power of two of slots, once; no operation allocates.
///
/// # Panics
///
/// If `capacity` is zero, or the slots would exceed the address space.
#[must_use]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared::new(ring::Ring::new(capacity)));
    (Sender::new(shared.clone()), Receiver::new(shared))
}
