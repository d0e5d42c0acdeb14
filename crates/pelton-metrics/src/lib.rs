//! Sharded counters, gauges and log-linear histograms with registry, snapshots and Prometheus text.
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
