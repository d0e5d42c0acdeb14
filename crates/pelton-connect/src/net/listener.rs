//! The one door to all kinds of listeners.

use std::fmt;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;

use super::sockets::{self, Accept, TcpDoor, UnixDoor};
use super::{Address, ListenOptions, Stop, stdin};
use crate::Error;
use crate::stream::Intake;

/// Brings what comes at one address to the engine.
pub struct Listener {
    options: ListenOptions,
    kind: Kind,
}

enum Kind {
    Tcp(TcpDoor),
    Unix(UnixDoor),
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
        let kind = match &options.address {
            Address::Tcp(host) => Kind::Tcp(TcpDoor::bind(host).await?),
            Address::Unix(path) => Kind::Unix(UnixDoor::bind(path)?),
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
            Kind::Tcp(door) => door.local_addr(),
            Kind::Unix(_) | Kind::Reader(_) => None,
        }
    }

    /// What messages call it: `tcp://127.0.0.1:9000`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.local_addr() {
            Some(address) => Address::Tcp(address.to_string()).to_string(),
            None => self.options.address.to_string(),
        }
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
        match self.kind {
            Kind::Tcp(door) => serve(door, name, self.options, intake, stop).await,
            Kind::Unix(door) => serve(door, name, self.options, intake, stop).await,
            Kind::Reader(reader) => stdin::run(reader, name, &self.options, intake, stop).await,
        }
    }
}

async fn serve(
    door: impl Accept,
    name: String,
    options: ListenOptions,
    intake: Arc<dyn Intake>,
    stop: Stop,
) {
    sockets::Server::new(name, options, intake, stop)
        .run(door)
        .await;
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.name()).finish()
    }
}
