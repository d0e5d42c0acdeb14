//! A high-performance data processing engine: the facade over the pelton crates.
