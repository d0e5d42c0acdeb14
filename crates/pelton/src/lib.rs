//! A high-performance data processing engine: the facade over the pelton crates.
//!
//! An [`Engine`] reads records, filters, computes, groups and writes them, on all cores, inside a
//! memory limit, and accounts for every record. What it does is a [`Plan`](plan::Plan): data,
//! built here, read from a file or from SQL.
//!
//! # Guarantees
//!
//! - The result does not depend on the number of workers, the size of blocks or the memory limit.
//! - Every record is accounted for: see [`Account`].
//! - A record that cannot be read or computed is refused with its place and the reason; what then
//!   happens is [`OnError`](plan::OnError), and never silent.
//! - Decimals are exact, and sums of floats are rounded once, whatever the order.
//!
//! # Limits
//!
//! - One input (of any number of files).
//!
//! # Example
//!
//! ```no_run
//! use pelton::Engine;
//!
//! let report = Engine::builder()
//!     .source("data/orders.csv")
//!     .filter("status = 'shipped' AND quantity > 5")
//!     .derive("total", "quantity * unit_price")
//!     .aggregate(["country"], [("orders", "count(*)"), ("revenue", "sum(total)")])
//!     .sink("by_country.csv")
//!     .run()?;
//! println!("{report}");
//! # Ok::<(), pelton::Error>(())
//! ```
//!
//! The parts are crates of their own, here under short names: [`queue`], [`pool`], [`sched`],
//! [`metrics`], [`simd`], [`record`], [`mod@format`], [`stage`], [`connect`], [`sync`].
#![forbid(unsafe_code)]

pub mod embed;
mod engine;
mod error;
mod parse;
pub mod plan;
mod planner;
mod run;
#[cfg(feature = "serve")]
pub mod server;
pub mod sql;
pub mod stream;

pub use embed::{Embedded, Processed, Record};
pub use engine::{Engine, EngineBuilder};
pub use error::{Error, ErrorKind};
pub use run::{Account, BranchReport, Latency, Memory, Progress, Report, Run, WorkerReport};

pub use pelton_connect as connect;
pub use pelton_format as format;
pub use pelton_metrics as metrics;
pub use pelton_pool as pool;
pub use pelton_queue as queue;
pub use pelton_record as record;
pub use pelton_sched as sched;
pub use pelton_simd as simd;
pub use pelton_stage as stage;
pub use pelton_sync as sync;

/// The traits that users implement.
pub mod prelude {
    pub use pelton_connect::{Sink, Source};
    pub use pelton_format::{Decoder, Encoder, Format, Framer};
    pub use pelton_stage::{Fold, FoldState, Stage};
}
