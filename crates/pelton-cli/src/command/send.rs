//! `pelton send`

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use pelton::connect::net::{BATCH_BYTES_MAX, Client, ClientOptions, ClientTls};

use super::{Done, message, refused};
use crate::lines::Lines;
use crate::outbound::{Outbound, Schedule};
use crate::secure::Secure;

const EXAMPLES: &str = "\
Examples:
  pelton send events.ndjson --to 127.0.0.1:9000
  pelton send app.log --to 127.0.0.1:9000 --rate 5000
  pelton send events.ndjson --to 127.0.0.1:9001 --acked   # source: acked://127.0.0.1:9001
  pelton send events.ndjson --to logs.example.org:9000 --tls --ca ca.pem

With --acked a file that was sent in part is taken up where the server has it, and the command ends
when the server has committed all of it.

Exit codes: 0 all is sent (with --acked: committed), 2 it is not.";

/// Bytes that go out at once.
const PIECE_BYTES: usize = 256 << 10;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Files whose lines are records; `-` is standard input.
    #[arg(required = true)]
    files: Vec<String>,
    /// Where to send: HOST:PORT, or as the server has it: acked://HOST:PORT.
    #[arg(long, value_name = "HOST:PORT")]
    to: String,
    /// Records a second; without it as many as are taken.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    rate: Option<u64>,
    /// Speak the acknowledged protocol, to an acked:// source.
    #[arg(long)]
    acked: bool,
    /// The name under which the server keeps how far a file came; by default the file's name and
    /// a sum of its first line.
    #[arg(long)]
    client: Option<String>,
    #[command(flatten)]
    secure: Secure,
}

impl Arguments {
    /// Where to send, without the protocol.
    fn address(&self) -> &str {
        let named = ["acked://", "tcp://"];
        let mut rest = named.iter().filter_map(|name| self.to.strip_prefix(name));
        rest.next().unwrap_or(&self.to)
    }

    fn is_acked(&self) -> bool {
        self.acked || self.to.starts_with("acked://")
    }
}

