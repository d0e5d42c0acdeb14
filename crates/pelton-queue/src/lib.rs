//! Bounded SPSC and MPMC rings, an unbounded queue and a concurrent dedup table, loom-verified.

pub mod dedup;
pub mod mpmc;
pub mod spsc;
pub mod unbounded;
pub mod wait;

mod end;
mod ends;
mod error;

mod prefetch;
mod slots;
mod sync;

pub use end::{Pop, Push};
pub use error::{Closed, PopError, PushError};
