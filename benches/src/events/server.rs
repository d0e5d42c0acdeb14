//! The servers that are measured, each a process of its own.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::files::{Usage, spawn, usage};

/// Which server.
#[derive(Clone, Debug)]
pub(super) enum Program {
    /// Ours, at this path.
    Pelton(PathBuf),
    /// The one that does this job alone.
    Floor,
    /// The distribution's, at this path.
    Rsyslog(PathBuf),
}

/// What the server is to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job<'a> {
    pub(super) input: Input<'a>,
    pub(super) output: Output<'a>,
    /// The type of the events that are kept.
    pub(super) kind: &'a str,
    /// Events with an id that came before are left out.
    pub(super) dedup: bool,
}

/// Where events come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Input<'a> {
    Tcp,
    Tail(&'a Path),
}

/// Where the server writes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Output<'a> {
    File(&'a Path),
    Tcp(SocketAddr),
}

/// So many ids are remembered at the least.
const WINDOW: u64 = 1_000_000;

/// What ours may take for data: blocks that wait, and the ids that are remembered.
const LIMIT: &str = "8MB";
const LIMIT_OF_DEDUP: &str = "38MB";

impl Program {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Pelton(_) => "pelton",
            Self::Floor => "minimal server",
            Self::Rsyslog(_) => "rsyslog",
        }
    }

    pub(super) const fn is_ours(&self) -> bool {
        matches!(self, Self::Pelton(_))
    }

    /// rsyslog, where it is installed.
    pub(super) fn rsyslog() -> Option<Self> {
        let places = ["/usr/sbin/rsyslogd", "/sbin/rsyslogd", "/usr/bin/rsyslogd"];
        let place = places.iter().map(PathBuf::from).find(|path| path.exists());
        place.map(Self::Rsyslog)
    }

    fn command(&self, address: SocketAddr, job: &Job<'_>, folder: &Path) -> io::Result<Command> {
        let mut command = match self {
            Self::Pelton(path) => {
                let plan = folder.join("plan.toml");
                fs::write(&plan, job.plan(address))?;
                let mut command = Command::new(path);
                command.args(["serve", "--quiet"]).arg(plan);
                command
            }
            Self::Floor => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg(super::FLOOR).args(job.words(address));
                command
            }
            Self::Rsyslog(path) => {
                let rules = folder.join("rsyslog.conf");
                fs::write(&rules, job.rules(address, folder))?;
                let mut command = Command::new(path);
                command.arg("-n").arg("-f").arg(rules);
                command.arg("-i").arg(folder.join("pid"));
                command
            }
        };
        command.stdout(Stdio::null()).stdin(Stdio::null());
        Ok(command)
    }

    /// Starts it, and waits until it listens, if it is to.
    pub(super) fn start(&self, job: &Job<'_>) -> Result<Server, String> {
        let fault = |error: io::Error| format!("{}: {error}", self.name());
        // A port that was free a moment ago.
        let free = TcpListener::bind("127.0.0.1:0").map_err(fault)?;
        let address = free.local_addr().map_err(fault)?;
        drop(free);
        let folder = tempfile::tempdir().map_err(fault)?;
        let mut command = self.command(address, job, folder.path()).map_err(fault)?;
        let child = spawn(&mut command).map_err(fault)?;
        let mut server = Server {
            child,
            address,
            _folder: folder,
        };
        let patience = Instant::now() + Duration::from_secs(10);
        let listens = matches!(job.input, Input::Tcp);
        while listens && TcpStream::connect(address).is_err() {
            if Instant::now() > patience || server.child.try_wait().map_err(fault)?.is_some() {
                return Err(format!("{} does not listen", self.name()));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(server)
    }
}

impl Job<'_> {
    /// For ours.
    fn plan(&self, address: SocketAddr) -> String {
        let listen = match self.input {
            Input::Tcp => format!("tcp://{address}"),
            Input::Tail(path) => format!("tail://{}", path.display()),
        };
        let sink = match self.output {
            Output::File(path) => format!("path = \"{}\"", path.display()),
            Output::Tcp(to) => format!("url = \"tcp:{to}\""),
        };
        let limit = if self.dedup { LIMIT_OF_DEDUP } else { LIMIT };
        let mut plan = format!(
            "[source]\nlisten = [\"{listen}\"]\nschema = {{ id = \"int64\", type = \"string\" }}\n\
             [engine]\nmemory_limit = \"{limit}\"\n[sink]\n{sink}\n"
        );
        if self.dedup {
            // Writing to a string cannot fail.
            let _ = writeln!(
                plan,
                "[[stage]]\ndedup = {{ key = [\"id\"], window = {WINDOW} }}"
            );
        }
        let _ = writeln!(plan, "[[stage]]\nfilter = \"type = '{}'\"", self.kind);
        plan
    }

    /// For the minimal one.
    fn words(&self, address: SocketAddr) -> [String; 4] {
        let input = match self.input {
            Input::Tcp => address.to_string(),
            Input::Tail(path) => path.display().to_string(),
        };
        let output = match self.output {
            Output::File(path) => path.display().to_string(),
            Output::Tcp(to) => to.to_string(),
        };
        let dedup = if self.dedup { "dedup" } else { "all" };
        [input, self.kind.to_owned(), output, dedup.to_owned()]
    }

    /// For rsyslog, which takes messages as they are and looks for the type as text.
    fn rules(&self, address: SocketAddr, folder: &Path) -> String {
        let action = match self.output {
            Output::File(path) => format!("type=\"omfile\" file=\"{}\"", path.display()),
            Output::Tcp(to) => format!(
                "type=\"omfwd\" target=\"{}\" port=\"{}\" protocol=\"tcp\"",
                to.ip(),
                to.port()
            ),
        };
        format!(
            "global(workDirectory=\"{}\" parser.escapeControlCharactersOnReceive=\"off\")\n\
             module(load=\"imtcp\")\n\
             template(name=\"raw\" type=\"string\" string=\"%rawmsg%\\n\")\n\
             ruleset(name=\"events\") {{\n\
             if $rawmsg contains '\"type\":\"{}\"' then action({action} template=\"raw\")\n\
             }}\n\
             input(type=\"imtcp\" address=\"{}\" port=\"{}\" ruleset=\"events\")\n",
            folder.display(),
            self.kind,
            address.ip(),
            address.port()
        )
    }
}

/// A running server; killed when dropped.
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
    /// Where its configuration lies, as long as it lives.
    _folder: tempfile::TempDir,
}

impl Server {
    /// The process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it, and tells what it cost.
    pub(super) fn end(mut self) -> Result<Usage, String> {
        let peak_kib = self.peak_kib();
        self.child.kill().map_err(|error| error.to_string())?;
        let usage = usage(&self.child).map_err(|error| error.to_string())?;
        Ok(Usage { peak_kib, ..usage })
    }

    /// The most memory that it had resident, in KiB. What `wait4` tells counts the runner's own
    /// memory, in which the child was for a moment before it became the server.
    fn peak_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let digits = peak.map(|peak| peak.trim().trim_end_matches(" kB"));
        digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended already, unless something went wrong; nobody is left to tell.
        let _ = self.child.kill();
    }
}
