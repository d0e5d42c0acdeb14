//! Lets connections in through a door, and serves each in a task of its own.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use pelton_metrics::Gauge;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::connection::{Connection, End, Wire};
use super::door::Accept;
use super::feed::Feed;
use super::unfinished::Unfinished;
use super::{ListenOptions, Metrics, Stop};
use crate::stream::{Intake, Peer, turn};

/// When the system has no more descriptors, it may have some after this time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Who was let in, and what it is given.
pub(super) struct Guest<W> {
    pub(super) wire: W,
    pub(super) peer: Peer,
    pub(super) unfinished: Unfinished,
    pub(super) stop: Stop,
}

/// What is done with connections.
pub(super) trait Serve<W>: Send + Sync + 'static {
    /// Serves one to its end.
    fn serve(&self, guest: Guest<W>) -> impl Future<Output = End> + Send;
}

/// Hands on what comes as it is.
pub(super) struct Plain {
    pub(super) options: ListenOptions,
    pub(super) intake: Arc<dyn Intake>,
}

impl<W: Wire> Serve<W> for Plain {
    async fn serve(&self, guest: Guest<W>) -> End {
        let Guest {
            wire,
            peer,
            unfinished,
            stop,
        } = guest;
        let feed = Feed::new(&self.options, self.intake.clone(), peer, unfinished);
        let limits = self.options.limits;
        Connection { wire, feed, limits }.run(stop).await
    }
}

/// Lets connections in.
pub(super) struct Server<S> {
    pub(super) name: String,
    pub(super) options: ListenOptions,
    pub(super) service: Arc<S>,
    pub(super) stop: Stop,
}

impl<S> Server<S> {
    /// Serves until somebody says stop, and until all that was let in is over.
    pub(super) async fn run<D: Accept>(self, door: D)
    where
        S: Serve<D::Wire>,
    {
        let unfinished = Unfinished::new(self.options.limits.unfinished_bytes_max);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = self.stop.stopped() => break,
                Some(_) = connections.join_next() => {}
                accepted = door.accept() => match accepted {
                    Ok((wire, peer)) => {
                        self.let_in(wire, &peer, unfinished.part(), &mut connections);
                    }
                    Err(error) => self.not_accepted(&error).await,
                },
            }
        }
        drop(door);
        while connections.join_next().await.is_some() {}
    }

    fn let_in<W: Send + 'static>(
        &self,
        wire: W,
        peer: &str,
        unfinished: Unfinished,
        connections: &mut JoinSet<()>,
    ) where
        S: Serve<W>,
    {
        turn::keep_short();
        let metrics = &self.options.metrics;
        if connections.len() >= self.options.limits.connections_max {
            metrics.refused.add(1);
            return;
        }
        metrics.accepted.add(1);
        let peer = Peer {
            source: self.options.source,
            name: format!("{} from {peer}", self.name),
        };
        let guest = Guest {
            wire,
            peer,
            unfinished,
            stop: self.stop.clone(),
        };
        let open = Open::new(metrics);
        let (service, metrics) = (self.service.clone(), metrics.clone());
        connections.spawn(async move {
            count(&metrics, service.serve(guest).await);
            drop(open);
        });
    }

    /// A connection that was gone before it was accepted is nobody's trouble; where descriptors
    /// are short, asking again at once would only keep a core busy.
    async fn not_accepted(&self, error: &io::Error) {
        self.options.metrics.failed.add(1);
        let gone = [
            io::ErrorKind::ConnectionAborted,
            io::ErrorKind::ConnectionReset,
        ];
        if !gone.contains(&error.kind()) {
            tokio::select! {
                () = sleep(ACCEPT_PAUSE) => {}
                () = self.stop.stopped() => {}
            }
        }
    }
}

fn count(metrics: &Metrics, end: End) {
    match end {
        End::Failed => metrics.failed.add(1),
        End::Idle => metrics.idle.add(1),
        End::Crowded => metrics.crowded.add(1),
        End::Refused => metrics.refused.add(1),
        #[cfg(feature = "tls")]
        End::Unsecured => metrics.unsecured.add(1),
        End::Finished | End::Stopped => {}
    }
}

/// Counts a connection as open as long as it lives.
struct Open {
    gauge: Gauge,
}

impl Open {
    fn new(metrics: &Metrics) -> Self {
        let gauge = metrics.open.clone();
        gauge.add(1);
        Self { gauge }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.gauge.sub(1);
    }
}
