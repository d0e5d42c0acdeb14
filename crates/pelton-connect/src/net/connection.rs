//! One connection: reads what is there, feeds it, and ends for one of a few reasons.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::feed::{Feed, READ_BYTES, Refused};
use super::{ListenLimits, Stop};
use crate::stream::turn;

/// Bytes that come over a network.
pub(super) trait Wire: AsyncRead + Unpin + Send {
    /// Waits, without room to read into, until a read is worth a try.
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

impl Wire for TcpStream {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(cx)
    }
}

impl Wire for UnixStream {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(cx)
    }
}

/// Why a connection is over.
#[derive(Debug)]
pub(super) enum End {
    /// The peer has sent all it had.
    Finished,
    /// The network failed.
    Failed,
    /// Nothing came for too long.
    Idle,
    /// Somebody said stop, or the engine takes nothing more.
    Stopped,
    /// Unfinished records took too much memory.
    Crowded,
    /// The peer is not welcome.
    Refused,
    /// The TLS handshake came to nothing.
    #[cfg(feature = "tls")]
    Unsecured,
}

impl From<Refused> for End {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Gone => Self::Stopped,
            Refused::Crowded => Self::Crowded,
        }
    }
}

/// What a connection waits for.
enum Event {
    Readable,
    Idle,
    Stopped,
}

/// A wire, and what becomes of its bytes.
pub(super) struct Connection<W> {
    pub(super) wire: W,
    pub(super) feed: Feed,
    pub(super) limits: ListenLimits,
}

impl<W: Wire> Connection<W> {
    /// Reads the wire to its end and feeds what comes.
    pub(super) async fn run(mut self, stop: Stop) -> End {
        let mut stopped = pin!(stop.stopped());
        let mut clock = pin!(self.limits.idle_max.map(sleep));
        let mut pace = Pace::new(self.limits.bytes_per_second_max);
        let mut heard = Instant::now();
        let mut read = 0;
        loop {
            let idle = clock.as_mut().as_pin_mut();
            match self.wait(heard, idle, stopped.as_mut()).await {
                Event::Readable if stop.is_stopped() => return End::Stopped,
                Event::Readable => {}
                Event::Idle => return End::Idle,
                Event::Stopped => return End::Stopped,
            }
            match self.step(read, pace.bytes_max(), stopped.as_mut()).await {
                Ok(0) => continue,
                Ok(bytes) => read = bytes,
                Err(end) => return end,
            }
            heard = Instant::now();
            if let Some(pause) = pace.pause(read, heard) {
                self.feed.metrics().slowed.add(1);
                tokio::select! {
                    () = sleep_until(pause) => {}
                    () = stopped.as_mut() => return End::Stopped,
                }
            }
        }
    }

    /// Waits without holding any memory. Neither the clock nor the word to stop is looked at where
    /// there is something to read.
    async fn wait(
        &mut self,
        heard: Instant,
        mut idle: Option<Pin<&mut Sleep>>,
        mut stopped: Pin<&mut impl Future<Output = ()>>,
    ) -> Event {
        let most = self.limits.idle_max.unwrap_or_default();
        poll_fn(|cx| {
            // An error shows itself again where it is read.
            if self.wire.poll_readable(cx).is_ready() {
                return Poll::Ready(Event::Readable);
            }
            if stopped.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Stopped);
            }
            while let Some(idle) = &mut idle {
                ready!(idle.as_mut().poll(cx));
                let end = heard + most;
                if Instant::now() >= end {
                    return Poll::Ready(Event::Idle);
                }
                // The clock is not set again at each read, but only when it rings.
                idle.as_mut().reset(end);
            }
            Poll::Pending
        })
        .await
    }

    /// Reads once, if there is something, and feeds it: how many bytes.
    async fn step(
        &mut self,
        last_read: usize,
        bytes_max: usize,
        stopped: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<usize, End> {
        if !self.feed.wants_room(last_read) {
            let read = once(self.wire.read_buf(self.feed.growth())).await;
            let Some(read) = self.outcome(read).await? else {
                return Ok(0);
            };
            self.feed.push_grown().await?;
            return Ok(read);
        }
        let mut buffer = tokio::select! {
            biased;
            room = self.feed.room() => room.map_err(Refused::from)?,
            () = stopped => return Err(End::Stopped),
        };
        let spare = buffer.spare_mut();
        let most = spare.len().min(bytes_max);
        let read = once(self.wire.read(&mut spare[..most])).await;
        let Some(read) = self.outcome(read).await? else {
            return Ok(0);
        };
        buffer.advance(read);
        self.feed.push(buffer).await?;
        Ok(read)
    }

    /// What a read came to: nothing yet, so many bytes, or an end.
    async fn outcome(&mut self, read: Option<io::Result<usize>>) -> Result<Option<usize>, End> {
        match read {
            None => Ok(None),
            Some(Ok(0)) => {
                self.feed.finish().await?;
                Err(End::Finished)
            }
            Some(Ok(read)) => {
                turn::gathers(read);
                Ok(Some(read))
            }
            Some(Err(_)) => Err(End::Failed),
        }
    }
}

/// Polls `future` once.
async fn once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Holds a peer to its rate: bytes are paid for with time, up to a second in advance.
struct Pace {
    bytes_per_second: Option<u64>,
    /// All that was read is paid for from here on.
    paid: Instant,
}

impl Pace {
    fn new(bytes_per_second: Option<u64>) -> Self {
        let paid = Instant::now();
        Self {
            bytes_per_second,
            paid,
        }
    }

    /// The most to read at once: what a second pays for.
    fn bytes_max(&self) -> usize {
        self.bytes_per_second
            .map_or(READ_BYTES, |rate| rate.clamp(1, READ_BYTES as u64) as usize)
    }

    /// Until when to pause after `bytes` that were read `now`.
    fn pause(&mut self, bytes: usize, now: Instant) -> Option<Instant> {
        let rate = self.bytes_per_second?.max(1);
        let cost = Duration::from_secs_f64(bytes as f64 / rate as f64);
        self.paid = self.paid.max(now) + cost;
        let resume = self.paid.checked_sub(Duration::from_secs(1))?;
        (resume > now).then_some(resume)
    }
}
