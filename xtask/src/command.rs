//! A command as data: shown ready to paste, then run.

use std::fmt;
use std::path::PathBuf;
use std::process::{Command as Process, Stdio};

/// A program with its arguments, environment and folder.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    environment: Vec<(String, String)>,
    words: Vec<String>,
    folder: Option<PathBuf>,
}

impl Command {
    /// Splits `line` at its spaces: the program and its arguments.
    pub(crate) fn new(line: &str) -> Self {
        Self {
            environment: Vec::new(),
            words: line.split_whitespace().map(str::to_owned).collect(),
            folder: None,
        }
    }

    /// Adds one argument as it is.
    pub(crate) fn arg(mut self, word: impl Into<String>) -> Self {
        self.words.push(word.into());
        self
    }

    /// Adds several arguments, split at spaces.
    pub(crate) fn args(mut self, line: &str) -> Self {
        self.words
            .extend(line.split_whitespace().map(str::to_owned));
        self
    }

    /// Sets an environment variable for this command.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Runs in `folder` instead of the current one.
    pub(crate) fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Runs it with our output; true when it ended with success.
    pub(crate) fn succeeds(&self) -> Result<bool, String> {
        self.process()
            .status()
            .map(|status| status.success())
            .map_err(|error| format!("{}: {error}", self.words[0]))
    }

    /// Runs it unheard; true when it exists and ended with success.
    pub(crate) fn answers(&self) -> bool {
        let status = self
            .process()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }

    /// Runs it and returns what it wrote; its last words when it failed.
    pub(crate) fn output(&self) -> Result<String, String> {
        let output = self
            .process()
            .output()
            .map_err(|error| format!("{}: {error}", self.words[0]))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let words = String::from_utf8_lossy(&output.stderr);
        Err(format!("`{self}` failed: {}", words.trim()))
    }

    fn process(&self) -> Process {
        let mut process = Process::new(&self.words[0]);
        process.args(&self.words[1..]);
        process.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            process.current_dir(folder);
        }
        process
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(folder) = &self.folder {
            write!(f, "cd {} && ", quoted(&folder.to_string_lossy()))?;
        }
        for (name, value) in &self.environment {
            write!(f, "{name}={} ", quoted(value))?;
        }
        let words: Vec<String> = self.words.iter().map(|word| quoted(word)).collect();
        f.write_str(&words.join(" "))
    }
}

/// The word as a shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=./,:+@".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_as_a_shell_reads_it() {
        let command = Command::new("cargo test --test")
            .arg("loom_*")
            .env("RUSTFLAGS", "--cfg loom");
        assert_eq!(
            command.to_string(),
            "RUSTFLAGS='--cfg loom' cargo test --test 'loom_*'"
        );
    }

    #[test]
    fn a_missing_program_does_not_answer() {
        assert!(!Command::new("no-such-program --version").answers());
    }
}
