//! A file that is there already, from its start to its end.

use std::path::Path;
use std::time::Instant;

use super::flood::is_kept;
use super::server::{Input, Job, Output, Program};
use super::{KIND, wait_for_size};
use crate::benchmark::Sample;

/// The bytes of the lines of `input` that are to be kept.
pub(super) fn expected_bytes(input: &Path) -> Result<u64, String> {
    let text = std::fs::read(input).map_err(|error| error.to_string())?;
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    Ok(lines
        .filter(|line| is_kept(line))
        .map(|line| line.len() as u64)
        .sum())
}

/// Follows `input` and waits for the last event that is to be kept. Counts one when all are there.
pub(super) fn run(program: &Program, input: &Path, expected: u64) -> Result<Sample, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let output = folder.path().join("kept.ndjson");
    let began = Instant::now();
    let server = program.start(&Job {
        input: Input::Tail(input),
        output: Output::File(&output),
        kind: KIND,
        dedup: false,
    })?;
    let written = wait_for_size(&output, expected);
    let elapsed = began.elapsed();
    let usage = server.end()?;
    Ok(Sample {
        elapsed,
        count: u64::from(written == expected),
        peak_kib: Some(usage.peak_kib),
    })
}
