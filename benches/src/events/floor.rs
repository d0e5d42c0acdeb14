//! The server that does this one job: a thread for each connection, lines that hold the wanted
//! type go out, once for each id if that is wanted. It checks nothing, loses what it has not
//! written, and knows no limits.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the threads share.
struct Shared {
    sink: Mutex<Box<dyn Write + Send>>,
    /// The ids that came, where they are asked for.
    seen: Option<Mutex<HashSet<u64>>>,
    wanted: String,
}

/// Serves with the arguments INPUT KIND OUTPUT all|dedup, for ever.
pub(crate) fn serve(arguments: &[String]) -> Result<(), String> {
    let [input, kind, output, dedup] = arguments else {
        return Err("expected INPUT KIND OUTPUT all|dedup".to_owned());
    };
    listen(input, kind, output, dedup == "dedup").map_err(|error| error.to_string())
}

fn listen(input: &str, kind: &str, output: &str, dedup: bool) -> io::Result<()> {
    let sink: Box<dyn Write + Send> = match output.parse::<SocketAddr>() {
        Ok(address) => {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            Box::new(stream)
        }
        Err(_) => Box::new(File::create(output)?),
    };
    let shared = Arc::new(Shared {
        sink: Mutex::new(sink),
        seen: dedup.then(Mutex::default),
        wanted: format!("\"type\":\"{kind}\""),
    });
    let Ok(address) = input.parse::<SocketAddr>() else {
        return connection(File::open(input)?, &shared);
    };
    for stream in TcpListener::bind(address)?.incoming() {
        let (stream, shared) = (stream?, shared.clone());
        thread::spawn(move || connection(stream, &shared));
    }
    Ok(())
}

fn connection(mut stream: impl Read, shared: &Shared) -> io::Result<()> {
    let mut room = vec![0; 1 << 18];
    let (mut filled, mut kept) = (0, Vec::new());
    let finder = memchr::memmem::Finder::new(shared.wanted.as_bytes());
    loop {
        let read = stream.read(&mut room[filled..])?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        let Some(end) = memchr::memrchr(b'\n', &room[..filled]) else {
            continue;
        };
        kept.clear();
        let mut seen = match &shared.seen {
            Some(seen) => Some(seen.lock().map_err(|_| io::ErrorKind::Other)?),
            None => None,
        };
        let mut start = 0;
        for newline in memchr::memchr_iter(b'\n', &room[..=end]) {
            let line = &room[start..=newline];
            let is_new = seen.as_mut().is_none_or(|seen| seen.insert(id(line)));
            if is_new && finder.find(line).is_some() {
                kept.extend_from_slice(line);
            }
            start = newline + 1;
        }
        drop(seen);
        let mut sink = shared.sink.lock().map_err(|_| io::ErrorKind::Other)?;
        sink.write_all(&kept)?;
        drop(sink);
        room.copy_within(end + 1..filled, 0);
        filled -= end + 1;
    }
}

/// The number in `{"id":NUMBER,`, where it stands in all lines.
fn id(line: &[u8]) -> u64 {
    let digits = line.iter().skip(6).take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |id, digit| id * 10 + u64::from(digit - b'0'))
}
