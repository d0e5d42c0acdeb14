//! A PostgreSQL of a test's own: the distribution's programs, a data folder and a socket in a
//! temporary folder.
#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "what is skipped is said aloud"
)]

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A running server; stopped, and its folder removed, when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    programs: PathBuf,
    folder: TempDir,
}

impl Server {
    /// Starts one; `None` where PostgreSQL is not installed, which is said aloud, and is a failure
    /// where `CI` is set.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(env::var_os("CI").is_none(), "PostgreSQL is not installed");
            eprintln!("skipped: PostgreSQL is not installed (Debian: postgresql)");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        // The server runs as somebody else when the test is root's.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        let server = Self { programs, folder };
        let data = server.data();
        server.run(
            "initdb",
            &["-D", &data, "-A", "trust", "-U", "test", "--no-sync"],
        );
        server.begin();
        Some(server)
    }

    /// The address, as a store takes it.
    pub(crate) fn url(&self) -> String {
        format!(
            "host={} user=test dbname=postgres",
            self.folder.path().display()
        )
    }

    /// Starts it, after [`stop`](Self::stop) too.
    pub(crate) fn begin(&self) {
        let socket = self.folder.path().display();
        let options = format!("-k {socket} -c listen_addresses= -c fsync=off");
        let log = self.folder.path().join("log");
        let log = log.to_str().unwrap();
        self.run(
            "pg_ctl",
            &["start", "-w", "-D", &self.data(), "-l", log, "-o", &options],
        );
    }

    /// Stops it at once, as a crash would.
    pub(crate) fn stop(&self) {
        self.run(
            "pg_ctl",
            &["stop", "-w", "-D", &self.data(), "-m", "immediate"],
        );
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let path = self.programs.join(program);
        // Root starts it as nobody in particular: postgres refuses root.
        let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        let mut command = match root {
            true => {
                let mut command = Command::new("setpriv");
                command
                    .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
                    .arg(path);
                command
            }
            false => Command::new(path),
        };
        command.current_dir(self.folder.path()).args(arguments);
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
        assert!(status.unwrap().success(), "{program} {arguments:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Where the newest installed server's programs are.
fn programs() -> Option<PathBuf> {
    let has_all = |folder: &Path| folder.join("initdb").exists() && folder.join("pg_ctl").exists();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let versions = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let path = env::var_os("PATH").unwrap_or_default();
    let path: Vec<PathBuf> = env::split_paths(&path).collect();
    versions.chain(path).filter(|folder| has_all(folder)).max()
}
