//! The server's side of a connection.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use pelton_pool::Buffer;
use pelton_record::Block;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::frame::{Batch, HEADER_BYTES, HELLO_BYTES, Hello, Reply, client_name};
use super::session::{Received, Session, Sessions};
use super::{Fault, VERSION};
use crate::Content;
use crate::net::connection::End;
use crate::net::server::{Guest, Serve};
use crate::net::unfinished::Unfinished;
use crate::net::{ListenLimits, Metrics, Stop};
use crate::stream::{Arrival, Intake, Peer, Receipt};

/// A client says who it is within this time, and sends a batch that it began.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client that hears nothing hears the last word no later than this.
const LAST_WORD: Duration = Duration::from_secs(1);

/// What all connections of a listener share.
pub(in crate::net) struct AckedServer {
    sessions: Sessions,
    intake: Arc<dyn Intake>,
    limits: ListenLimits,
    metrics: Metrics,
}

/// Why a connection ends, and what the client is told.
enum Last {
    /// The client sent all it had: it hears when that is committed.
    Finished(u64),
    /// Something is wrong, or another time would be better.
    Fault(Fault, String),
    /// The network failed: nobody can be told.
    Failed,
}

impl From<io::Error> for Last {
    fn from(_: io::Error) -> Self {
        Self::Failed
    }
}

impl From<Fault> for Last {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault, fault.to_string())
    }
}

impl AckedServer {
    pub(in crate::net) fn new(
        intake: Arc<dyn Intake>,
        limits: ListenLimits,
        metrics: Metrics,
    ) -> Self {
        Self {
            sessions: Sessions::default(),
            intake,
            limits,
            metrics,
        }
    }

    async fn greet<R: AsyncRead>(&self, reader: &mut ReadHalf<R>) -> Result<Arc<Session>, Last> {
        let client = timeout(PATIENCE, read_client(reader));
        let client = client.await.map_err(|_| Fault::Protocol)??;
        let session = self.sessions.of(&client, &*self.intake);
        session.ok_or_else(|| Fault::Busy.into())
    }
}

impl<W: AsyncRead + AsyncWrite + Send + 'static> Serve<W> for AckedServer {
    async fn serve(&self, guest: Guest<W>) -> End {
        let Guest {
            wire,
            peer,
            unfinished,
            stop,
        } = guest;
        let (mut reader, mut writer) = split(wire);
        let greeted = tokio::select! {
            greeted = self.greet(&mut reader) => greeted,
            () = stop.stopped() => Err(stopping()),
        };
        let session = match greeted {
            Ok(session) => session,
            Err(last) => {
                say_last(&mut writer, last).await;
                return End::Refused;
            }
        };
        // Whoever was connected before may be handing on a batch: after that it hears of this.
        let (number, connections) = session.connect();
        let received = *session.received.lock().await;
        let committed = session.committed();
        let (last_sender, last) = oneshot::channel();
        let forgets = !self.intake.keeps_positions();
        let mut writing = tokio::spawn(write(writer, (received, forgets), committed, last));
        let mut reading = Reading {
            server: self,
            reader,
            session,
            peer: Arc::new(peer),
            unfinished,
            byte: 0,
            number,
            connections,
            stop: stop.clone(),
        };
        let last = reading.run().await;
        let end = end_of(&last);
        // The writer is gone when the network failed.
        let _ = last_sender.send(last);
        drop(reading);
        let idle = self.limits.idle_max.unwrap_or(Duration::MAX);
        tokio::select! {
            _ = timeout(idle, &mut writing) => {}
            () = stop.stopped() => {
                let _ = timeout(LAST_WORD, &mut writing).await;
            }
        }
        writing.abort();
        end
    }
}

async fn read_client<R: AsyncRead>(reader: &mut ReadHalf<R>) -> Result<String, Last> {
    let mut head = [0; HELLO_BYTES];
    reader.read_exact(&mut head).await?;
    let mut name = vec![0; Hello::read(&head)?.client_bytes];
    reader.read_exact(&mut name).await?;
    Ok(client_name(name)?)
}

fn stopping() -> Last {
    Last::Fault(Fault::Busy, "the server is stopping".to_owned())
}

fn end_of(last: &Last) -> End {
    match last {
        Last::Finished(_) => End::Finished,
        Last::Fault(Fault::Busy, _) => End::Stopped,
        Last::Fault(..) | Last::Failed => End::Failed,
    }
}

/// The half of a connection that takes batches.
struct Reading<'a, S> {
    server: &'a AckedServer,
    reader: ReadHalf<S>,
    session: Arc<Session>,
    peer: Arc<Peer>,
    unfinished: Unfinished,
    /// Payload bytes that have come.
    byte: u64,
    number: u64,
    connections: watch::Receiver<u64>,
    stop: Stop,
}

