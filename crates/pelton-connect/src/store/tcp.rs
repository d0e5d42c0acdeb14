//! A peer that takes lines over TCP, as a store.

use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::fatal;
use crate::Error;
use crate::oneself::to_another;
use crate::stream::{Delivery, Positions, Shape, Store, StoreError, StoreErrorKind};

/// Where a [`TcpStore`] writes to.
#[derive(Clone, Debug)]
pub struct TcpStoreOptions {
    /// Host and port: `collector:9000`, `127.0.0.1:9000`, `[::1]:9000`.
    pub address: String,
    /// What stands before the first record of each connection: a CSV's names. Nothing by default.
    pub header: Vec<u8>,
    /// How long making a connection may take. 10 seconds by default.
    pub connect_timeout: Duration,
    /// How long the peer may take nothing before it counts as lost. 30 seconds by default.
    pub write_timeout: Duration,
}

impl TcpStoreOptions {
    /// The defaults, for the peer at `address`.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            header: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
        }
    }
}

/// Writes records to a peer, and connects again when it has lost it.
///
/// # Limits
///
/// - Nobody acknowledges lines: what the system had taken when the connection broke may be lost,
///   and a put that broke off comes again on the next connection. Where that matters, take a
///   protocol with acknowledgements. Positions are forgotten with the process.
#[derive(Debug)]
pub struct TcpStore {
    options: TcpStoreOptions,
    peer: Option<TcpStream>,
    positions: Positions,
}

impl TcpStore {
    /// A store that writes to the peer of `options`. It connects at the first put.
    ///
    /// # Errors
    ///
    /// [`Fatal`](StoreErrorKind::Fatal), when the address has no port.
    pub fn open(options: TcpStoreOptions) -> Result<Self, StoreError> {
        let port = options.address.rsplit_once(':');
        if !port.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
            return Err(fatal(&options.address, "expected host:port"));
        }
        Ok(Self {
            options,
            peer: None,
            positions: Positions::new(),
        })
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name stands for no address");
        for address in self.options.address.to_socket_addrs()? {
            let connected = TcpStream::connect_timeout(&address, self.options.connect_timeout);
            match connected.and_then(to_another) {
                Ok(mut peer) => {
                    peer.set_nodelay(true)?;
                    peer.set_write_timeout(Some(self.options.write_timeout))?;
                    peer.set_nonblocking(true)?;
                    send(&mut peer, &self.options.header)?;
                    return Ok(peer);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn write(&mut self, deliveries: &[Delivery]) -> io::Result<()> {
        let mut peer = match self.peer.take() {
            Some(peer) if is_there(&peer)? => peer,
            _ => self.connect()?,
        };
        let mut small = Vec::new();
        for delivery in deliveries {
            let Delivery::Bytes { bytes, .. } = delivery else {
                continue;
            };
            if small.len() + bytes.len() > GATHERED_BYTES_MAX {
                send(&mut peer, &std::mem::take(&mut small))?;
            }
            match bytes.len() < GATHERED_BYTES_MAX && deliveries.len() > 1 {
                true => small.extend_from_slice(bytes),
                false => send(&mut peer, bytes)?,
            }
        }
        send(&mut peer, &small)?;
        self.peer = Some(peer);
        Ok(())
    }
}

/// So many bytes of small deliveries are written at once: they cost less to copy than to hand to
/// the system one by one.
const GATHERED_BYTES_MAX: usize = 32 << 10;

/// Writes all to a peer that is not waited for, and then waits for it all the same, where it takes
/// no more: as long as its time-out allows.
fn send(peer: &mut TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match peer.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                peer.set_nonblocking(false)?;
                peer.write_all(bytes)?;
                return peer.set_nonblocking(true);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// False when the peer has closed its end: what is written then is lost without a word.
fn is_there(peer: &TcpStream) -> io::Result<bool> {
    match peer.peek(&mut [0]) {
        Ok(bytes) => Ok(bytes > 0),
        Err(error) => Ok(error.kind() == io::ErrorKind::WouldBlock),
    }
}

/// True when the peer has neither closed its end nor said anything, and the system has room for
/// what is sent to it: on Linux a third of its buffer at the least, and then it takes one piece of
/// up to 64 KiB whole (`tcp_sendmsg_locked`).
#[cfg(all(feature = "net", target_os = "linux"))]
fn has_room(peer: &TcpStream) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let mut peer = [PollFd::new(peer, PollFlags::IN | PollFlags::OUT)];
    let polled = poll(&mut peer, Some(&Timespec::default()));
    polled.is_ok() && peer[0].revents() == PollFlags::OUT
}

#[cfg(not(all(feature = "net", target_os = "linux")))]
fn has_room(_: &TcpStream) -> bool {
    false
}

impl Store for TcpStore {
    fn shape(&self) -> Shape {
        Shape::Bytes
    }

    fn keeps_positions(&self) -> bool {
        false
    }

    fn positions(&mut self) -> Result<Positions, StoreError> {
        Ok(self.positions.clone())
    }

    fn is_prompt(&mut self) -> bool {
        self.peer.as_ref().is_some_and(has_room)
    }

    fn put(&mut self, deliveries: &[Delivery], positions: &Positions) -> Result<(), StoreError> {
        let place = format!("tcp://{}", self.options.address);
        if deliveries
            .iter()
            .any(|delivery| matches!(delivery, Delivery::Rows(_)))
        {
            return Err(fatal(&place, "takes encoded records, was given columns"));
        }
        let written = self.write(deliveries);
        // Whatever it was, the next try begins with a new connection.
        written.map_err(|error| {
            let message = Error::io(&place, &error).to_string();
            StoreError::new(StoreErrorKind::Transient, message)
        })?;
        self.positions.extend(positions.clone());
        Ok(())
    }
}
