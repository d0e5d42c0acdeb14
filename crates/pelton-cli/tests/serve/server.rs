//! A server as a process, and what is asked of it from outside.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;

use serde_json::Value;

/// A server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) errors: BufReader<ChildStderr>,
    pub(crate) addresses: Vec<String>,
    /// Where it tells how it stands, if it was told to.
    admin: Option<String>,
}

impl Server {
    /// Starts `pelton serve` with `arguments`, and waits until it listens.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_as(Command::new(env!("CARGO_BIN_EXE_pelton")), arguments)
    }

    /// The same in a shell that has done `preparation`, such as setting a limit.
    pub(crate) fn start_limited(preparation: &str, arguments: &[&str]) -> Self {
        let mut shell = Command::new("sh");
        let script = format!("{preparation}; exec \"$0\" \"$@\"");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_pelton")]);
        Self::start_as(shell, arguments)
    }

    fn start_as(mut command: Command, arguments: &[&str]) -> Self {
        command.arg("serve").args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let listening = line_after(&mut errors, "listening on ");
        let addresses = listening.split(", ").map(str::to_owned).collect();
        let mut server = Self {
            child,
            errors,
            addresses,
            admin: None,
        };
        if arguments.contains(&"--admin") {
            server.hear_of_admin();
        }
        server
    }

    /// Starts one whose plan says where it tells how it stands.
    pub(crate) fn start_admin(arguments: &[&str]) -> Self {
        let mut server = Self::start(arguments);
        server.hear_of_admin();
        server
    }

    fn hear_of_admin(&mut self) {
        self.admin = Some(line_after(&mut self.errors, "health on http://"));
    }

    /// The host and port of the listener whose address begins with `scheme`.
    pub(crate) fn door(&self, scheme: &str) -> &str {
        let mut addresses = self.addresses.iter();
        let door = addresses.find_map(|address| address.strip_prefix(scheme));
        door.unwrap_or_else(|| panic!("{scheme} of {:?}", self.addresses))
    }

    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(self.door("tcp://")).unwrap()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let killed = Command::new("kill").args([signal, &id]).status();
        assert!(killed.unwrap().success());
    }

    /// The process, for who sets its limits.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it says at `/stats`.
    pub(crate) fn stats(&self) -> Value {
        let admin = self.admin.as_ref().expect("--admin 127.0.0.1:0");
        let mut stream = TcpStream::connect(admin).unwrap();
        let request = "GET /stats HTTP/1.1\r\nhost: server\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }

    /// The sum over all lanes of what `/stats` says under `key`.
    pub(crate) fn count(&self, key: &str) -> u64 {
        let stats = self.stats();
        let lanes = stats["lanes"].as_array().unwrap();
        lanes.iter().map(|lane| lane[key].as_u64().unwrap()).sum()
    }

    /// Waits until `/stats` says at least `count` under `key`.
    pub(crate) fn wait_for(&self, key: &str, count: u64) {
        while self.count(key) < count {
            thread::yield_now();
        }
    }

    /// Waits until the stream whose name begins with `start` is committed up to `position`.
    pub(crate) fn wait_for_position(&self, start: &str, position: u64) {
        let reached = || {
            let stats = self.stats();
            let mut positions = stats["positions"].as_object().unwrap().iter();
            let found = positions.find(|(name, _)| name.starts_with(start));
            found.and_then(|(_, position)| position.as_u64())
        };
        while reached() < Some(position) {
            thread::yield_now();
        }
    }

    /// The most memory that it ever had resident, in KiB.
    pub(crate) fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        peak.trim_end_matches("kB").trim().parse().unwrap()
    }

    /// Asks it to end; its exit code, and what it said on standard error.
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        self.signal("-TERM");
        let mut said = String::new();
        self.errors.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What stands behind `words` on the next line that has them.
fn line_after(errors: &mut BufReader<ChildStderr>, words: &str) -> String {
    let mut said = String::new();
    loop {
        let start = said.len();
        let read = errors.read_line(&mut said).unwrap();
        assert!(read > 0, "it said {said:?}");
        if let Some((_, rest)) = said[start..].split_once(words) {
            return rest.trim().to_owned();
        }
    }
}
