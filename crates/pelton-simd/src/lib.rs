//! SIMD kernels on slices: structural scan, case, trim, numbers, reductions, with scalar twins.

pub mod csv;
mod level;
pub mod lines;
pub mod number;
mod search;
mod vector;

pub use level::{Level, UnknownLevel};
