//! Bounded SPSC and MPMC rings, an unbounded queue and a concurrent dedup table, loom-verified.

pub mod spsc;

mod end;
mod error;
mod prefetch;
mod slots;
mod sync;

pub use end::{Pop, Push};
pub use error::{Closed, PopError, PushError};
