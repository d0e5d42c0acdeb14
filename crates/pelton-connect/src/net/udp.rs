//! Datagrams: each holds one record or several.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use pelton_pool::Buffer;
use pelton_record::Block;
use socket2::SockRef;
use tokio::net::UdpSocket;

use super::door::refused;
use super::feed::{READ_BYTES, fitting};
use super::{ListenOptions, Metrics, Stop};
use crate::stream::{Arrival, Gone, Intake, Peer, turn};
use crate::{Content, Error};

/// The largest datagram there is.
const DATAGRAM_BYTES: usize = 64 << 10;
/// What the system is asked to keep while nobody reads; it may give less.
const SYSTEM_BYTES: usize = 8 << 20;

/// Receives datagrams.
pub(super) struct UdpDoor {
    socket: UdpSocket,
}

impl UdpDoor {
    pub(super) async fn bind(host: &str, name: &str) -> Result<Self, Error> {
        let socket = UdpSocket::bind(host).await;
        let socket = socket.map_err(|error| refused(name, &error))?;
        // With less room more is lost when many come at once.
        let _ = SockRef::from(&socket).set_recv_buffer_size(SYSTEM_BYTES);
        Ok(Self { socket })
    }

    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }

    /// Hands on what comes until somebody says stop or the engine is gone.
    pub(super) async fn run(
        self,
        name: String,
        options: ListenOptions,
        intake: Arc<dyn Intake>,
        stop: Stop,
    ) {
        let source = options.source;
        let mut datagrams = Datagrams {
            socket: self.socket,
            ended_by_newline: ends_with_newline(options.format.name()),
            peer: Arc::new(Peer { source, name }),
            metrics: options.metrics,
            intake,
            byte: 0,
        };
        // An error says that the engine is gone.
        let _ = datagrams.run(stop).await;
    }
}

/// True where a newline ends a record wherever it stands, so that one peer's datagram cannot
/// reach into the next one's.
fn ends_with_newline(format: &str) -> bool {
    !matches!(format, "csv" | "frames" | "events")
}

struct Datagrams {
    socket: UdpSocket,
    ended_by_newline: bool,
    peer: Arc<Peer>,
    metrics: Metrics,
    intake: Arc<dyn Intake>,
    /// Bytes that have come, over all peers.
    byte: u64,
}

impl Datagrams {
    async fn run(&mut self, stop: Stop) -> Result<(), Gone> {
        let bytes = if self.ended_by_newline {
            READ_BYTES
        } else {
            DATAGRAM_BYTES
        };
        while !stop.is_stopped() {
            // What is being handed on is never given up, only the wait for more.
            let buffer = tokio::select! {
                biased;
                () = stop.stopped() => return Ok(()),
                room = self.room(bytes) => room?,
            };
            self.receive(buffer).await?;
        }
        Ok(())
    }

    /// Waits for something to receive, then for room.
    async fn room(&self, bytes: usize) -> Result<Buffer, Gone> {
        while self.socket.readable().await.is_err() {
            self.metrics.failed.add(1);
        }
        self.intake.lease(bytes).await
    }

    /// Takes what is there into one block.
    async fn receive(&mut self, mut buffer: Buffer) -> Result<(), Gone> {
        while self.receive_one(&mut buffer) {}
        if buffer.is_empty() {
            return Ok(());
        }
        let arrival = Arrival {
            byte: self.byte,
            content: Content::Records,
            peer: self.peer.clone(),
            receipt: None,
            block: Block::new(fitting(&*self.intake, buffer)?),
        };
        let bytes = arrival.block.len() as u64;
        turn::gathers(bytes as usize);
        self.byte += bytes;
        self.intake.take(arrival).await?;
        self.metrics.bytes.add(bytes);
        self.metrics.arrivals.add(1);
        Ok(())
    }

    /// Appends a datagram. True when there is room for another, and one may be there.
    fn receive_one(&self, buffer: &mut Buffer) -> bool {
        let received = self.socket.try_recv(buffer.spare_mut());
        match received {
            Ok(0) => return true,
            Ok(bytes) => buffer.advance(bytes),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Err(_) => {
                self.metrics.failed.add(1);
                return false;
            }
        }
        if !self.ended_by_newline {
            return false;
        }
        if buffer.last() != Some(&b'\n') {
            buffer.spare_mut()[0] = b'\n';
            buffer.advance(1);
        }
        buffer.capacity() - buffer.len() > DATAGRAM_BYTES
    }
}