pub(crate) fn run(arguments: &Arguments) -> Done {
    if arguments.client.is_some() && !arguments.is_acked() {
        return Err("--client: is for --acked, which keeps how far a file came".to_owned());
    }
    if arguments.client.is_some() && arguments.files.len() > 1 {
        return Err("--client: one name is for one file".to_owned());
    }
    let tls = arguments.secure.load()?;
    for path in &arguments.files {
        let outcome = match arguments.is_acked() {
            true => send_acked(arguments, path, tls.as_ref())?,
            false => send_plain(arguments, path, tls.as_ref())?,
        };
        eprintln!("{path}: {outcome}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Lines that are due, up to those that go out in one piece.
fn lines_at_once(rate: Option<u64>) -> u64 {
    rate.map_or(u64::MAX, |rate| (rate / 100).max(1))
}

fn send_plain(
    arguments: &Arguments,
    path: &str,
    tls: Option<&ClientTls>,
) -> Result<String, String> {
    let input = open(path)?;
    let bar = bar(input.size);
    let place = |error: io::Error| broken(arguments.address(), &error);
    let mut server = Outbound::connect(arguments.address(), 1, tls).map_err(place)?;
    let mut lines = Lines::new(input.reader, usize::MAX);
    let mut schedule = Schedule::new(arguments.rate);
    loop {
        let due = schedule.wait(lines_at_once(arguments.rate));
        let (bytes, count) = lines
            .next(due, PIECE_BYTES)
            .map_err(|it| refused(path, &it))?;
        if count == 0 {
            break;
        }
        server.write_all(bytes).map_err(place)?;
        bar.inc(bytes.len() as u64);
        schedule.sent(count);
    }
    server.finish().map_err(place)?;
    bar.finish_and_clear();
    Ok(format!("sent {}", schedule.outcome()))
}

/// What became of a connection on which records are sent as they are.
fn broken(address: &str, error: &io::Error) -> String {
    let refused = refused(address, error);
    match error.kind() {
        io::ErrorKind::NotConnected
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => {
            format!("{refused}; where the server has acked:// there, send with --acked")
        }
        _ => refused,
    }
}

fn send_acked(
    arguments: &Arguments,
    path: &str,
    tls: Option<&ClientTls>,
) -> Result<String, String> {
    let mut input = open(path)?;
    let name = match &arguments.client {
        Some(name) => name.clone(),
        None => client_name(path, &mut input)?,
    };
    let options = ClientOptions {
        tls: tls.cloned(),
        ..ClientOptions::new(arguments.address(), name)
    };
    let mut client = Client::connect(options).map_err(message)?;
    let bar = bar(input.size);
    if path != "-" && client.position() > 0 {
        input.resume(path, client.position())?;
        bar.inc(client.position());
        eprintln!("{path}: the server has {} bytes of it", client.position());
    }
    let mut lines = Lines::new(input.reader, BATCH_BYTES_MAX);
    let mut schedule = Schedule::new(arguments.rate);
    loop {
        let due = schedule.wait(lines_at_once(arguments.rate));
        let (bytes, count) = lines
            .next(due, PIECE_BYTES)
            .map_err(|it| refused(path, &it))?;
        if count == 0 {
            break;
        }
        let end = client.position() + bytes.len() as u64;
        client.send(bytes, end).map_err(message)?;
        bar.inc(bytes.len() as u64);
        schedule.sent(count);
    }
    client.flush().map_err(message)?;
    bar.finish_and_clear();
    Ok(format!("committed {}", schedule.outcome()))
}

/// What is read, and its length when that is known.
struct Input {
    reader: Box<dyn ReadSeek>,
    size: Option<u64>,
}

/// Something to read, and to go on in the middle of.
trait ReadSeek: Read {
    fn go_to(&mut self, byte: u64) -> io::Result<()>;
}

impl ReadSeek for File {
    fn go_to(&mut self, byte: u64) -> io::Result<()> {
        self.seek(SeekFrom::Start(byte)).map(|_| ())
    }
}

impl ReadSeek for io::Stdin {
    fn go_to(&mut self, _byte: u64) -> io::Result<()> {
        Ok(())
    }
}

impl Input {
    fn resume(&mut self, path: &str, byte: u64) -> Result<(), String> {
        if let Some(size) = self.size.filter(|&size| size < byte) {
            return Err(format!(
                "{path}: has {size} bytes, but the server has {byte} of a file of this name; give \
                 another name with --client"
            ));
        }
        self.reader
            .go_to(byte)
            .map_err(|error| refused(path, &error))
    }
}

fn open(path: &str) -> Result<Input, String> {
    if path == "-" {
        let reader = Box::new(io::stdin());
        return Ok(Input { reader, size: None });
    }
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
    let (metadata, file) = opened.map_err(|error| refused(path, &error))?;
    let size = metadata.is_file().then_some(metadata.len());
    let reader = Box::new(file);
    Ok(Input { reader, size })
}

/// The file's name and a sum of its first 256 bytes.
fn client_name(path: &str, input: &mut Input) -> Result<String, String> {
    if input.size.is_none() {
        return Err(format!(
            "{path}: cannot be sent again; name it with --client"
        ));
    }
    let mut beginning = Vec::new();
    let read = input.reader.by_ref().take(256).read_to_end(&mut beginning);
    read.and_then(|_| input.reader.go_to(0))
        .map_err(|error| refused(path, &error))?;
    let line = beginning.split_inclusive(|&byte| byte == b'\n').next();
    // FNV-1a, 64 bits.
    let sum = line
        .unwrap_or_default()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum: u64, &byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let name = std::path::Path::new(path).file_name().unwrap_or_default();
    Ok(format!("send:{}:{sum:016x}", name.to_string_lossy()))
}

/// Shown only when somebody looks.
fn bar(size: Option<u64>) -> ProgressBar {
    let Some(size) = size else {
        return ProgressBar::new_spinner();
    };
    let style = ProgressStyle::with_template("{bar:30} {percent:>3}%  {bytes_per_sec}  {eta} left");
    ProgressBar::new(size).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
