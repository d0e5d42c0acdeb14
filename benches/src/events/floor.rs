//! The server that does this one job: a thread for each connection, lines that hold the wanted
//! type go out. It checks nothing, loses what it has not written, and knows no limits.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Serves with the arguments ADDRESS KIND OUTPUT, for ever.
pub(crate) fn serve(arguments: &[String]) -> Result<(), String> {
    let [address, kind, output] = arguments else {
        return Err("expected ADDRESS KIND OUTPUT".to_owned());
    };
    listen(address, kind, output).map_err(|error| error.to_string())
}

fn listen(address: &str, kind: &str, output: &str) -> io::Result<()> {
    let sink: Box<dyn Write + Send> = match output.parse() {
        Ok(address) => {
            let address: std::net::SocketAddr = address;
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            Box::new(stream)
        }
        Err(_) => Box::new(File::create(output)?),
    };
    let sink = Arc::new(Mutex::new(sink));
    let wanted = format!("\"type\":\"{kind}\"");
    for stream in TcpListener::bind(address)?.incoming() {
        let (stream, sink, wanted) = (stream?, sink.clone(), wanted.clone());
        thread::spawn(move || connection(stream, &sink, wanted.as_bytes()));
    }
    Ok(())
}

fn connection(
    mut stream: TcpStream,
    sink: &Mutex<Box<dyn Write + Send>>,
    wanted: &[u8],
) -> io::Result<()> {
    let mut room = vec![0; 1 << 18];
    let (mut filled, mut kept) = (0, Vec::new());
    let finder = memchr::memmem::Finder::new(wanted);
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
        let mut start = 0;
        for newline in memchr::memchr_iter(b'\n', &room[..=end]) {
            let line = &room[start..=newline];
            if finder.find(line).is_some() {
                kept.extend_from_slice(line);
            }
            start = newline + 1;
        }
        sink.lock()
            .map_err(|_| io::ErrorKind::Other)?
            .write_all(&kept)?;
        room.copy_within(end + 1..filled, 0);
        filled -= end + 1;
    }
}
