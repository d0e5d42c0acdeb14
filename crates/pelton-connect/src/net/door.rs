//! Where connections come in.

use std::fs;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::connection::Wire;
use crate::{Error, ErrorKind};

/// After so long without a word the system asks whether a peer is there.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// So often, in this many seconds each, before the peer counts as gone.
const KEEPALIVE_ASKS: u32 = 4;
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);

/// So many may wait to be let in, or fewer where the system says so (`net.core.somaxconn`). Who is
/// one too many is not told so, and tries again after a second, then three: at tokio's 1024, ten
/// thousand at once took half a minute.
const WAITING_MAX: i32 = 16 << 10;

/// Where connections come in.
pub(super) trait Accept: Send + Sync + 'static {
    type Wire: Wire + 'static;

    /// The next connection, and who it is.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Wire, String)>> + Send;
}

/// Lets TCP connections in.
pub(super) struct TcpDoor {
    listener: TcpListener,
}

impl TcpDoor {
    pub(super) async fn bind(host: &str, name: &str) -> Result<Self, Error> {
        let listener = TcpListener::bind(host).await;
        let listener = listener.map_err(|error| refused(name, &error))?;
        // Said once more, the number of those who may wait is changed.
        let waiting = SockRef::from(&listener).listen(WAITING_MAX);
        waiting.map_err(|error| refused(name, &error))?;
        Ok(Self { listener })
    }

    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }
}

impl Accept for TcpDoor {
    type Wire = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, String)> {
        let (stream, peer) = self.listener.accept().await?;
        let keepalive = TcpKeepalive::new()
            .with_time(KEEPALIVE)
            .with_interval(KEEPALIVE_EVERY)
            .with_retries(KEEPALIVE_ASKS);
        // A connection without it is still a connection.
        let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
        Ok((stream, peer.to_string()))
    }
}

/// Lets connections in through a socket file, which is removed at the end.
pub(super) struct UnixDoor {
    listener: UnixListener,
    path: PathBuf,
}

impl UnixDoor {
    pub(super) fn bind(path: &Path) -> Result<Self, Error> {
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path) => {
                fs::remove_file(path).and_then(|()| UnixListener::bind(path))
            }
            bound => bound,
        };
        let place = format!("unix://{}", path.display());
        let listener = listener.map_err(|error| refused(&place, &error))?;
        let path = path.to_owned();
        Ok(Self { listener, path })
    }
}

/// True for a socket file behind which nobody listens any more.
fn is_abandoned(path: &Path) -> bool {
    let socket = path
        .metadata()
        .is_ok_and(|file| file.file_type().is_socket());
    let knock = || std::os::unix::net::UnixStream::connect(path);
    socket && knock().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

impl Accept for UnixDoor {
    type Wire = UnixStream;

    async fn accept(&self) -> io::Result<(UnixStream, String)> {
        let (stream, _) = self.listener.accept().await?;
        let process = stream.peer_cred().ok().and_then(|peer| peer.pid());
        let peer = process.map_or_else(|| "a process".to_owned(), |id| format!("process {id}"));
        Ok((stream, peer))
    }
}

impl Drop for UnixDoor {
    fn drop(&mut self) {
        // Whoever binds next removes it too.
        let _ = fs::remove_file(&self.path);
    }
}

/// Why an address could not be had, and what to do about it.
pub(super) fn refused(place: &str, error: &io::Error) -> Error {
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => "already in use; stop who listens there, or take another",
        io::ErrorKind::PermissionDenied => {
            "permission denied; ports below 1024 are root's, and a socket file needs a folder that \
             may be written"
        }
        io::ErrorKind::AddrNotAvailable => "is no address of this machine",
        _ => return Error::io(place, error),
    };
    Error::new(ErrorKind::Io(error.kind()), place, remedy)
}
