//! Where a listener listens.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where records come from, as `SCHEME://PLACE`.
///
/// | written | means |
/// |---|---|
/// | `:9000`, `tcp://:9000` | TCP on 127.0.0.1, port 9000 |
/// | `0.0.0.0:9000`, `tcp://[::]:9000` | TCP on all interfaces |
/// | `unix:///run/app.sock` | a Unix socket |
/// | `udp://:9000` | datagrams |
/// | `acked://:9000` | TCP with acknowledgement, as in `docs/PROTOCOL.md` |
/// | `http://:9000` | `POST /ingest`; needs the feature `http` |
/// | `tail:///var/log/app*.log` | files that grow; `*`, `?`, `[...]` and `**` are patterns |
/// | `-`, `stdin` | standard input |
///
/// ```
/// use pelton_connect::net::Address;
///
/// let address: Address = ":9000".parse()?;
/// assert_eq!(address, Address::Tcp("127.0.0.1:9000".to_owned()));
/// assert_eq!(address.to_string(), "tcp://127.0.0.1:9000");
/// # Ok::<(), pelton_connect::net::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// Host and port.
    Tcp(String),
    /// The path of a socket file, which is made, and removed at the end.
    Unix(PathBuf),
    /// Host and port for datagrams.
    Udp(String),
    /// Host and port for records in HTTP requests.
    Http(String),
    /// Host and port for records with acknowledgement.
    Acked(String),
    /// A path or pattern of files that grow.
    Tail(String),
    /// Standard input.
    Stdin,
}

/// Why a text is no [`Address`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError {
    text: String,
    expected: &'static str,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}", self.text, self.expected)
    }
}

impl std::error::Error for AddressError {}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let refuse = |expected| AddressError {
            text: text.to_owned(),
            expected,
        };
        let (scheme, place) = match text.split_once("://") {
            Some(split) => split,
            None if text == "-" || text == "stdin" => return Ok(Self::Stdin),
            None => ("tcp", text),
        };
        let path = || match place {
            "" => Err(refuse("a path, as in unix:///run/app.sock")),
            path => Ok(PathBuf::from(path)),
        };
        let host =
            || host_and_port(place).ok_or_else(|| refuse("HOST:PORT, or :PORT for 127.0.0.1"));
        match scheme {
            "tcp" => host().map(Self::Tcp),
            "unix" => path().map(Self::Unix),
            "udp" => host().map(Self::Udp),
            "http" => host().map(Self::Http),
            "acked" => host().map(Self::Acked),
            "tail" if place.is_empty() => Err(refuse("a path, as in tail:///var/log/app.log")),
            "tail" => Ok(Self::Tail(place.to_owned())),
            "stdin" => Ok(Self::Stdin),
            _ => Err(refuse(
                "one of tcp://, udp://, unix://, http://, acked://, tail://, stdin",
            )),
        }
    }
}

/// `place` with the host that is meant where none is written.
fn host_and_port(place: &str) -> Option<String> {
    let (host, port) = place.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    Some(format!("{host}:{port}"))
}

impl Address {
    /// True where TLS can be spoken: `tcp://`, `http://` and `acked://`.
    #[must_use]
    pub const fn may_be_secured(&self) -> bool {
        matches!(self, Self::Tcp(_) | Self::Http(_) | Self::Acked(_))
    }

    /// This address with the host and port that were had.
    pub(super) fn with_host(&self, had: String) -> Self {
        match self {
            Self::Tcp(_) => Self::Tcp(had),
            Self::Udp(_) => Self::Udp(had),
            Self::Http(_) => Self::Http(had),
            Self::Acked(_) => Self::Acked(had),
            Self::Unix(_) | Self::Tail(_) | Self::Stdin => self.clone(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host) => write!(f, "tcp://{host}"),
            Self::Udp(host) => write!(f, "udp://{host}"),
            Self::Http(host) => write!(f, "http://{host}"),
            Self::Acked(host) => write!(f, "acked://{host}"),
            Self::Tail(pattern) => write!(f, "tail://{pattern}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Stdin => f.write_str("stdin"),
        }
    }
}
