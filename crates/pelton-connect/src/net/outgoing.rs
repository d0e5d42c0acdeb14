//! A connection to a listener, for those who may block.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

#[cfg(feature = "tls")]
use super::tls::{ClientTls, Stream, explained, is_final};

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
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok(stream)
}

#[cfg(feature = "tls")]
fn finish(mut stream: Stream) -> io::Result<()> {
    stream.conn.send_close_notify();
    stream.flush()?;
    stream.sock.shutdown(std::net::Shutdown::Write)?;
    match io::copy(&mut stream, &mut io::sink()) {
        // The server closed without a word of farewell, having read ours.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        ended => ended.map(|_| ()).map_err(explained),
    }
}

/// What the server said before it hung up, which tells more than that writing failed.
#[cfg(feature = "tls")]
fn last_word(stream: &mut Stream, broken: io::Error) -> io::Error {
    let said = stream.read(&mut [0; 1]).err().map(explained);
    said.filter(is_final).unwrap_or(broken)
}

impl Read for Outgoing {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match &mut self.kind {
            Kind::Plain(stream) => stream.read(room),
            #[cfg(feature = "tls")]
            Kind::Secured(stream) => stream.read(room).map_err(explained),
        }
    }
}

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.kind {
            Kind::Plain(stream) => stream.write(bytes),
            #[cfg(feature = "tls")]
            Kind::Secured(stream) => match stream.write(bytes) {
                Err(error) => Err(last_word(stream, error)),
                written => written,
            },
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.kind {
            Kind::Plain(stream) => stream.flush(),
            #[cfg(feature = "tls")]
            Kind::Secured(stream) => stream.flush(),
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let socket = match &self.kind {
            Kind::Plain(stream) => stream,
            #[cfg(feature = "tls")]
            Kind::Secured(stream) => &stream.sock,
        };
        f.debug_tuple("Outgoing").field(socket).finish()
    }
}
