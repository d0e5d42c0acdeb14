//! An HTTP server that takes records, when it feels like it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::events::mix;

/// What it does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Takes it, and says so.
    Take,
    /// Answers 503.
    Refuse,
    /// Hangs up in the middle of the request.
    HangUp,
    /// Takes it, and hangs up before it says so: the sender cannot know.
    TakeAndHangUp,
}

impl Mood {
    /// One by chance, which takes nothing twice.
    pub(crate) const fn honest(seed: u64) -> Self {
        match mix(seed) % 4 {
            0 | 1 => Self::Take,
            2 => Self::Refuse,
            _ => Self::HangUp,
        }
    }

    /// Any by chance.
    pub(crate) const fn any(seed: u64) -> Self {
        match mix(seed) % 5 {
            0 | 1 => Self::Take,
            2 => Self::Refuse,
            3 => Self::HangUp,
            _ => Self::TakeAndHangUp,
        }
    }
}

/// A server whose mood at request `n` is `mood(n)`. It hands what it takes to the receiver, and
/// ends with the process.
pub(crate) struct Unsteady {
    pub(crate) address: SocketAddr,
    pub(crate) taken: Receiver<String>,
}

impl Unsteady {
    /// Listens on a port of its own.
    pub(crate) fn start(mood: impl Fn(u64) -> Mood + Send + 'static) -> Self {
        Self::start_at(TcpListener::bind("127.0.0.1:0").unwrap(), mood)
    }

    /// Listens on `listener`.
    pub(crate) fn start_at(
        listener: TcpListener,
        mut mood: impl FnMut(u64) -> Mood + Send + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let (sender, taken) = channel();
        thread::spawn(move || {
            let mut requests = 0;
            let mut next = || {
                requests += 1;
                mood(requests)
            };
            for stream in listener.incoming() {
                serve(stream.unwrap(), &mut next, &sender);
            }
        });
        Self { address, taken }
    }

    /// Everything that was taken, once there are `records` different ones.
    pub(crate) fn records(&self, records: usize) -> Vec<String> {
        let mut all = Vec::new();
        let mut different = std::collections::HashSet::new();
        while different.len() < records {
            let body = self.taken.recv().unwrap();
            for line in body.lines() {
                different.insert(line.to_owned());
                all.push(line.to_owned());
            }
        }
        all
    }
}

/// Serves one connection until somebody hangs up: the peer, or we.
fn serve(stream: TcpStream, mood: &mut impl FnMut() -> Mood, sender: &Sender<String>) {
    let mut reader = BufReader::new(stream);
    while let Some(length) = head(&mut reader) {
        let mood = mood();
        if mood == Mood::HangUp {
            return;
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        if mood != Mood::Refuse {
            // Nobody listens any more when the test is over.
            let _ = sender.send(String::from_utf8(body).unwrap());
        }
        let answer = match mood {
            Mood::TakeAndHangUp => return,
            Mood::Refuse => "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
            _ => "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        };
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Reads the head of a request; the length of its body.
fn head(reader: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            return Some(length);
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
}
