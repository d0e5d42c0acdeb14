//! SIMD kernels on slices: structural scan, case, trim, numbers, reductions, with scalar twins.

pub mod ascii;
pub mod bitmap;
pub mod column;
pub mod csv;
pub mod hash;
pub mod json;
mod level;
pub mod lines;
mod load;
pub mod number;
mod search;
pub mod utf8;
mod vector;
pub mod view;

pub use level::{Level, UnknownLevel};
