//! What the server knows of each client, over its connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::stream::{Intake, Stream};

/// Clients that are connected, or have something on its way, at a time.
const SESSIONS_MAX: usize = 16_384;

/// The clients that have come since the start, by name.
#[derive(Default)]
pub(super) struct Sessions {
    by_client: Mutex<HashMap<String, Arc<Session>>>,
}

/// How far a client has come.
pub(super) struct Session {
    name: String,
    /// Where everything before it was taken. Held while a batch is taken, so that two connections
    /// of one client do not take the same batch.
    pub(super) received: tokio::sync::Mutex<Received>,
    committed: watch::Sender<u64>,
    /// Counts connections: only the last one goes on.
    connections: watch::Sender<u64>,
}

/// Up to where batches were taken; `None` when nothing is known of the client, who may then begin
/// where it wants.
pub(super) type Received = Option<u64>;

impl Sessions {
    /// The session of `client`, which goes on where `intake` knows it to be; `None` when there are
    /// too many.
    pub(super) fn of(&self, client: &str, intake: &dyn Intake) -> Option<Arc<Session>> {
        let mut sessions = self
            .by_client
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = sessions.get(client) {
            return Some(session.clone());
        }
        if sessions.len() >= SESSIONS_MAX {
            // Who has no connection, and nothing on its way, is known to the engine.
            sessions.retain(|_, session| Arc::strong_count(session) > 1);
        }
        if sessions.len() >= SESSIONS_MAX {
            return None;
        }
        let session = Arc::new(Session::new(client, intake));
        sessions.insert(client.to_owned(), session.clone());
        Some(session)
    }
}

impl Session {
    fn new(client: &str, intake: &dyn Intake) -> Self {
        let name = format!("acked:{client}");
        let position = intake.position(&name);
        Self {
            name,
            received: tokio::sync::Mutex::new(position),
            committed: watch::Sender::new(position.unwrap_or(0)),
            connections: watch::Sender::new(0),
        }
    }

    /// Begins a connection, which ends the one before it: its number, and word of later ones.
    pub(super) fn connect(&self) -> (u64, watch::Receiver<u64>) {
        self.connections
            .send_modify(|connections| *connections += 1);
        let watch = self.connections.subscribe();
        let number = *watch.borrow();
        (number, watch)
    }

    /// Where everything before it is committed, now and later.
    pub(super) fn committed(&self) -> watch::Receiver<u64> {
        self.committed.subscribe()
    }
}

impl Stream for Session {
    fn name(&self) -> &str {
        &self.name
    }

    fn committed(&self, position: u64) {
        self.committed.send_if_modified(|committed| {
            let moved = position > *committed;
            *committed = position.max(*committed);
            moved
        });
    }
}
