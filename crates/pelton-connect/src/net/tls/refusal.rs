//! Why a client and a server do not come together, and what to do about it.

use std::error::Error;
use std::fmt;
use std::io;

use tokio_rustls::rustls::{self, AlertDescription, CertificateError};

/// What rustls says, and what that asks for.
#[derive(Debug)]
struct Refusal {
    error: rustls::Error,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        match advice(&self.error) {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

impl Error for Refusal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

/// `error` with what to do, where rustls said it.
pub(in crate::net) fn explained(error: io::Error) -> io::Error {
    let kind = error.kind();
    match error.downcast::<rustls::Error>() {
        Ok(error) => io::Error::new(kind, Refusal { error }),
        Err(error) => error,
    }
}

/// True for what another attempt would not change: a certificate that is not believed, no TLS, or
/// a name that is none.
pub(in crate::net) fn is_final(error: &io::Error) -> bool {
    let refusal = error.get_ref().is_some_and(|inner| inner.is::<Refusal>());
    refusal || error.kind() == io::ErrorKind::InvalidInput
}

fn advice(error: &rustls::Error) -> Option<&'static str> {
    use CertificateError as Certificate;
    Some(match error {
        // Another authority of the same name makes a bad signature.
        rustls::Error::InvalidCertificate(
            Certificate::UnknownIssuer | Certificate::BadSignature,
        ) => "give the authority that signed the server's certificate",
        rustls::Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => "connect to the name in the server's certificate, or say which one is expected",
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the server wants a client's certificate and its key"
        }
        rustls::Error::AlertReceived(
            AlertDescription::UnknownCA | AlertDescription::DecryptError,
        ) => "the server does not know who signed the client's certificate",
        rustls::Error::InvalidMessage(_) => "what answers there does not speak TLS",
        _ => return None,
    })
}
