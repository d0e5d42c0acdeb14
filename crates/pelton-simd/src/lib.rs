//! SIMD kernels on slices, for programs that read, check and compute on large text and columns.
//!
//! One pass over a block of CSV ([`csv::scan`]) or JSON lines ([`json::scan`]) tells where every
//! field ends; [`number`] reads and writes numbers eight and sixteen digits at a time;
//! [`mod@column`] and [`bitmap`] sum, compare and compact; [`view`] and [`hash`] handle many short
//! strings in bulk; [`lines`], [`words`], [`ascii`] and [`utf8`] do what their names
//! say.
//!
//! # Guarantees
//!
//! - Every result is the same at every [`Level`]: each kernel has a scalar twin, and property tests
//!   compare the two over all lengths, alignments and adversarial bytes.
//! - Nothing here starts a thread, does I/O, or panics on data.
//! - Output goes into buffers that the caller keeps: in the steady state nothing is allocated.
//! - No input needs padding; nothing past a slice is read.
//!
//! # Limits
//!
//! - A block is shorter than 4 GiB, because positions are `u32`.
//! - The fast levels are for x86-64; 64-bit Arm has the 128-bit level, everything else the scalar
//!   twins.
//! - The hashes are fast and even, not cryptographic.
//!
//! # Example
//!
//! ```
//! use pelton_simd::csv::{Dialect, Structure, scan};
//! use pelton_simd::number::decimal_column;
//! use pelton_simd::view::View;
//!
//! let block = b"id,price\n1,9.90\n2,12.5\n";
//! let mut structure = Structure::new();
//! scan(block, Dialect::CSV, &mut structure);
//!
//! let view = |record| {
//!     let field = structure.field(record, 1).expect("two fields");
//!     View { start: field.start as u32, len: field.len() as u32 }
//! };
//! let (mut cents, mut valid) = (Vec::new(), Vec::new());
//! decimal_column(block, &[view(1), view(2)], 2, &mut cents, &mut valid);
//! assert_eq!(cents, [990, 1250]);
//! ```
//!
//! # How it works
//!
//! ```text
//!    scan(bytes)           the level of the machine, found once
//!        |                             |
//!    Kernel { scalar, vector<V> } -> dispatch -> scalar twin
//!                                      |-------> compiled with V = 128-bit   (wide)
//!                                      |-------> compiled with V = AVX2      (std::arch)
//!                                      '-------> compiled with V = AVX-512   (std::arch)
//! ```
//!
//! A kernel is one body over a small set of operations on 64 bytes, compiled once for each level.
//! A value of the level's type is the proof that the machine has its instructions, so the kernels
//! themselves are safe code. Every function runs at the best level of the machine; its `_at` form
//! takes one of choice, and lowers it where the machine does not have it.

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
pub mod words;

pub use level::{Level, UnknownLevel};

/// The example of the README, kept running.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
