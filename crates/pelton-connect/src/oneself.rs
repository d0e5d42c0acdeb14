//! Sockets that are connected to themselves.

use std::io;
use std::net::TcpStream;

/// `stream`, or an error where it leads to itself.
///
/// Where nobody listens at a port of this machine, a socket that connects to it may be given that
/// very port as its own, once in some ten thousand times, and both ends are one (a simultaneous
/// open, RFC 9293, section 3.5). What is written there reaches nobody, and who is to listen there
/// cannot.
pub(crate) fn to_another(stream: TcpStream) -> io::Result<TcpStream> {
    if stream.local_addr()? != stream.peer_addr()? {
        return Ok(stream);
    }
    Err(io::ErrorKind::ConnectionRefused.into())
}
