//! The options of sending over TLS.

use std::path::PathBuf;

use clap::Args;
use pelton::connect::net::{ClientTls, ClientTlsFiles};

use crate::command::message;

#[derive(Debug, Args)]
pub(crate) struct Secure {
    /// Send over TLS.
    #[arg(long, requires = "to")]
    tls: bool,
    /// Believe servers whose certificate is signed by one of this PEM file; without it those that
    /// browsers believe.
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca: Option<PathBuf>,
    /// Show the server this certificate, a PEM file.
    #[arg(long, value_name = "FILE", requires_all = ["tls", "key"])]
    cert: Option<PathBuf>,
    /// The private key of --cert, a PEM file.
    #[arg(long, value_name = "FILE", requires_all = ["tls", "cert"])]
    key: Option<PathBuf>,
    /// The name in the server's certificate, where it is not the host of --to.
    #[arg(long, value_name = "NAME", requires = "tls")]
    server_name: Option<String>,
}

impl Secure {
    /// How to speak TLS, if it shall be.
    pub(crate) fn load(&self) -> Result<Option<ClientTls>, String> {
        if !self.tls {
            return Ok(None);
        }
        let files = ClientTlsFiles {
            ca: self.ca.clone(),
            identity: self.cert.clone().zip(self.key.clone()),
            server_name: self.server_name.clone(),
        };
        ClientTls::load(&files).map(Some).map_err(message)
    }
}
