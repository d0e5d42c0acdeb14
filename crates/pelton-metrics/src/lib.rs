//! Sharded counters, gauges and log-linear histograms with registry, snapshots and Prometheus text.
