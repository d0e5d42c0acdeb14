//! Counters, gauges and log-linear histograms that cost a plain store to record.
//!
//! Each thread records through a handle of its own, into a cell that nobody else writes; whoever
//! wants to know adds the cells up. A [`Registry`] gives metrics their names, a [`Snapshot`] is
//! what they held at one moment, written as Prometheus text or JSON, and a [`History`] keeps what
//! they did in the last minutes, hours and days.
//!
//! # Guarantees
//!
//! - Recording through a handle is wait-free, allocates nothing and shares no cache line with
//!   another thread's counter; a counter's cell is one store, a histogram's at most four.
//! - A reading holds everything that was recorded before it began (in the sense of happens-before),
//!   nothing twice, and counters grow from reading to reading.
//! - What a histogram's snapshot counts is inside its sum, minimum and maximum.
//! - What was recorded stays when the handle is dropped, and its cell serves the next handle:
//!   memory follows the largest number of handles alive at once, not the number ever made.
//! - A [percentile](HistogramSnapshot::percentile) is never below the true one and less than
//!   1/128 above it (2^-k at your choice of [`Layout`]). Beyond the layout's largest value (18
//!   minutes in nanoseconds unless chosen) it is the maximum. An empty population has none, and
//!   NaN never appears.
//! - Names, units and labels are checked against Prometheus' rules and fixed at registration.
//! - The number of series is bounded ([`Limits`]): a label set that explodes is refused with an
//!   [`Error`], and what was there before goes on counting.
//!
//! # Limits
//!
//! - A snapshot reads one series after the other, and the cells of a series one after the other:
//!   figures of records that run at the same time may be in one and not yet in the next.
//! - Values are integers: nanoseconds, bytes, millionths. The [`Unit`] says how they are shown.
//! - Each histogram takes a cell of 34 KiB by itself and one for each handle alive, unless the
//!   [`Layout`] says otherwise.
//! - Making a handle, registering and reading take a lock (dropping a handle and recording do not).
//! - Metrics cannot be taken out of a registry.
//! - Nothing here reads a clock, starts a thread or opens a socket: the caller does.
//!
//! # Example
//!
//! ```
//! use std::time::Instant;
//! use pelton_metrics::{Registry, Unit};
//!
//! # fn main() -> Result<(), pelton_metrics::Error> {
//! let registry = Registry::new();
//! let labels = [("stage", "filter")];
//! let records = registry.counter("records_total", "Records seen.", Unit::Count, &labels)?;
//! let wait = registry.histogram("wait_seconds", "Time waited.", Unit::Nanoseconds, &labels)?;
//!
//! std::thread::scope(|scope| {
//!     for _ in 0..2 {
//!         let (mut records, mut wait) = (records.local(), wait.local());
//!         scope.spawn(move || {
//!             for _ in 0..500 {
//!                 let start = Instant::now();
//!                 records.increment();
//!                 wait.record(start.elapsed().as_nanos() as u64);
//!             }
//!         });
//!     }
//! });
//!
//! assert_eq!(wait.snapshot().count(), 1000);
//! let text = registry.snapshot().prometheus();
//! assert!(text.contains("records_total{stage=\"filter\"} 1000"));
//! # Ok(())
//! # }
//! ```
//!
//! # How it works
//!
//! ```text
//! LocalCounter --store--> cell --+
//! LocalCounter --store--> cell --+--(sum)--> Snapshot --> Prometheus text, JSON
//!  (dropped)              cell --+               |
//! Counter::add --add--> shared --+               +-(difference)--> History: s, min, h
//! ```
//!
//! A cell is never emptied: when its handle goes it is marked free, and the next handle goes on
//! from what it holds. So no reader can meet a count on its way from one place to another.
//! A histogram's cell has a bucket for each of the 2^k equal parts of every power of two, as in
//! [HdrHistogram](http://hdrhistogram.org); the writer stores sum and extremes first and the bucket
//! last, the reader reads the buckets first.
#![forbid(unsafe_code)]

mod cells;
mod counter;
mod description;
mod error;
mod gauge;
mod histogram;
mod history;
mod json;
mod prometheus;
mod registry;
mod snapshot;
mod sync;
mod total;
mod unit;

pub use counter::{Counter, LocalCounter};
pub use description::Kind;
pub use error::{Error, ErrorKind};
pub use gauge::{Gauge, LocalGauge};
pub use histogram::{Histogram, HistogramSnapshot, Layout, LayoutMismatch, LocalHistogram};
pub use history::{History, Point, Resolution, Retention, Summary, Trend};
pub use registry::{Limits, Registry};
pub use snapshot::{Family, Series, Snapshot, Value, per_second};
pub use unit::Unit;

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
