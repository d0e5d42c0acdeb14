//! Listeners: records that come by themselves, over sockets, in growing files, on standard input.
//!
//! A [`Listener`] is bound to an [`Address`] and brings what comes to an
//! [`Intake`](crate::stream::Intake), in blocks of whole records as the format's framer cuts them.
//! It runs on the tokio runtime it is awaited on.
//!
//! # Guarantees
//!
//! - A connection that waits holds no buffer: nothing is leased before there is something to read.
//! - A listener reads on only when the engine took what was read. A full engine is felt by the
//!   sender.
//! - Batches are what was there: nothing waits for more to come, unless the runtime has
//!   [turns](crate::stream::turn) and rests between them.
//! - Everything that a peer controls is bounded by [`ListenLimits`] and counted by [`Metrics`].
//! - Only 127.0.0.1 is listened on unless an address says otherwise.
//! - With the feature `tls` the TCP sockets speak TLS where [`ListenOptions`] have a certificate.
//!
//! # Limits
//!
//! - Plain sockets acknowledge nothing: what was on its way when a process died is lost. Files that
//!   grow and `acked://` lose nothing: their [streams](crate::stream::Stream) go on where they were.
//! - The system drops datagrams that come faster than they are read, and counts them itself.
//! - CSV is taken without a header.
//!
//! # Example
//!
//! ```no_run
//! # async fn example(engine: std::sync::Arc<dyn pelton_connect::stream::Intake>)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use pelton_connect::net::{ListenOptions, Listener, Stop};
//! use pelton_format::Ndjson;
//!
//! let options = ListenOptions::new(":9000".parse()?, Arc::new(Ndjson::default()));
//! let listener = Listener::bind(options).await?;
//! let (stopper, stop) = Stop::new();
//! listener.run(engine, stop).await; // until somebody calls stopper.stop()
//! # drop(stopper);
//! # Ok(())
//! # }
//! ```

mod acked;
mod address;
mod client;
mod connection;
mod door;
mod feed;
#[cfg(feature = "http")]
mod http;
mod listener;
mod metrics;
mod options;
mod outgoing;
mod pump;
mod server;
mod stdin;
mod stop;
mod tail;
#[cfg(feature = "tls")]
mod tls;
mod token;
mod udp;
mod unfinished;

pub use acked::{BATCH_BYTES_MAX, CLIENT_BYTES_MAX, Fault, VERSION};
pub use address::{Address, AddressError};
pub use client::{Client, ClientError, ClientOptions};
pub use listener::Listener;
pub use metrics::Metrics;
pub use options::{ListenLimits, ListenOptions};
pub use outgoing::Outgoing;
pub use stop::{Stop, Stopper};
#[cfg(feature = "tls")]
pub use tls::{ClientTls, ClientTlsFiles, ServerTls, ServerTlsFiles};
pub use token::BearerToken;
