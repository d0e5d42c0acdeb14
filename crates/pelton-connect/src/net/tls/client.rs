//! What a client demands of a server, and shows it.

use std::fmt;
use std::io;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{explained, pem, provider};
use crate::{Error, ErrorKind};

/// A server answers within this time while hands are shaken.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that blocks, behind its handshake.
pub(in crate::net) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// The PEM files of a client, and whom it expects. By default the authorities of the Mozilla
/// project are believed, and nothing is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTlsFiles {
    /// The authorities of which one must have signed the server's certificate, or that certificate
    /// itself; `None` takes those of the Mozilla project, as they were when this was built.
    pub ca: Option<PathBuf>,
    /// The client's certificate and its private key, for servers that ask for them.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The name or address that the server's certificate must be made out to; `None`: the host
    /// that is connected to.
    pub server_name: Option<String>,
}

/// Whom a client believes, and who it is.
#[derive(Clone)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
    name: Option<ServerName<'static>>,
}

impl ClientTls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// When one cannot be read or holds nothing of its kind, when the key is not that of the
    /// certificate, and when the server's name is none. The message begins with the file or the
    /// name.
    pub fn load(files: &ClientTlsFiles) -> Result<Self, Error> {
        let name = files.server_name.as_deref().map(server_name).transpose();
        Ok(Self {
            config: Arc::new(config(files)?),
            name: name.map_err(|error| {
                let name = files.server_name.as_deref().unwrap_or_default();
                Error::new(ErrorKind::Tls, name, error)
            })?,
        })
    }

    /// Shakes hands over `stream`, which is connected to `address`.
    pub(in crate::net) fn shake(&self, mut stream: TcpStream, address: &str) -> io::Result<Stream> {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => server_name(host(address))
                .map_err(|expected| io::Error::new(io::ErrorKind::InvalidInput, expected))?,
        };
        let session = ClientConnection::new(self.config.clone(), name);
        let mut session = session.map_err(io::Error::other)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        while session.is_handshaking() {
            session.complete_io(&mut stream).map_err(in_handshake)?;
        }
        stream.set_read_timeout(None)?;
        Ok(StreamOwned::new(session, stream))
    }
}

impl fmt::Debug for ClientTls {
    /// Shows no more than the name: there may be a key in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

fn config(files: &ClientTlsFiles) -> Result<ClientConfig, Error> {
    let roots = match &files.ca {
        Some(path) => pem::roots(path)?,
        None => RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(ErrorKind::Tls, "TLS", error))?
        .with_root_certificates(roots);
    let Some((cert, key)) = &files.identity else {
        return Ok(builder.with_no_client_auth());
    };
    let (chain, secret) = (pem::certificates(cert)?, pem::key(key)?);
    builder
        .with_client_auth_cert(chain, secret)
        .map_err(|error| {
            let key = key.display();
            pem::unusable(cert, format!("does not go with the key in {key}: {error}"))
        })
}

/// What went wrong while hands were shaken.
fn in_handshake(error: io::Error) -> io::Error {
    match error.kind() {
        // What the system says when a read took too long.
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => explained(error),
    }
}

fn server_name(host: &str) -> Result<ServerName<'static>, &'static str> {
    let name = ServerName::try_from(host.to_owned());
    name.map_err(|_| "expected the name or the address of a server, as its certificate has it")
}

/// The host of `HOST:PORT`.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}
