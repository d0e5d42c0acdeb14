//! An engine inside a program, fed record by record.
//!
//! [`Engine::embedded`](crate::Engine::embedded) builds one. It gives three parts: an
//! [`Embedded`] to steer it, a [`Submitter`] to feed it, a [`Receiver`] for what comes out.
//!
//! ```
//! use pelton::Engine;
//! use pelton::embed::now_ns;
//!
//! let (engine, mut submitter, receiver) = Engine::embedded()
//!     .keep("not empty", |record| !record.payload.is_empty())
//!     .try_update("shout", |record| match std::str::from_utf8(&record.payload) {
//!         Ok(_) => Ok(record.payload.make_ascii_uppercase()),
//!         Err(error) => Err(error),
//!     })
//!     .start()?;
//! for (id, payload) in [&b"hello"[..], b"", b"\xff", b"world"].iter().enumerate() {
//!     let record = submitter.record(id as u64, now_ns(), payload)?;
//!     submitter.submit_blocking(record)?;
//! }
//! let report = engine.stop();
//! let processed: Vec<_> = receiver.collect();
//!
//! assert_eq!(&processed[0].record.payload[..], b"HELLO");
//! assert_eq!(processed[1].failure().unwrap().stage.as_ref(), "shout");
//! assert_eq!(processed.len(), 3);
//! assert_eq!((report.stats.accepted, report.stats.filtered), (4, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Guarantees
//!
//! - Nothing that was accepted is lost: `accepted = delivered + filtered + rejected + pending` at
//!   every moment, and nothing is pending at the end, whatever panics, and whenever it is stopped.
//!   What is not accepted is given back.
//! - A stage that panics or fails costs the record that it was at, never its neighbours (a stage
//!   over batches: the records that it was shown).
//! - Records of one submitter and one priority come out in their order with one worker, with or
//!   without a thread, and with several if [`ordered`](Builder::ordered) was asked for. Nothing
//!   else is promised about order.
//! - No priority waits for ever: of 16 batches that a worker takes, one is looked for among the
//!   low priority first and three among the usual one.
//! - Bounded: what waits is bounded by the capacities, what payloads take by the memory limit.
//!   A full engine refuses or lets wait, as the submitter chooses.
//! - Nothing is allocated once the pool is warm, but for the failures of rejected records and by
//!   stages themselves.
//!
//! # Limits
//!
//! - A record that is taken up shares its batch's times: the clock is read twice a batch.
//! - Stages work on batches in turn: a slow stage holds up the records of its batch, urgent ones
//!   too. [`batch`](Builder::batch) bounds how many.
//! - With `panic = "abort"` a stage that panics takes the program with it.
//!
//! # How it works
//!
//! ```text
//!              ┌─ high ───┐                                      overflow (only while stopping)
//!  submitters ─┼─ normal ─┼─▶ workers: take a batch, stages, put ─▶ ring ─▶ receivers
//!              └─ low ────┘        one thread each
//! ```
//!
//! Rings are those of [`pelton_queue::mpmc`] behind [`pelton_queue::wait`]: an idle worker sleeps,
//! a busy one takes what is there, up to its batch, by one claim. Stopping closes the way in;
//! workers drain it, and put what receivers have no room for behind the ring, so that stopping
//! never waits for a receiver.
//!
//! With [`workers(0)`](Builder::workers) the one worker has no thread: whoever finds the ring out
//! empty lends it theirs. Then all wait at one place, for records and for results alike.

mod builder;
mod clock;
mod control;
mod embedded;
mod inline;
mod lanes;
mod order;
mod outbox;
mod receiver;
mod record;
mod records;
mod sql;
mod stage;
mod stats;
mod submitter;
mod worker;

pub use builder::Builder;
pub use clock::now_ns;
pub use embedded::Embedded;
pub use receiver::Receiver;
pub use record::{Failure, FailureKind, Outcome, Processed, Record};
pub use records::Records;
pub use stats::{Latency, Report, StageStats, Stats};
pub use submitter::Submitter;
pub use worker::OnRejected;

pub use crate::plan::{FormatName, StagePlan};
pub use pelton_pool::OverBudget;
pub use pelton_queue::{Closed, PopError, PushError};
pub use pelton_sched::Priority;