impl<S: AsyncRead + AsyncWrite> Reading<'_, S> {
    /// Takes batches until there is a reason to stop. What is being taken is never given up.
    async fn run(&mut self) -> Last {
        loop {
            let (batch, buffer) = match self.next().await {
                Ok(batch) => batch,
                Err(last) => return last,
            };
            if let Err(last) = self.take(batch, buffer).await {
                return last;
            }
        }
    }

    /// The next batch, or word that there shall be none.
    async fn next(&mut self) -> Result<(Batch, Buffer), Last> {
        let (stop, mut connections) = (self.stop.clone(), self.connections.clone());
        let number = self.number;
        tokio::select! {
            biased;
            () = stop.stopped() => Err(stopping()),
            _ = connections.wait_for(|newest| *newest != number) => Err(Fault::Replaced.into()),
            batch = self.read() => batch,
        }
    }

    async fn read(&mut self) -> Result<(Batch, Buffer), Last> {
        let mut header = [0; HEADER_BYTES];
        let idle = self.server.limits.idle_max.unwrap_or(Duration::MAX);
        let begun = timeout(idle, self.reader.read(&mut header));
        let Ok(begun) = begun.await else {
            self.server.metrics.idle.add(1);
            return Err(Last::Fault(
                Fault::Busy,
                "nothing came for too long".to_owned(),
            ));
        };
        let begun = begun?;
        if begun == 0 {
            let received = *self.session.received.lock().await;
            return Err(Last::Finished(received.unwrap_or(0)));
        }
        let rest = timeout(PATIENCE, self.read_rest(header, begun));
        rest.await.map_err(|_| Last::Failed)?
    }

    /// The rest of a batch of which some bytes have come.
    async fn read_rest(
        &mut self,
        mut header: [u8; HEADER_BYTES],
        begun: usize,
    ) -> Result<(Batch, Buffer), Last> {
        self.reader.read_exact(&mut header[begun..]).await?;
        let batch = Batch::read(&header)?;
        if self.unfinished.set(batch.payload_bytes).is_err() {
            self.server.metrics.crowded.add(1);
            return Err(Fault::Busy.into());
        }
        let lease = self.server.intake.lease(batch.payload_bytes).await;
        let mut buffer = lease.map_err(|_| stopping())?;
        let room = &mut buffer.spare_mut()[..batch.payload_bytes];
        self.reader.read_exact(room).await?;
        buffer.advance(batch.payload_bytes);
        match batch.seals(&buffer) {
            true => Ok((batch, buffer)),
            false => Err(Fault::Checksum.into()),
        }
    }

    /// Hands on a batch that is new, once and for all connections of this client.
    async fn take(&mut self, batch: Batch, buffer: Buffer) -> Result<(), Last> {
        let session = self.session.clone();
        let mut received = session.received.lock().await;
        if received.is_some_and(|received| batch.end <= received) {
            self.server.metrics.duplicates.add(1);
            return Ok(());
        }
        if received.is_some_and(|received| batch.begin != received) {
            return Err(gap(*received, batch));
        }
        let bytes = buffer.len() as u64;
        let receipt = Receipt {
            stream: session.clone(),
            position: batch.end,
        };
        let arrival = Arrival {
            block: Block::new(buffer),
            content: Content::Records,
            peer: self.peer.clone(),
            byte: self.byte,
            receipt: Some(receipt),
        };
        self.server
            .intake
            .take(arrival)
            .await
            .map_err(|_| stopping())?;
        *received = Some(batch.end);
        self.byte += bytes;
        self.server.metrics.bytes.add(bytes);
        self.server.metrics.arrivals.add(1);
        // There is less than before.
        let _ = self.unfinished.set(0);
        Ok(())
    }
}

fn gap(received: Received, batch: Batch) -> Last {
    let expected = received.unwrap_or(0);
    let Batch { begin, end, .. } = batch;
    let text =
        format!("expected a batch that begins at {expected}, found one from {begin} to {end}");
    Last::Fault(Fault::Gap, text)
}

/// Says welcome, then how far everything is committed, whenever that changes, and a last word.
async fn write<W: AsyncWrite>(
    mut writer: WriteHalf<W>,
    (received, forgets): (Received, bool),
    mut committed: watch::Receiver<u64>,
    mut last: oneshot::Receiver<Last>,
) -> io::Result<()> {
    let mut told = *committed.borrow_and_update();
    let welcome = Reply::Welcome {
        committed: told,
        received: received.unwrap_or(0),
        anywhere: received.is_none() && forgets,
    };
    say(&mut writer, &welcome).await?;
    let last = loop {
        tokio::select! {
            changed = committed.changed() => if changed.is_ok() {
                told = *committed.borrow_and_update();
                say(&mut writer, &Reply::Ack(told)).await?;
            },
            last = &mut last => break last.unwrap_or(Last::Failed),
        }
    };
    if let Last::Finished(position) = last {
        while told < position && committed.changed().await.is_ok() {
            told = *committed.borrow_and_update();
            say(&mut writer, &Reply::Ack(told)).await?;
        }
        return writer.shutdown().await;
    }
    say_last(&mut writer, last).await;
    Ok(())
}

/// Writes `reply`, and flushes it: TLS may keep what the network did not take at once.
async fn say<W: AsyncWrite>(writer: &mut WriteHalf<W>, reply: &Reply) -> io::Result<()> {
    writer.write_all(&reply.to_bytes()).await?;
    writer.flush().await
}

/// Tells a client why the connection ends, and ends it.
async fn say_last<W: AsyncWrite>(writer: &mut WriteHalf<W>, last: Last) {
    if let Last::Fault(fault, text) = last {
        let reply = Reply::Fault(fault, format!("{text} (version {VERSION})"));
        // A client that does not hear it sees the end of the connection.
        let said = async {
            say(writer, &reply).await?;
            writer.shutdown().await
        };
        let _ = timeout(PATIENCE, said).await;
    }
}
