//! The heavy oracle: random expressions and aggregates over random rows, against DuckDB.
//!
//! Every case is written twice, as Pelton reads it and as DuckDB does, so that what the two mean
//! by the same word is compared and not how they spell it. Where they mean different things on
//! purpose, `docs/FUNCTIONS.md` says so and the cases keep off. Cases are of two kinds: those that
//! cannot fail, with all of logic, and those that can, without what would hide a failure, because
//! the two do not look at operands in the same order.
//!
//! `cargo run -p pelton-benches --example duckdb -- [COUNT] [SEED]` needs Python's `duckdb`; the
//! comparing is done in `benches/peers/oracle.py`.
#![allow(clippy::print_stderr, reason = "a tool that tells how it went")]

mod aggregates;
mod expressions;
mod table;

use std::io::Write;
use std::process::{Command, ExitCode, Stdio};

use serde_json::json;

/// What makes cases and rows: the same for the same seed.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    pub(crate) fn pick(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    pub(crate) fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.pick(items.len())]
    }
}

/// One question in both spellings.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) pelton: String,
    pub(crate) duckdb: String,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = |usual| {
        arguments
            .next()
            .map_or(usual, |text| text.parse().unwrap_or(usual))
    };
    let (count, seed) = (number(10_000), number(1));
    let answers = Command::new("python3")
        .args(["-c", "import duckdb"])
        .status();
    if !answers.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: Python has no module duckdb (pip install duckdb)");
        return ExitCode::SUCCESS;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/oracle.py");
    let child = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .spawn();
    let mut child = child.expect("python3 has just answered");
    let mut out = std::io::BufWriter::new(child.stdin.take().expect("a pipe"));
    let mut draw = Draw(seed);
    let mut tell = |line: serde_json::Value| writeln!(out, "{line}").expect("the script reads");
    for _ in 0..count.div_ceil(500) {
        let batch = table::batch(&mut draw);
        tell(json!({ "table": table::as_json(&batch) }));
        for _ in 0..460 {
            let case = expressions::case(&mut draw);
            tell(expressions::answer(&case, &batch));
        }
        for _ in 0..40 {
            let case = aggregates::case(&mut draw);
            tell(aggregates::answer(&case, &batch));
        }
    }
    drop(out);
    match child.wait().expect("it was started").success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
