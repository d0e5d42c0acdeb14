//! Queues between threads, and a set of keys that threads have seen: never locking, never
//! allocating once warm, model-checked.
//!
//! - [`spsc`]: one producer, one consumer, with batches and chunks in place.
//! - [`mpmc`]: several of either, bounded.
//! - [`unbounded`]: several of either, never refused.
//! - [`wait`]: makes the ends of any of them block a thread, or be awaited.
//! - [`dedup`]: insert-if-absent on 64- and 128-bit keys, for ever or within a window.
//!
//! # Guarantees
//!
//! - What was accepted is popped exactly once, in order of its sender; what was refused comes back
//!   in [`PushError`].
//! - Any capacity from one is exact. Zero is refused with a panic.
//! - Dropping the last end of a kind closes: pops drain the rest, then answer
//!   [`PopError::Closed`]; pushes answer [`PushError::Closed`].
//! - What is left is dropped with the last end.
//!
//! # Limits
//!
//! - The core never waits. Waiting costs a fence an operation.
//! - A thread that stops in the middle of an operation on [`mpmc`] or [`unbounded`] holds up those
//!   who come to its slot.
//!
//! # Example
//!
//! ```
//! use pelton_queue::{PopError, spsc};
//!
//! let (mut producer, mut consumer) = spsc::channel(1024);
//! let thread = std::thread::spawn(move || {
//!     for batch in [[1, 2, 3], [4, 5, 6]] {
//!         producer.push_slice(&batch).unwrap();
//!     }
//! });
//! thread.join().unwrap();
//! let mut values = Vec::new();
//! consumer.pop_into(&mut values, 64).unwrap();
//! assert_eq!(values, [1, 2, 3, 4, 5, 6]);
//! assert_eq!(consumer.pop(), Err(PopError::Closed));
//! ```

pub mod dedup;
pub mod mpmc;
pub mod spsc;
pub mod unbounded;
pub mod wait;

mod end;
mod ends;
mod error;
mod patience;
mod prefetch;
mod reclaim;
mod slots;
mod sync;

pub use end::{Iter, Pop, Push};
pub use error::{Closed, PopError, PushError};

/// Runs the README's example with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
