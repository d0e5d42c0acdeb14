//! How to listen.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pelton_format::Format;

#[cfg(feature = "tls")]
use super::ServerTls;
use super::{Address, BearerToken, Metrics};

/// What a [`Listener`](super::Listener) is made from.
#[derive(Clone)]
pub struct ListenOptions {
    /// Where.
    pub address: Address,
    /// How records look. Only its framer is used, which holds the limit on a record's length.
    pub format: Arc<dyn Format>,
    /// The number that arrivals carry in their [`Peer`](crate::stream::Peer).
    pub source: u32,
    /// What peers can not push past.
    pub limits: ListenLimits,
    /// What an `http://` client must show as `Authorization: Bearer TOKEN`; `None` lets anybody in.
    pub token: Option<BearerToken>,
    /// The certificate with which `tcp://`, `http://` and `acked://` speak TLS; `None`: they speak
    /// plainly. The other kinds of addresses have no use for it.
    #[cfg(feature = "tls")]
    pub tls: Option<ServerTls>,
    /// What is counted.
    pub metrics: Metrics,
}

/// What the peers of one listener can not push past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenLimits {
    /// Connections at a time; more are closed at once.
    pub connections_max: usize,
    /// A connection on which nothing comes for so long is closed; `None` lets it be. Peers that
    /// are gone without a word are found in two minutes either way.
    pub idle_max: Option<Duration>,
    /// Bytes a second that one connection may send, on average over a second; `None`: any. A
    /// faster one is read more slowly, which its sender feels.
    pub bytes_per_second_max: Option<u64>,
    /// Bytes of records that have begun and not ended, over all connections. The connection that
    /// would take more is closed.
    pub unfinished_bytes_max: u64,
    /// Bytes of one HTTP body, packed and unpacked.
    pub body_bytes_max: usize,
    /// From the connection to the end of its TLS handshake, with the wait for a turn; a slower one
    /// is closed.
    pub handshake_time_max: Duration,
    /// TLS handshakes at a time, at least 1; more wait their turn.
    pub handshakes_max: usize,
}

impl Default for ListenLimits {
    /// 10,240 connections, idle for an hour at most, at any rate, 64 MiB of unfinished records,
    /// HTTP bodies of 16 MiB, 256 TLS handshakes at a time of 10 seconds each.
    fn default() -> Self {
        Self {
            connections_max: 10_240,
            idle_max: Some(Duration::from_secs(3600)),
            bytes_per_second_max: None,
            unfinished_bytes_max: 64 << 20,
            body_bytes_max: 16 << 20,
            handshake_time_max: Duration::from_secs(10),
            handshakes_max: 256,
        }
    }
}

impl ListenOptions {
    /// Listens at `address` for records of `format`, as source 0, with the default limits.
    #[must_use]
    pub fn new(address: Address, format: Arc<dyn Format>) -> Self {
        Self {
            address,
            format,
            source: 0,
            limits: ListenLimits::default(),
            token: None,
            #[cfg(feature = "tls")]
            tls: None,
            metrics: Metrics::default(),
        }
    }
}

impl fmt::Debug for ListenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenOptions")
            .field("address", &self.address)
            .field("format", &self.format.name())
            .field("source", &self.source)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
