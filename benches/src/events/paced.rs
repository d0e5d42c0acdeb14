//! At a steady rate, in an open loop.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::server::{Input, Job, Output, Program};
use crate::benchmark::Sample;
use crate::files::Usage;

const CONNECTIONS: u64 = 4;
const KIND: &str = "tick";

/// So great a part of the events comes sooner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Percentile(pub(super) f64);

/// What a round came to.
pub(super) struct Paced {
    /// Nanoseconds, ascending.
    latencies: Vec<u64>,
    usage: Usage,
}

impl Paced {
    /// The runner tells times for each item, so that of all is so many times as long.
    pub(super) fn latency(&self, Percentile(part): Percentile) -> Sample {
        let count = self.latencies.len();
        let index = ((count as f64 * part) as usize).min(count.saturating_sub(1));
        let nanoseconds = self.latencies.get(index).copied().unwrap_or(0);
        self.sample(Duration::from_nanos(
            nanoseconds.saturating_mul(count as u64),
        ))
    }

    pub(super) fn cpu(&self) -> Sample {
        self.sample(self.usage.cpu)
    }

    fn sample(&self, elapsed: Duration) -> Sample {
        Sample {
            elapsed,
            count: self.latencies.len() as u64,
            peak_kib: Some(self.usage.peak_kib),
        }
    }
}

/// Sends `events` at `rate` a second, and notes when each comes out.
pub(super) fn run(program: &Program, events: u64, rate: u64) -> Result<Paced, String> {
    let fault = |error: std::io::Error| error.to_string();
    let sink = TcpListener::bind("127.0.0.1:0").map_err(fault)?;
    let to = sink.local_addr().map_err(fault)?;
    let server = program.start(&Job {
        input: Input::Tcp,
        output: Output::Tcp(to),
        kind: KIND,
        dedup: false,
    })?;
    let began = Instant::now();
    let (sent, latencies) = thread::scope(|scope| {
        let reader = scope.spawn(move || receive(&sink, events, began));
        let senders: Vec<_> = (0..CONNECTIONS)
            .map(|lane| {
                let address = server.address;
                scope.spawn(move || send(address, lane, events, rate, began))
            })
            .collect();
        let sent: Result<(), _> = senders
            .into_iter()
            .try_for_each(|sender| sender.join().expect("a sender does not panic"));
        (sent, reader.join().expect("the receiver does not panic"))
    });
    sent.map_err(fault)?;
    let mut latencies = latencies.map_err(fault)?;
    latencies.sort_unstable();
    let usage = server.end()?;
    Ok(Paced { latencies, usage })
}

/// When event `index` is due, in nanoseconds from the start.
const fn due(index: u64, rate: u64) -> u64 {
    // The server has a moment to get to its sink.
    100_000_000 + index * 1_000_000_000 / rate
}

/// Sends every fourth event as soon as it is due, and those that are due by then with it.
fn send(
    address: SocketAddr,
    lane: u64,
    events: u64,
    rate: u64,
    began: Instant,
) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut index = lane;
    let mut lines = Vec::new();
    while index < events {
        let now = began.elapsed().as_nanos() as u64;
        if due(index, rate) > now {
            thread::sleep(Duration::from_nanos(due(index, rate) - now));
            continue;
        }
        lines.clear();
        while index < events && due(index, rate) <= now {
            let at = due(index, rate);
            let filling = "x".repeat(110);
            writeln!(
                lines,
                "{{\"due\":{at:014},\"type\":\"{KIND}\",\"user\":{{\"id\":{index},\
                 \"country\":\"DE\"}},\"message\":\"{filling}\"}}"
            )?;
            index += CONNECTIONS;
        }
        stream.write_all(&lines)?;
    }
    // The server closes when it is killed: a connection that ends early would count as idle.
    Ok(())
}

/// The latency of each event that comes out.
fn receive(sink: &TcpListener, events: u64, began: Instant) -> std::io::Result<Vec<u64>> {
    let (stream, _) = sink.accept()?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::with_capacity(1 << 18, stream);
    let mut latencies = Vec::with_capacity(events as usize);
    while (latencies.len() as u64) < events {
        let lines = reader.fill_buf()?;
        let now = began.elapsed().as_nanos() as u64;
        let Some(end) = lines.iter().rposition(|&byte| byte == b'\n') else {
            if lines.is_empty() {
                break;
            }
            let mut line = Vec::new();
            reader.read_until(b'\n', &mut line)?;
            latencies.extend(latency(&line, now));
            continue;
        };
        let whole = lines[..=end].split_inclusive(|&byte| byte == b'\n');
        latencies.extend(whole.filter_map(|line| latency(line, now)));
        reader.consume(end + 1);
    }
    Ok(latencies)
}

fn latency(line: &[u8], now: u64) -> Option<u64> {
    let digits = std::str::from_utf8(line.get(7..21)?).ok()?;
    Some(now.saturating_sub(digits.parse().ok()?))
}
