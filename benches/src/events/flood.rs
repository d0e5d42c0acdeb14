//! As fast as it goes, and faster than that.

use std::cell::Cell;
use std::collections::HashSet;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::server::{Input, Job, Output, Program};
use super::{KIND, wait_for_size};
use crate::benchmark::Sample;
use crate::files::Usage;

const CONNECTIONS: usize = 4;
/// What a sender hands to the system at once.
const PIECE: usize = 256 << 10;

/// What a round came to.
pub(super) struct Flood {
    elapsed: Duration,
    usage: Usage,
    events: u64,
}

impl Flood {
    pub(super) fn wall(&self) -> Sample {
        self.sample(self.elapsed)
    }

    pub(super) fn cpu(&self) -> Sample {
        self.sample(self.usage.cpu)
    }

    fn sample(&self, elapsed: Duration) -> Sample {
        Sample {
            elapsed,
            count: self.events,
            peak_kib: Some(self.usage.peak_kib),
        }
    }
}

/// What is sent, and what must come of it.
pub(super) struct Load {
    text: Vec<u8>,
    expected_bytes: u64,
    dedup: bool,
}

impl Load {
    /// The first `events` lines of `input`.
    pub(super) fn of_file(input: &Path, events: u64) -> Result<Self, String> {
        let text = std::fs::read(input).map_err(|error| error.to_string())?;
        let text = first_lines(&text, events).to_vec();
        let kept = text.split_inclusive(|&byte| byte == b'\n');
        let expected_bytes = kept.filter(|line| is_kept(line)).map(length).sum();
        Ok(Self {
            text,
            expected_bytes,
            dedup: false,
        })
    }

    /// The same, but that every tenth line is one that came before.
    pub(super) fn with_doubles(input: &Path, events: u64) -> Result<Self, String> {
        let text = std::fs::read(input).map_err(|error| error.to_string())?;
        let text = first_lines(&text, events);
        let mut lines: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
        for index in (9..lines.len()).step_by(10) {
            // Anywhere before, so that it may come over another connection.
            lines[index] = lines[index.wrapping_mul(0x9e37_79b9) % index];
        }
        let different: HashSet<&[u8]> = lines.iter().copied().collect();
        let kept = different.into_iter().filter(|line| is_kept(line));
        Ok(Self {
            expected_bytes: kept.map(length).sum(),
            text: lines.concat(),
            dedup: true,
        })
    }
}

fn length(line: &[u8]) -> u64 {
    line.len() as u64
}

/// Sends all of `load` and waits for the last event that is to be kept; `rate` is in events a
/// second, without one it goes as fast as the server takes them.
pub(super) fn run(
    program: &Program,
    load: &Load,
    events: u64,
    rate: Option<f64>,
) -> Result<Flood, String> {
    let fault = |error: std::io::Error| error.to_string();
    let folder = tempfile::tempdir().map_err(fault)?;
    let output = folder.path().join("kept.ndjson");
    let server = program.start(&Job {
        input: Input::Tcp,
        output: Output::File(&output),
        kind: KIND,
        dedup: load.dedup,
    })?;
    // Bytes a second of each connection.
    let rate = rate.map(|rate| rate * load.text.len() as f64 / events as f64 / CONNECTIONS as f64);
    let began = Instant::now();
    thread::scope(|scope| {
        let senders: Vec<_> = quarters(&load.text)
            .into_iter()
            .map(|part| scope.spawn(move || send(server.address, part, rate, began)))
            .collect();
        senders
            .into_iter()
            .try_for_each(|sender| sender.join().expect("a sender does not panic"))
    })
    .map_err(fault)?;
    let written = wait_for_size(&output, load.expected_bytes);
    let elapsed = began.elapsed();
    let usage = server.end()?;
    // All or nothing: the count is right when every kept byte is there, and no more.
    let right = written == load.expected_bytes;
    Ok(Flood {
        elapsed,
        usage,
        events: if right { events } else { 0 },
    })
}

/// Offers twice what the server takes, in an open loop. `flat_out` is what an event takes when it
/// sets the pace itself, as measured the last time; zero when it was not yet.
pub(super) fn overload(
    program: &Program,
    load: &Load,
    events: u64,
    flat_out: &Cell<Duration>,
) -> Result<Flood, String> {
    if flat_out.get().is_zero() {
        flat_out.set(run(program, load, events, None)?.elapsed);
    }
    let capacity = events as f64 / flat_out.get().as_secs_f64();
    run(program, load, events, Some(2.0 * capacity))
}

/// Sends each piece when it is due, or as soon after that as it is taken.
fn send(
    address: SocketAddr,
    part: &[u8],
    rate: Option<f64>,
    began: Instant,
) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    for (number, piece) in part.chunks(PIECE).enumerate() {
        if let Some(rate) = rate {
            let due = Duration::from_secs_f64((number * PIECE) as f64 / rate);
            thread::sleep(due.saturating_sub(began.elapsed()));
        }
        stream.write_all(piece)?;
    }
    Ok(())
}

fn first_lines(text: &[u8], lines: u64) -> &[u8] {
    let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let end = ends.map(|(at, _)| at + 1).nth(lines as usize - 1);
    &text[..end.unwrap_or(text.len())]
}

/// Four parts of whole lines.
fn quarters(mut text: &[u8]) -> Vec<&[u8]> {
    let size = text.len().div_ceil(CONNECTIONS);
    let mut parts = Vec::new();
    while !text.is_empty() {
        let from = size.min(text.len());
        let end = text[from..].iter().position(|&byte| byte == b'\n');
        let (part, rest) = text.split_at(end.map_or(text.len(), |end| from + end + 1));
        parts.push(part);
        text = rest;
    }
    parts
}

/// True for a line that the filter keeps.
pub(super) fn is_kept(line: &[u8]) -> bool {
    let wanted = format!("\"type\":\"{KIND}\"");
    memchr::memmem::find(line, wanted.as_bytes()).is_some()
}
