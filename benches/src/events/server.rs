//! The servers that are measured, each a process of its own.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::files::{Usage, usage};

/// Which server.
#[derive(Clone, Debug)]
pub(super) enum Program {
    /// Ours, at this path.
    Pelton(PathBuf),
    /// The one that does this job alone.
    Floor,
}

/// Where the server writes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Output<'a> {
    File(&'a Path),
    Tcp(SocketAddr),
}

impl Program {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Pelton(_) => "pelton",
            Self::Floor => "minimal server",
        }
    }

    pub(super) const fn is_ours(&self) -> bool {
        matches!(self, Self::Pelton(_))
    }

    fn command(&self, address: SocketAddr, output: Output<'_>, kind: &str) -> io::Result<Command> {
        let mut command = match self {
            Self::Pelton(path) => {
                let mut command = Command::new(path);
                command.args(["serve", "--quiet", "--schema", "type=string"]);
                command.args(["--filter", &format!("type = '{kind}'")]);
                command.args(["--listen", &address.to_string()]);
                match output {
                    Output::File(path) => command.arg("--out").arg(path),
                    Output::Tcp(to) => command.arg("--set").arg(format!("sink.url=tcp:{to}")),
                };
                command
            }
            Self::Floor => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args([super::FLOOR, &address.to_string(), kind]);
                match output {
                    Output::File(path) => command.arg(path),
                    Output::Tcp(to) => command.arg(to.to_string()),
                };
                command
            }
        };
        command.stdout(Stdio::null()).stdin(Stdio::null());
        Ok(command)
    }

    /// Starts it, and waits until it listens.
    pub(super) fn start(&self, output: Output<'_>, kind: &str) -> Result<Server, String> {
        let fault = |error: io::Error| format!("{}: {error}", self.name());
        // A port that was free a moment ago.
        let free = TcpListener::bind("127.0.0.1:0").map_err(fault)?;
        let address = free.local_addr().map_err(fault)?;
        drop(free);
        let mut command = self.command(address, output, kind).map_err(fault)?;
        let mut child = command.spawn().map_err(fault)?;
        let patience = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            if Instant::now() > patience || child.try_wait().map_err(fault)?.is_some() {
                return Err(format!("{} does not listen", self.name()));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(Server { child, address })
    }
}

/// A running server; killed when dropped.
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Server {
    /// Ends it, and tells what it cost.
    pub(super) fn end(mut self) -> Result<Usage, String> {
        self.child.kill().map_err(|error| error.to_string())?;
        usage(&self.child).map_err(|error| error.to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended already, unless something went wrong; nobody is left to tell.
        let _ = self.child.kill();
    }
}
