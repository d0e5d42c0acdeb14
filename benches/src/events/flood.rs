//! As fast as it goes.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::server::{Output, Program};
use crate::benchmark::Sample;
use crate::files::Usage;

const CONNECTIONS: usize = 4;
/// What a sender hands to the system at once.
const PIECE: usize = 256 << 10;
const KIND: &str = "view";

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

/// Sends the first `events` lines of `input` and waits for the last that is to be kept.
pub(super) fn run(program: &Program, input: &Path, events: u64) -> Result<Flood, String> {
    let fault = |error: std::io::Error| error.to_string();
    let text = std::fs::read(input).map_err(fault)?;
    let text = first_lines(&text, events);
    let wanted = format!("\"type\":\"{KIND}\"");
    let expected: u64 = text
        .split_inclusive(|&byte| byte == b'\n')
        .filter(|line| contains(line, wanted.as_bytes()))
        .map(|line| line.len() as u64)
        .sum();
    let folder = tempfile::tempdir().map_err(fault)?;
    let output = folder.path().join("kept.ndjson");
    let server = program.start(Output::File(&output), KIND)?;
    let began = Instant::now();
    thread::scope(|scope| {
        let senders: Vec<_> = quarters(text)
            .into_iter()
            .map(|part| scope.spawn(move || send(server.address, part)))
            .collect();
        senders
            .into_iter()
            .try_for_each(|sender| sender.join().expect("a sender does not panic"))
    })
    .map_err(fault)?;
    let patience = Instant::now() + Duration::from_secs(60);
    let mut written = 0;
    while written < expected && Instant::now() < patience {
        thread::sleep(Duration::from_micros(200));
        written = output.metadata().map_or(0, |metadata| metadata.len());
    }
    let elapsed = began.elapsed();
    let usage = server.end()?;
    // All or nothing: the count is right when every kept byte is there, and no more.
    let events = if written == expected { events } else { 0 };
    Ok(Flood {
        elapsed,
        usage,
        events,
    })
}

fn send(address: std::net::SocketAddr, part: &[u8]) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    part.chunks(PIECE)
        .try_for_each(|piece| stream.write_all(piece))
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

fn contains(line: &[u8], wanted: &[u8]) -> bool {
    line.windows(wanted.len()).any(|window| window == wanted)
}
