//! From stretches of bytes, as they come, to arrivals of whole records.

use std::future::Future;
use std::mem;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use pelton_format::{Cut, Framer};
use pelton_pool::Buffer;
use pelton_record::Block;
use pelton_sync::Arc;

use super::unfinished::Unfinished;
use super::{ListenOptions, Metrics};
use crate::Content;
use crate::stream::{Arrival, Gone, Intake, Peer, Receipt, Stream};

/// Bytes that are read at once, where so many are there.
pub(super) const READ_BYTES: usize = 256 << 10;
/// So much of a record that is too large is shown.
const SHOWN_BYTES: usize = 64 << 10;
/// A torn record gives memory back when it had more than this.
const TORN_KEPT_BYTES: usize = 64 << 10;
/// The least room for more of a torn record.
const GROWTH_BYTES: usize = 4 << 10;

/// Why nothing more can be fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The engine takes nothing more.
    Gone,
    /// Unfinished records take too much memory.
    Crowded,
}

impl From<Gone> for Refused {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// What one peer sends, cut into blocks of whole records and handed to the engine.
///
/// Between two reads it holds the beginning of a record whose end has not come, and nothing where
/// records come whole. Each byte is copied no more than twice, whatever the sizes of the pieces.
pub(super) struct Feed {
    intake: Arc<dyn Intake>,
    framer: Box<dyn Framer>,
    peer: Arc<Peer>,
    /// Who wants to know of commits; positions are bytes then.
    stream: Option<Arc<dyn Stream>>,
    metrics: Metrics,
    /// Bytes that were read and not handed on. They begin at a record's start, or are skipped.
    torn: Vec<u8>,
    /// How many of them the framer has seen without finding an end.
    known: usize,
    unfinished: Unfinished,
    skipped: Option<Skipped>,
    /// Where the torn record begins in what the peer sent.
    byte: u64,
}

/// A record that is too large, as far as it has come.
struct Skipped {
    /// Its beginning.
    shown: Vec<u8>,
    bytes: u64,
}

impl Feed {
    pub(super) fn new(
        options: &ListenOptions,
        intake: Arc<dyn Intake>,
        peer: Peer,
        unfinished: Unfinished,
    ) -> Self {
        Self {
            intake,
            framer: options.format.framer(),
            peer: Arc::new(peer),
            stream: None,
            metrics: options.metrics.clone(),
            torn: Vec::new(),
            known: 0,
            unfinished,
            skipped: None,
            byte: 0,
        }
    }

    /// A feed that goes on at `byte` of `stream`.
    pub(super) fn of_stream(mut self, stream: Arc<dyn Stream>, byte: u64) -> Self {
        self.stream = Some(stream);
        self.byte = byte;
        self
    }

    /// True when the next read should go into [`room`](Self::room): that copies the torn record,
    /// which is worth it where as much was read the last time.
    pub(super) fn wants_room(&self, last_read: usize) -> bool {
        self.skipped.is_none() && last_read >= self.torn.len()
    }

    /// A leased buffer that begins with the torn record. It may be dropped: nothing is moved.
    pub(super) async fn room(&mut self) -> Result<Buffer, Gone> {
        let bytes = READ_BYTES.max(self.torn.len() + READ_BYTES / 2);
        let mut buffer = self.intake.lease(bytes).await?;
        let torn = self.torn.len();
        buffer.spare_mut()[..torn].copy_from_slice(&self.torn);
        buffer.advance(torn);
        Ok(buffer)
    }

    /// Room for more of what is torn.
    pub(super) fn growth(&mut self) -> &mut Vec<u8> {
        self.torn.reserve(GROWTH_BYTES.max(self.torn.len()));
        &mut self.torn
    }

    /// Takes what was read into [`room`](Self::room).
    pub(super) async fn push(&mut self, mut buffer: Buffer) -> Result<(), Refused> {
        let Cut::Records(end) = self.framer.cut_grown(&buffer, self.known, false) else {
            self.torn.extend_from_slice(&buffer[self.torn.len()..]);
            drop(buffer);
            return self.push_grown().await;
        };
        self.torn.clear();
        self.torn.extend_from_slice(&buffer[end..]);
        self.known = 0;
        buffer.set_len(end);
        let buffer = fitting(&*self.intake, buffer)?;
        self.take(Block::new(buffer), Content::Records, end as u64)
            .await?;
        self.push_grown().await
    }

    /// Takes what was read into [`growth`](Self::growth).
    pub(super) async fn push_grown(&mut self) -> Result<(), Refused> {
        self.cut(false).await
    }

