//! A connection to a listener, for those who may block.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

#[cfg(feature = "tls")]
use super::tls::{ClientTls, Stream, explained};
use crate::oneself::to_another;

/// After so long without a word the system asks whether the server is there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// A connection to a `tcp://` or `acked://` listener, over TLS or not. Reading and writing block.
///
/// Small writes go out at once, and a server that is gone without a word is found by the system.
pub struct Outgoing {
    kind: Kind,
}

enum Kind {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Secured(Box<Stream>),
}

impl Outgoing {
    /// Connects to `address`, HOST:PORT.
    ///
    /// # Errors
    ///
    /// When nobody listens there.
    pub fn connect(address: &str) -> io::Result<Self> {
        let kind = Kind::Plain(dial(address)?);
        Ok(Self { kind })
    }

    /// Connects to `address`, HOST:PORT, and shakes hands, for which the server has 10 seconds
    /// between two words.
    ///
    /// # Errors
    ///
    /// When nobody listens there, does not speak TLS, or is not believed. A server that does not
    /// believe this client may say so later, to a read or a write.
    #[cfg(feature = "tls")]
    pub fn connect_tls(address: &str, tls: &ClientTls) -> io::Result<Self> {
        let stream = tls.shake(dial(address)?, address)?;
        let kind = Kind::Secured(Box::new(stream));
        Ok(Self { kind })
    }

    /// Says that nothing more comes, and over TLS waits until the server has heard it: then it has
    /// read all that was written.
    ///
    /// # Errors
    ///
    /// When the network fails, or the server says that something is wrong.
    pub fn finish(self) -> io::Result<()> {
        match self.kind {
            Kind::Plain(stream) => stream.shutdown(std::net::Shutdown::Write),
            #[cfg(feature = "tls")]
            Kind::Secured(stream) => finish(*stream),
        }
    }
}

fn dial(address: &str) -> io::Result<TcpStream> {
    let stream = to_another(TcpStream::connect(address)?)?;
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok(stream)
}

#[cfg(feature = "tls")]
fn finish(mut stream: Stream) -> io::Result<()> {
    stream.conn.send_close_notify();
    let ended = stream
        .flush()
        .and_then(|()| stream.sock.shutdown(std::net::Shutdown::Write))
        .and_then(|()| io::copy(&mut stream, &mut io::sink()));
    match ended {
        // The server closed without a word of farewell, having read ours.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        ended => ended.map(|_| ()).map_err(|error| cause(&mut stream, error)),
    }
}

/// Why a connection is over: what the server said before it hung up tells more than that it did.
#[cfg(feature = "tls")]
fn cause(stream: &mut Stream, error: io::Error) -> io::Error {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, NotConnected};
    if ![BrokenPipe, ConnectionReset, NotConnected].contains(&error.kind()) {
        return explained(error);
    }
    // Nothing can be written any more, and reading ends where the server did.
    while let Ok(1..) = stream.conn.read_tls(&mut stream.sock) {
        if let Err(said) = stream.conn.process_new_packets() {
            return explained(io::Error::new(io::ErrorKind::InvalidData, said));
        }
    }
    error
}

impl Read for Outgoing {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match &mut self.kind {
            Kind::Plain(stream) => stream.read(room),
            #[cfg(feature = "tls")]
            Kind::Secured(stream) => stream.read(room).map_err(|error| cause(stream, error)),
        }
    }
}

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.kind {
            Kind::Plain(stream) => stream.write(bytes),
            #[cfg(feature = "tls")]
            Kind::Secured(stream) => stream.write(bytes).map_err(|error| cause(stream, error)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.kind {
            Kind::Plain(stream) => stream.flush(),
            #[cfg(feature = "tls")]
            Kind::Secured(stream) => stream.flush().map_err(|error| cause(stream, error)),
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_tuple("Outgoing");
        match &self.kind {
            Kind::Plain(stream) => shown.field(stream),
            #[cfg(feature = "tls")]
            Kind::Secured(stream) => shown.field(&stream.sock),
        };
        shown.finish()
    }
}
