//! A directory to work in, and the command run inside it.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A directory of its own for each test.
pub(crate) struct Place {
    directory: TempDir,
}

/// What a run of the command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory for temporary files");
        Self { directory }
    }

    /// With files in it.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let place = Self::new();
        for (name, text) in files {
            place.put(name, text);
        }
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).expect("a file can be written");
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).expect("text")
    }

    /// The names of all files, ordered.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).expect("the directory");
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        };
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort();
        names
    }

    /// The command, to be run in this directory.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pelton"));
        command
            .current_dir(self.directory.path())
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn pelton(&self, arguments: &[&str]) -> Ran {
        Ran::of(
            &self
                .command(arguments)
                .output()
                .expect("the command starts"),
        )
    }

    /// Runs the command with `input` on its standard input.
    pub(crate) fn pelton_reading(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Ran {
        let mut command = self.command(arguments);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_ref()).expect("the command reads");
        drop(stdin);
        Ran::of(&child.wait_with_output().expect("the command ends"))
    }
}

impl Ran {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        Self {
            code: output.status.code().expect("no signal"),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// The report, which `--report json` leaves on standard error.
    pub(crate) fn report(&self) -> Value {
        serde_json::from_str(&self.stderr)
            .unwrap_or_else(|error| panic!("{error} in {}", self.stderr))
    }

    #[track_caller]
    pub(crate) fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// It could not be done, and standard error says so in words that hold all of `parts`.
    #[track_caller]
    pub(crate) fn assert_refused(&self, parts: &[&str]) -> &Self {
        self.assert_code(2);
        assert!(self.stderr.starts_with("pelton: "), "{}", self.stderr);
        for part in parts {
            assert!(self.stderr.contains(part), "no {part:?} in {}", self.stderr);
        }
        self
    }
}

/// Four orders, in two countries.
pub(crate) const ORDERS: &str = "\
id,country,status,quantity,unit_price
1,DE,shipped,7,1.50
2,FR,shipped,9,2.25
3,DE,pending,8,9.99
4,DE,shipped,6,10.00
";

/// Orders by country, from `orders.csv` to `by_country.csv`.
pub(crate) const GROUPED: &str = r#"
[source]
path = "orders.csv"

[[stage]]
filter = "status = 'shipped' AND quantity > 5"

[[stage]]
derive = { total = "quantity * unit_price" }

[[stage]]
aggregate = { by = ["country"], compute = { orders = "count(*)", revenue = "sum(total)" } }

[sink]
path = "by_country.csv"
"#;

/// What `GROUPED` makes of `ORDERS`.
pub(crate) const BY_COUNTRY: &str = "country,orders,revenue\nDE,2,70.50\nFR,1,20.25\n";
