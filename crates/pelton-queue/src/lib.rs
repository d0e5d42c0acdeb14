//! Bounded SPSC and MPMC rings, an unbounded queue and a concurrent dedup table, loom-verified.
