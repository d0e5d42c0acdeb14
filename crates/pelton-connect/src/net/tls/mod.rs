//! TLS for the sockets of listeners and of the client, by rustls.
//!
//! # Guarantees
//!
//! - TLS 1.3 and 1.2, with the cryptography of ring. Nothing older, and no suite that rustls thinks
//!   weak.
//! - A handshake is bounded in time, and so is how many go on at once
//!   ([`ListenLimits`](super::ListenLimits)). One that fails is counted, and told of once a minute.
//! - An end that the peer did not announce (`close_notify`) is a failure: whoever cuts a connection
//!   cannot make half a record look like a whole one.
//!
//! # Limits
//!
//! - Sessions are not resumed: each connection proves itself anew, so that a changed
//!   `client_ca` holds for all that come after it. It costs a signature a connection.
//! - No lists of revoked certificates are looked at; use certificates that live shortly.

mod client;
mod handshake;
mod pem;
mod refusal;
mod server;
mod wire;

use std::sync::Arc;

use tokio_rustls::rustls::crypto::{CryptoProvider, ring};

pub(super) use client::Stream;
pub use client::{ClientTls, ClientTlsFiles};
pub(super) use handshake::Handshakes;
pub(super) use refusal::{explained, is_final};
pub use server::{ServerTls, ServerTlsFiles};
pub(super) use wire::Secured;

/// The one kind of cryptography, whatever else the program has.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
