//! Records on their way to another machine: at a rate, or as fast as they are taken.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use pelton::connect::net::{ClientTls, Outgoing};
use pelton::sync::thread;

/// The shortest wait: what falls due meanwhile goes out together.
const TICK: Duration = Duration::from_micros(100);

/// Says how many records are due, on a schedule that does not wait for anybody: what could not be
/// sent in time is due still, and how late it was is kept.
#[derive(Debug)]
pub(crate) struct Schedule {
    start: Instant,
    per_second: Option<u64>,
    sent: u64,
    latest: Duration,
}

impl Schedule {
    /// Begins now; `None` makes everything due at once.
    pub(crate) fn new(per_second: Option<u64>) -> Self {
        Self {
            start: Instant::now(),
            per_second,
            sent: 0,
            latest: Duration::ZERO,
        }
    }

    /// Waits until records are due, and says how many, `most` at the most.
    pub(crate) fn wait(&self, most: u64) -> u64 {
        let Some(rate) = self.per_second else {
            return most;
        };
        loop {
            let elapsed = self.start.elapsed();
            let due = (elapsed.as_secs_f64() * rate as f64) as u64 + 1;
            if due > self.sent {
                return most.min(due - self.sent);
            }
            thread::sleep(TICK.max(self.due_at(self.sent).saturating_sub(elapsed)));
        }
    }

    /// Counts records that were sent.
    pub(crate) fn sent(&mut self, records: u64) {
        let late = self.start.elapsed().saturating_sub(self.due_at(self.sent));
        self.latest = self.latest.max(late);
        self.sent += records;
    }

    /// When record `index` is due, from the start.
    fn due_at(&self, index: u64) -> Duration {
        let rate = self.per_second.unwrap_or(u64::MAX).max(1);
        Duration::from_secs_f64(index as f64 / rate as f64)
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// How it went: `820,000 records in 10.0 s: 82,000 a second, at most 0.4 ms late`.
    pub(crate) fn outcome(&self) -> String {
        let seconds = self.elapsed().as_secs_f64().max(1e-9);
        let records = indicatif::HumanCount(self.sent);
        let rate = indicatif::HumanCount((self.sent as f64 / seconds) as u64);
        let late = match self.per_second {
            Some(_) => format!(", at most {:.1} ms late", self.latest.as_secs_f64() * 1e3),
            None => String::new(),
        };
        format!("{records} records in {seconds:.2} s: {rate} a second{late}")
    }
}

/// Connections that take turns.
#[derive(Debug)]
pub(crate) struct Outbound {
    streams: Vec<Outgoing>,
    next: usize,
}

impl Outbound {
    /// Connects, over TLS where it is said how.
    pub(crate) fn connect(
        address: &str,
        connections: usize,
        tls: Option<&ClientTls>,
    ) -> io::Result<Self> {
        let connect = |_| match tls {
            Some(tls) => Outgoing::connect_tls(address, tls),
            None => Outgoing::connect(address),
        };
        let streams = (0..connections.max(1)).map(connect);
        let streams = streams.collect::<io::Result<_>>()?;
        Ok(Self { streams, next: 0 })
    }

    /// Says that nothing more comes; over TLS the server has then read all.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.streams.into_iter().try_for_each(Outgoing::finish)
    }
}

impl Write for Outbound {
    /// Writes all of `bytes`, whole records, to the connection whose turn it is.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let turn = self.next;
        self.next = (turn + 1) % self.streams.len();
        self.streams[turn].write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
