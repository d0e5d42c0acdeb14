//! Pipelines without an end: records come while they run, and go on at once.
//!
//! A [`Service`] is a pipeline of one lane or several, each with an inbox, workers, stages and a
//! [`Store`](pelton_connect::stream::Store). Listeners bring arrivals to its
//! [`intake`](Service::intake); what a lane cannot take at once waits there, and with it the
//! sender.
//!
//! ```text
//!  listener ─┐            ┌─▶ inbox ─▶ workers: decode, stages, encode ─▶ outbox ─▶ store
//!  listener ─┼─▶ intake ──┤                                             (in order)    │
//!  listener ─┘   (routes) └─▶ inbox ─▶ …                                              │
//!      ▲                                                                              │
//!      └───────────────────────── committed up to … ◀─────────────────────────────────┘
//! ```

mod backlog;
mod crew;
mod cuts;
mod inbox;
mod intake;
mod journal;
mod keeper;
mod lane;
mod letter;
mod memory;
mod outbox;
mod precedence;
mod room;
mod router;
mod service;
mod stats;
mod stores;
mod tail;

pub use memory::LaneMemory;
pub use service::{Service, ServiceBuilder};
pub use stats::{LaneStats, ServiceReport};
