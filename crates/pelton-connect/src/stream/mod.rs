//! What listeners hand on, and where streams of batches are kept.
//!
//! A listener brings [`Arrival`]s to an [`Intake`]: blocks of whole records, with word of who sent
//! them and, where the sender can send again, a [`Receipt`]. A [`Store`] puts batches away, all or
//! nothing, together with the positions they reach; then the receipts' streams are told.

mod arrival;
mod store;
pub mod turn;

pub use arrival::{Arrival, Future, Gone, Intake, Peer, Receipt, Stream};
pub use store::{Delivery, PROMPT_BYTES, Positions, Shape, Store, StoreError, StoreErrorKind};
