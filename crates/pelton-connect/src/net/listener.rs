//! The one door to all kinds of listeners.

use std::fmt;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;

#[cfg(feature = "tls")]
use tokio::net::TcpStream;

use super::acked::AckedServer;
use super::door::{Accept, TcpDoor, UnixDoor};
use super::server::{Plain, Serve, Server};
use super::tail::Tail;
#[cfg(feature = "tls")]
use super::tls::{Handshakes, Secured};
use super::udp::UdpDoor;
use super::{Address, ListenOptions, Stop, stdin};
use crate::Error;
#[cfg(not(feature = "http"))]
use crate::ErrorKind;
use crate::stream::Intake;

/// Brings what comes at one address to the engine.
pub struct Listener {
    options: ListenOptions,
    kind: Kind,
}

enum Kind {
    Tcp(TcpDoor),
    #[cfg(feature = "http")]
    Http(TcpDoor),
    Acked(TcpDoor),
    Unix(UnixDoor),
    Udp(UdpDoor),
    Tail(Tail),
    Reader(Box<dyn Read + Send>),
}

impl Listener {
    /// Takes hold of the address. Connections are accepted once it [runs](Self::run); until then
    /// the system lets them wait.
    ///
    /// # Errors
    ///
    /// When the address is in use, may not be used, or names nothing on this machine.
    pub async fn bind(options: ListenOptions) -> Result<Self, Error> {
        let name = options.address.to_string();
        let kind = match &options.address {
            Address::Tcp(host) => Kind::Tcp(TcpDoor::bind(host, &name).await?),
            #[cfg(feature = "http")]
            Address::Http(host) => Kind::Http(TcpDoor::bind(host, &name).await?),
            #[cfg(not(feature = "http"))]
            Address::Http(_) => {
                let kind = ErrorKind::Io(std::io::ErrorKind::Unsupported);
                let message = "this program was built without the feature `http`";
                return Err(Error::new(kind, &name, message));
            }
            Address::Acked(host) => Kind::Acked(TcpDoor::bind(host, &name).await?),
            Address::Udp(host) => Kind::Udp(UdpDoor::bind(host, &name).await?),
            Address::Unix(path) => Kind::Unix(UnixDoor::bind(path)?),
            Address::Tail(pattern) => Kind::Tail(Tail::open(pattern)?),
            Address::Stdin => Kind::Reader(Box::new(std::io::stdin())),
        };
        Ok(Self { options, kind })
    }

    /// Reads `reader` to its end, as standard input is read: in a thread of its own.
    /// The address in `options` is its name.
    pub fn reader(options: ListenOptions, reader: impl Read + Send + 'static) -> Self {
        let kind = Kind::Reader(Box::new(reader));
        Self { options, kind }
    }

    /// The address, with the port that the system chose where port 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match &self.kind {
            Kind::Tcp(door) | Kind::Acked(door) => door.local_addr(),
            #[cfg(feature = "http")]
            Kind::Http(door) => door.local_addr(),
            Kind::Udp(door) => door.local_addr(),
            Kind::Unix(_) | Kind::Tail(_) | Kind::Reader(_) => None,
        }
    }

    /// What messages call it: `tcp://127.0.0.1:9000`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.local_addr() {
            Some(had) => self.options.address.with_host(had.to_string()),
            None => self.options.address.clone(),
        }
        .to_string()
    }

    /// Brings what comes to `intake`, until `stop` is said, the engine is gone, or what is read
    /// has an end. Returns when all it took is handed on; what peers have sent and nobody read is
    /// left.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with its clock and its network enabled.
    pub async fn run(self, intake: Arc<dyn Intake>, stop: Stop) {
        let name = self.name();
        let options = self.options;
        let plain = || Plain {
            options: options.clone(),
            intake: intake.clone(),
        };
        match self.kind {
            Kind::Tcp(door) => serve_tcp(door, name, plain(), options, stop).await,
            Kind::Unix(door) => serve(door, name, plain(), options, stop).await,
            #[cfg(feature = "http")]
            Kind::Http(door) => {
                let service = super::http::Http {
                    options: options.clone(),
                    intake,
                };
                serve_tcp(door, name, service, options, stop).await;
            }
            Kind::Acked(door) => {
                let (limits, metrics) = (options.limits, options.metrics.clone());
                let service = AckedServer::new(intake, limits, metrics);
                serve_tcp(door, name, service, options, stop).await;
            }
            Kind::Udp(door) => door.run(name, options, intake, stop).await,
            Kind::Tail(tail) => tail.run(options, intake, stop).await,
            Kind::Reader(reader) => stdin::run(reader, name, &options, intake, stop).await,
        }
    }
}

#[cfg(not(feature = "tls"))]
use self::serve as serve_tcp;

/// Serves over TLS where the options have a certificate.
#[cfg(feature = "tls")]
async fn serve_tcp(
    door: TcpDoor,
    name: String,
    service: impl Serve<TcpStream> + Serve<Secured>,
    options: ListenOptions,
    stop: Stop,
) {
    match options.tls.clone() {
        None => serve(door, name, service, options, stop).await,
        Some(tls) => {
            let service = Handshakes::new(service, tls, &options.limits);
            serve(door, name, service, options, stop).await;
        }
    }
}

async fn serve<D: Accept>(
    door: D,
    name: String,
    service: impl Serve<D::Wire>,
    options: ListenOptions,
    stop: Stop,
) {
    let server = Server {
        name,
        options,
        service: Arc::new(service),
        stop,
    };
    server.run(door).await;
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.name()).finish()
    }
}
