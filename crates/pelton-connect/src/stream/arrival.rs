//! Blocks on their way in.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use pelton_pool::Buffer;
use pelton_record::Block;

use crate::Content;

/// Who sent something, as messages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Which of the pipeline's sources it came through, counted from 0.
    pub source: u32,
    /// The source, and who stands behind it: `tcp://127.0.0.1:9000 from 127.0.0.1:51234`.
    pub name: String,
}

/// A stream of records whose sender counts how far it came, and can send again from there.
///
/// A position is whatever the stream makes of it, a byte or a sequence number, so long as a later
/// one is larger. Position `n` means that everything before `n` has its effect.
pub trait Stream: Send + Sync {
    /// The name under which its position is kept, over restarts too: `tail:/var/log/app.log`.
    fn name(&self) -> &str;

    /// Hears that everything before `position` is committed. Called from a worker: it must not
    /// block.
    fn committed(&self, position: u64);

    /// True when any part of it can be had again at any time, whatever was committed: a file. Only
    /// such a stream is asked again for what a window held when the process ended; a sender is
    /// told of the commit as soon as its records are taken into the window.
    fn rereads(&self) -> bool {
        false
    }

    /// True when positions are bytes of what the stream brings, so that an arrival ends at as many
    /// bytes more than the one before as its block has. Such a stream may be cut elsewhere when it
    /// comes again: where the cut before a restart lay inside of an arrival, it is made again.
    fn counts_bytes(&self) -> bool {
        false
    }
}

/// Asks for word when an arrival is committed.
#[derive(Clone)]
pub struct Receipt {
    /// Who hears of it.
    pub stream: Arc<dyn Stream>,
    /// The position that is reached with this arrival.
    pub position: u64,
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.stream.name(), self.position)
    }
}

/// A block of whole records that came in.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The bytes.
    pub block: Block,
    /// What they are.
    pub content: Content,
    /// Who sent them.
    pub peer: Arc<Peer>,
    /// Where the block begins in what this peer sent, in bytes.
    pub byte: u64,
    /// Who wants to know of the commit; `None` where nobody can send again.
    pub receipt: Option<Receipt>,
}

/// The engine takes nothing more: it is stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the engine takes nothing more")
    }
}

impl std::error::Error for Gone {}

/// A future behind a pointer, so that an [`Intake`] can be a trait object.
pub type Future<'a, T> = Pin<Box<dyn std::future::Future<Output = T> + Send + 'a>>;

/// Where listeners bring what they received: the engine.
///
/// Both futures wait as long as there is no room. A listener that reads only into leased buffers,
/// and reads on only after its arrival was taken, makes its sender feel that: that is the whole of
/// back-pressure. Both futures may be dropped at any time without loss.
pub trait Intake: Send + Sync {
    /// Lends room for at least `bytes` to read into.
    fn lease(&self, bytes: usize) -> Future<'_, Result<Buffer, Gone>>;

    /// Takes an arrival.
    fn take(&self, arrival: Arrival) -> Future<'_, Result<(), Gone>>;

    /// The position up to which everything of the stream called `name` is committed, or `None` when
    /// nothing is known of it. A stream that begins anew goes on from here.
    fn position(&self, name: &str) -> Option<u64>;

    /// False when a restart forgets positions, because a sink cannot keep them: then a stream of
    /// which nothing is known goes on where its sender was told that everything is committed.
    fn keeps_positions(&self) -> bool {
        true
    }
}
