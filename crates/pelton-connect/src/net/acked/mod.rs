//! Records with acknowledgement: nothing is lost between two processes that may both be killed.
//!
//! `docs/PROTOCOL.md` describes the protocol byte by byte. In short: a client says who it is, hears
//! how far it came, sends batches that each begin at a position and end at a later one, and hears
//! up to where all of them are committed. What it has not heard of it sends again.

mod frame;
mod server;
mod session;

pub use frame::Fault;
pub(super) use frame::{REPLY_BYTES, Reply, batch_header, hello};
pub(super) use server::AckedServer;

/// The version of the protocol.
pub const VERSION: u16 = 1;
/// The longest payload of a batch, in bytes.
pub const BATCH_BYTES_MAX: usize = 1 << 20;
/// The longest name of a client, in bytes.
pub const CLIENT_BYTES_MAX: usize = 256;
