//! Authorities, and the certificates that they sign, made anew for each test.

use std::fs;
use std::path::PathBuf;

use pelton_connect::net::{ClientTls, ClientTlsFiles, ServerTls, ServerTlsFiles};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// Signs certificates, and keeps everything in files of a folder of its own.
pub(crate) struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("signed");
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("ca.pem"), certificate.pem()).expect("written");
        let issuer = Issuer::new(params, key);
        Self { folder, issuer }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its own certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// A certificate made out to `name`, and its key.
    pub(crate) fn sign(&self, name: &str) -> (PathBuf, PathBuf) {
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        let paths = (
            self.path(&format!("{name}.pem")),
            self.path(&format!("{name}.key")),
        );
        fs::write(&paths.0, certificate.pem()).expect("written");
        fs::write(&paths.1, key.serialize_pem()).expect("written");
        paths
    }

    /// A server at 127.0.0.1, which wants certificates of `clients` where there is such a one.
    pub(crate) fn server(&self, clients: Option<&Self>) -> ServerTls {
        let (cert, key) = self.sign("127.0.0.1");
        let client_ca = clients.map(Self::ca);
        let files = ServerTlsFiles {
            cert,
            key,
            client_ca,
        };
        ServerTls::load(&files).expect("certificates")
    }

    /// A client that believes this authority, with a certificate of `signer`'s.
    pub(crate) fn client(&self, signer: Option<&Self>) -> ClientTls {
        let files = ClientTlsFiles {
            ca: Some(self.ca()),
            identity: signer.map(|signer| signer.sign("a-client")),
            ..ClientTlsFiles::default()
        };
        ClientTls::load(&files).expect("certificates")
    }
}
