//! Memory for records that have begun and not ended, over all connections of a listener.

use pelton_sync::Arc;
use pelton_sync::atomic::{AtomicU64, Ordering};

use super::feed::Refused;

/// One connection's part of the bytes that all of them share. Dropping it gives its part back.
#[derive(Debug)]
pub(super) struct Unfinished {
    shared: Arc<Shared>,
    mine: u64,
}

#[derive(Debug)]
struct Shared {
    bytes: AtomicU64,
    limit: u64,
}

impl Unfinished {
    pub(super) fn new(limit: u64) -> Self {
        let bytes = AtomicU64::new(0);
        Self {
            shared: Arc::new(Shared { bytes, limit }),
            mine: 0,
        }
    }

    /// For one who is bounded otherwise.
    pub(super) fn unlimited() -> Self {
        Self::new(u64::MAX)
    }

    /// The part of one more connection.
    pub(super) fn part(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            mine: 0,
        }
    }

    /// Says how many bytes this connection holds.
    pub(super) fn set(&mut self, bytes: usize) -> Result<(), Refused> {
        let bytes = bytes as u64;
        if bytes <= self.mine {
            self.shared
                .bytes
                .fetch_sub(self.mine - bytes, Ordering::Relaxed);
            self.mine = bytes;
            return Ok(());
        }
        let more = bytes - self.mine;
        let before = self.shared.bytes.fetch_add(more, Ordering::Relaxed);
        self.mine = bytes;
        match before + more > self.shared.limit {
            true => Err(Refused::Crowded),
            false => Ok(()),
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.shared.bytes.fetch_sub(self.mine, Ordering::Relaxed);
    }
}
