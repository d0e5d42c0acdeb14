//! What a listener shows to those who connect, and demands of them.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};

use super::{pem, provider};
use crate::Error;

/// The PEM files of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTlsFiles {
    /// The server's certificate, and behind it those between it and the authority that clients
    /// know.
    pub cert: PathBuf,
    /// The private key that goes with it, not encrypted.
    pub key: PathBuf,
    /// The authorities of which one must have signed a client's certificate; `None` asks clients
    /// for none.
    pub client_ca: Option<PathBuf>,
}

/// A server's certificate with its key, and who may come. Clones share both, so that listeners
/// which run are given [others](Self::replace).
///
/// ```
/// use pelton_connect::net::{ServerTls, ServerTlsFiles};
///
/// let files = ServerTlsFiles {
///     cert: "/none/server.pem".into(),
///     key: "/none/server.key".into(),
///     client_ca: None,
/// };
/// let error = ServerTls::load(&files).unwrap_err();
/// assert_eq!(error.to_string(), "/none/server.pem: no such file or directory");
/// ```
#[derive(Clone)]
pub struct ServerTls {
    config: Arc<Mutex<Arc<ServerConfig>>>,
}

impl ServerTls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// When one cannot be read or holds nothing of its kind, and when the key is not that of the
    /// certificate. The message begins with the file.
    pub fn load(files: &ServerTlsFiles) -> Result<Self, Error> {
        let config = Arc::new(Mutex::new(Arc::new(config(files)?)));
        Ok(Self { config })
    }

    /// Takes over what `other` has: connections from now on are greeted with that, open ones stay
    /// as they are.
    pub fn replace(&self, other: &Self) {
        let config = other.config();
        *self.lock() = config;
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Arc<ServerConfig>> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ServerTls {
    /// Shows nothing: there is a key in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

fn config(files: &ServerTlsFiles) -> Result<ServerConfig, Error> {
    let chain = pem::certificates(&files.cert)?;
    let key = pem::key(&files.key)?;
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| pem::unusable(&files.cert, error))?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(pem::roots(path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
            builder.with_client_cert_verifier(verifier.map_err(|it| pem::unusable(path, it))?)
        }
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| {
        let key = files.key.display();
        pem::unusable(
            &files.cert,
            format!("does not go with the key in {key}: {error}"),
        )
    })?;
    // A ticket that nobody reads is worse than none: a sender of lines that closes with one unread
    // resets the connection, and the system drops what it had sent and we had not read.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}