    /// Hands on the last record, which nothing ends.
    pub(super) async fn finish(&mut self) -> Result<(), Refused> {
        self.cut(true).await?;
        match self.skipped.take() {
            Some(skipped) => self.take_skipped(skipped, 0).await,
            None => Ok(()),
        }
    }

    /// Bytes that have come and were not handed on.
    pub(super) fn torn_bytes(&self) -> u64 {
        let skipped = self.skipped.as_ref().map_or(0, |skipped| skipped.bytes);
        self.torn.len() as u64 + skipped
    }

    /// What is counted.
    pub(super) const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Hands on what is whole of the torn bytes.
    async fn cut(&mut self, complete: bool) -> Result<(), Refused> {
        let torn = mem::take(&mut self.torn);
        let mut rest = &torn[..];
        while !rest.is_empty() {
            if self.skipped.is_some() {
                rest = self.skip(rest).await?;
                continue;
            }
            let cut = self
                .framer
                .cut_grown(rest, mem::take(&mut self.known), complete);
            match cut {
                Cut::More => break,
                Cut::Records(end) => {
                    let buffer = filled(self.intake.lease(end).await?, &rest[..end]);
                    self.take(Block::new(buffer), Content::Records, end as u64)
                        .await?;
                    rest = &rest[end..];
                }
                Cut::TooLarge => {
                    // What was read holds no line end, or the framer would have found it.
                    let shown = rest[..rest.len().min(SHOWN_BYTES)].to_vec();
                    let bytes = rest.len() as u64;
                    self.skipped = Some(Skipped { shown, bytes });
                    rest = &[];
                }
            }
        }
        self.known = rest.len();
        self.keep(torn);
        let held = self.torn.capacity().min(self.known + GROWTH_BYTES);
        self.unfinished.set(held)
    }

    /// Keeps the last [`known`](Self::known) bytes of `torn`.
    fn keep(&mut self, mut torn: Vec<u8>) {
        torn.drain(..torn.len() - self.known);
        if torn.capacity() > TORN_KEPT_BYTES && torn.len() < torn.capacity() / 4 {
            torn.shrink_to(2 * torn.len());
        }
        self.torn = torn;
    }

    /// Looks for the end of the record that is skipped; what stands behind it.
    async fn skip<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Refused> {
        let Some(mut skipped) = self.skipped.take() else {
            return Ok(bytes);
        };
        let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
            skipped.bytes += bytes.len() as u64;
            self.skipped = Some(skipped);
            return Ok(&[]);
        };
        skipped.bytes += end as u64;
        self.take_skipped(skipped, 1).await?;
        Ok(&bytes[end + 1..])
    }

    /// Hands on the beginning of a record that is too large; `ended` is the length of its end.
    async fn take_skipped(&mut self, skipped: Skipped, ended: u64) -> Result<(), Refused> {
        self.metrics.too_large.add(1);
        let Skipped { shown, bytes } = skipped;
        let buffer = filled(self.intake.lease(shown.len()).await?, &shown);
        let content = Content::TooLarge { bytes };
        self.take(Block::new(buffer), content, bytes + ended).await
    }

    /// Hands on a block that stood for so many bytes.
    async fn take(&mut self, block: Block, content: Content, bytes: u64) -> Result<(), Refused> {
        let byte = self.byte;
        self.byte += bytes;
        let receipt = self.stream.as_ref().map(|stream| Receipt {
            stream: stream.clone(),
            position: self.byte,
        });
        let arrival = Arrival {
            block,
            content,
            peer: self.peer.clone(),
            byte,
            receipt,
        };
        self.intake.take(arrival).await?;
        self.metrics.bytes.add(bytes);
        self.metrics.arrivals.add(1);
        Ok(())
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.metrics.torn_bytes.add(self.torn_bytes());
    }
}

/// `buffer`, or a smaller one with the same bytes where that saves much and there is one.
pub(super) fn fitting(intake: &dyn Intake, buffer: Buffer) -> Result<Buffer, Gone> {
    if buffer.len() > buffer.capacity() / 4 {
        return Ok(buffer);
    }
    // Who waits for memory with memory in hand may wait for ever: ask once.
    let lease = pin!(intake.lease(buffer.len()));
    match lease.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(lease) => Ok(filled(lease?, &buffer)),
        Poll::Pending => Ok(buffer),
    }
}

/// `buffer` with a copy of `bytes`, for which it has room.
fn filled(mut buffer: Buffer, bytes: &[u8]) -> Buffer {
    buffer.spare_mut()[..bytes.len()].copy_from_slice(bytes);
    buffer.advance(bytes.len());
    buffer
}
