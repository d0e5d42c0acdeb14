//! Certificates and keys out of PEM files. An error names the file and what was expected in it.

use std::fs;
use std::path::Path;

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::{Error, ErrorKind};

/// All certificates of a file, at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let pem = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(certificates) if certificates.is_empty() => {
            let message = "holds no certificate; expected PEM with `-----BEGIN CERTIFICATE-----`";
            Err(unusable(path, message))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(unusable(path, format!("is damaged PEM: {error}"))),
    }
}

/// The first private key of a file.
pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let found = PrivateKeyDer::from_pem_slice(&read(path)?);
    found.map_err(|error| match error {
        PemError::NoItemsFound => {
            let message = "holds no private key; expected PEM with `-----BEGIN PRIVATE KEY-----` \
                           (PKCS#8, or RSA or EC of the older kind), not encrypted";
            unusable(path, message)
        }
        error => unusable(path, format!("is damaged PEM: {error}")),
    })
}

/// The certificates of a file as those that others must be signed by.
pub(super) fn roots(path: &Path) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for (index, certificate) in certificates(path)?.into_iter().enumerate() {
        roots.add(certificate).map_err(|error| {
            let number = index + 1;
            unusable(
                path,
                format!("certificate {number} cannot sign others: {error}"),
            )
        })?;
    }
    Ok(roots)
}

/// Says why what `path` holds cannot be used.
pub(super) fn unusable(path: &Path, message: impl ToString) -> Error {
    Error::new(ErrorKind::Tls, &path.display().to_string(), message)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| Error::io(&path.display().to_string(), &error))
}
