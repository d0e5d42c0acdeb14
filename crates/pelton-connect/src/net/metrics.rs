//! What listeners count.

use pelton_metrics::{Counter, Error, Gauge, Registry, Unit};

/// What one listener has seen. Clones count into the same numbers.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Connections that are open now.
    pub open: Gauge,
    /// Connections that were let in.
    pub accepted: Counter,
    /// Connections that were closed at once: there were too many, or a client was not welcome.
    pub refused: Counter,
    /// Connections that ended with an error of the network.
    pub failed: Counter,
    /// Connections that were closed because their TLS handshake failed or took too long.
    pub unsecured: Counter,
    /// Connections that were closed because nothing came for too long.
    pub idle: Counter,
    /// Connections that were closed because unfinished records took too much memory.
    pub crowded: Counter,
    /// Bytes that were handed on.
    pub bytes: Counter,
    /// Blocks that were handed on.
    pub arrivals: Counter,
    /// Records that were longer than the limit.
    pub too_large: Counter,
    /// Bytes of unfinished records that were dropped, because their connection broke or was closed.
    pub torn_bytes: Counter,
    /// Batches that were sent again and had been taken already.
    pub duplicates: Counter,
    /// Pauses that were made because a peer sent faster than it may.
    pub slowed: Counter,
}

impl Metrics {
    /// Numbers that `registry` shows, labelled with the listener's name.
    ///
    /// # Errors
    ///
    /// When the registry takes no more, or knows one of the names as something else.
    pub fn registered(registry: &Registry, listener: &str) -> Result<Self, Error> {
        let labels = [("listener", listener)];
        let counter = |name, help| registry.counter(name, help, Unit::Count, &labels);
        let bytes = |name, help| registry.counter(name, help, Unit::Bytes, &labels);
        let open = "Connections that are open.";
        Ok(Self {
            open: registry.gauge("listener_open", open, Unit::Count, &labels)?,
            accepted: counter("listener_accepted_total", "Connections let in.")?,
            refused: counter("listener_refused_total", "Connections refused.")?,
            failed: counter("listener_failed_total", "Connections that broke.")?,
            unsecured: counter("listener_unsecured_total", "TLS handshakes that failed.")?,
            idle: counter("listener_idle_total", "Connections closed as idle.")?,
            crowded: counter(
                "listener_crowded_total",
                "Connections closed because unfinished records took too much memory.",
            )?,
            bytes: bytes("listener_received_bytes_total", "Bytes handed on.")?,
            arrivals: counter("listener_arrivals_total", "Blocks handed on.")?,
            too_large: counter("listener_too_large_total", "Records over the limit.")?,
            torn_bytes: bytes("listener_torn_bytes_total", "Unfinished bytes dropped.")?,
            duplicates: counter("listener_duplicates_total", "Batches that came again.")?,
            slowed: counter("listener_slowed_total", "Pauses of peers over their rate.")?,
        })
    }
}
