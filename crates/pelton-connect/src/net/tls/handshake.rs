//! Handshakes before the service: what gets through is served, the rest is counted.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;

use super::{Secured, ServerTls};
use crate::net::ListenLimits;
use crate::net::connection::End;
use crate::net::server::{Guest, Serve};

/// Failures are told of no more often than this, however many there are.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Serves `service` over TLS.
pub(in crate::net) struct Handshakes<S> {
    service: S,
    tls: ServerTls,
    /// From the first byte to the last, and the wait for a turn.
    time_max: Duration,
    turns: Semaphore,
    complaints: Complaints,
}

impl<S> Handshakes<S> {
    pub(in crate::net) fn new(service: S, tls: ServerTls, limits: &ListenLimits) -> Self {
        let turns = limits.handshakes_max.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            service,
            tls,
            time_max: limits.handshake_time_max,
            turns: Semaphore::new(turns),
            complaints: Complaints::default(),
        }
    }

    async fn shake(&self, wire: TcpStream) -> io::Result<Secured> {
        let shaking = async {
            let _turn = self.turns.acquire().await.map_err(io::Error::other)?;
            TlsAcceptor::from(self.tls.config()).accept(wire).await
        };
        let Ok(shaken) = timeout(self.time_max, shaking).await else {
            let message = format!("no handshake within {:?}", self.time_max);
            return Err(io::Error::new(io::ErrorKind::TimedOut, message));
        };
        shaken.map(Secured::new)
    }
}

impl<S: Serve<Secured>> Serve<TcpStream> for Handshakes<S> {
    async fn serve(&self, guest: Guest<TcpStream>) -> End {
        let Guest {
            wire,
            peer,
            unfinished,
            stop,
        } = guest;
        let shaken = tokio::select! {
            shaken = self.shake(wire) => shaken,
            () = stop.stopped() => return End::Stopped,
        };
        match shaken {
            Ok(wire) => {
                let guest = Guest {
                    wire,
                    peer,
                    unfinished,
                    stop,
                };
                self.service.serve(guest).await
            }
            Err(error) => {
                self.complaints.tell(&peer.name, &error);
                End::Unsecured
            }
        }
    }
}

/// Tells of failures without a line for each.
#[derive(Default)]
struct Complaints {
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    last: Option<Instant>,
    /// Failures since then.
    untold: u64,
}

impl Complaints {
    fn tell(&self, peer: &str, error: &io::Error) {
        tracing::debug!(peer, %error, "no TLS handshake");
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.untold += 1;
        if told.last.is_none_or(|last| last.elapsed() >= TELL_EVERY) {
            let failures = told.untold;
            *told = Told {
                last: Some(Instant::now()),
                untold: 0,
            };
            tracing::warn!(peer, %error, failures, "no TLS handshake; told once a minute");
        }
    }
}
