//! Who can do which job, and the command that makes them do it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::job::Job;
use super::{answer, process};
use crate::benchmark::{Sample, Work};

/// A program, in one of its ways.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Engine {
    /// With these stages.
    PeltonRun(&'static str),
    PeltonSql,
    /// The same on one core.
    PeltonAlone,
    /// With the processor of that name.
    PeltonText(&'static str),
    Duckdb,
    Polars,
    Tr,
    Wc,
    MawkWords,
    MawkStatus,
    MawkPaths,
}

/// The scripts that make the Python peers do a job.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");

/// Counts what `wc` counts, the bytes with the newlines.
const WORDS: &str = "{ words += NF; bytes += length($0) + 1 } END { print NR, words, bytes }";

/// The status is the field after the quoted request; a line of another form is left out.
const STATUS: &str = r#"
    /^[^ ]+ [^ ]+ [^ ]+ \[[^\]]+\] "[^"]*" [0-9][0-9][0-9] [0-9-]+/ {
        split($0, part, "\""); split(part[3], field, " "); seen[field[1]]++
    }
    END { print "status,requests"; fflush(); for (s in seen) print s "," seen[s] | "sort"; }"#;

/// The path stands in the quoted request, before a question mark.
const PATHS: &str = r#"
    /^[^ ]+ [^ ]+ [^ ]+ \[[^\]]+\] "[^"]*" [0-9][0-9][0-9] [0-9-]+/ {
        split($0, part, "\""); split(part[2], field, " "); split(field[2], path, "?")
        seen[path[1]]++
    }
    END {
        print "path,requests"; fflush()
        for (p in seen) print p "," seen[p] | "sort -t, -k2,2nr -k1,1 | head -10"
    }"#;

impl Engine {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::PeltonRun(_) => "pelton run",
            Self::PeltonSql => "pelton sql",
            Self::PeltonAlone => "pelton, one worker",
            Self::PeltonText(_) => "pelton text",
            Self::Duckdb => "duckdb",
            Self::Polars => "polars",
            Self::Tr => "tr",
            Self::Wc => "wc",
            Self::MawkWords | Self::MawkStatus | Self::MawkPaths => "mawk",
        }
    }

    pub(super) fn ours(self) -> bool {
        // Alone it is what two workers are compared with.
        self.name().starts_with("pelton ")
    }

    /// A command that succeeds where the program is installed, and how to install it.
    fn probe(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::PeltonRun(_) | Self::PeltonSql | Self::PeltonAlone | Self::PeltonText(_) => {
                (&["true"], "")
            }
            Self::Duckdb => (&["python3", "-c", "import duckdb"], "pip install duckdb"),
            Self::Polars => (&["python3", "-c", "import polars"], "pip install polars"),
            Self::Tr => (&["tr", "--version"], "install coreutils"),
            Self::Wc => (&["wc", "--version"], "install coreutils"),
            Self::MawkWords | Self::MawkStatus | Self::MawkPaths => {
                (&["mawk", "1"], "install mawk")
            }
        }
    }
}

/// The programs found on this machine.
#[derive(Debug)]
pub(super) struct Engines {
    pelton: PathBuf,
}

impl Engines {
    pub(super) fn find(pelton: PathBuf) -> Self {
        Self { pelton }
    }

    /// Makes the input `path` with `pelton gen`.
    pub(super) fn generate(
        &self,
        kind: &str,
        amount: [&str; 2],
        path: &Path,
    ) -> Result<(), String> {
        let mut command = Command::new(&self.pelton);
        command
            .args(["gen", kind, amount[0], amount[1], "--seed", "1", "-o"])
            .arg(path);
        let status = command.status().map_err(|error| error.to_string())?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("`pelton gen {kind}` failed")),
        }
    }

    /// The work of `engine` on `input`, or why it cannot take part: it is not installed, or one
    /// try shows that it cannot do this job.
    pub(super) fn work(
        &self,
        engine: Engine,
        job: &'static Job,
        input: &Path,
        simd: Option<&str>,
    ) -> Result<Work, String> {
        let (probe, hint) = engine.probe();
        if !process::answers(probe) {
            return Err(format!("not installed ({hint})"));
        }
        let output = std::env::temp_dir().join(format!("pelton-bench-{}", std::process::id()));
        fs::create_dir_all(&output).map_err(|error| format!("{}: {error}", output.display()))?;
        let output = output.join(format!(
            "{}-{}.csv",
            job.name,
            engine.name().replace(' ', "-")
        ));
        let (simd, input) = (simd.map(str::to_owned), input.to_owned());
        let sql = expanded(job.sql, &input)?;
        let pelton = self.pelton.clone();
        let work = move || {
            let mut command = command(engine, &pelton, job, &sql, &input, &output)?;
            if let Some(level) = &simd {
                command.env("PELTON_SIMD", level);
            }
            let (elapsed, peak_kib) = process::run(command, &output)?;
            let count = answer::digest(&output, job.shape)?;
            Ok(Sample {
                elapsed,
                count,
                peak_kib,
            })
        };
        let first: Result<Sample, String> = work();
        first.map(|_| Box::new(move |_| work()) as Work)
    }
}

fn command(
    engine: Engine,
    pelton: &Path,
    job: &Job,
    sql: &str,
    input: &Path,
    output: &Path,
) -> Result<Command, String> {
    let source = input.to_string_lossy();
    let words: Vec<&str> = match engine {
        Engine::PeltonRun(stages) => return pipeline(pelton, job.limit, stages, input, output),
        Engine::PeltonSql => return Ok(query(pelton, job, sql, input, output)),
        Engine::PeltonAlone => {
            let mut command = query(pelton, job, sql, input, output);
            command.args(["--workers", "1"]);
            return Ok(command);
        }
        Engine::PeltonText(processor) => {
            return Ok(text(pelton, job.limit, processor, input, output));
        }
        Engine::Duckdb => return Ok(script("run_duckdb.py", sql, input, output)),
        Engine::Polars => return Ok(script("run_polars.py", sql, input, output)),
        Engine::Tr => vec!["tr", "a-z", "A-Z"],
        Engine::Wc => vec!["wc", "-lwc", &source],
        Engine::MawkWords => vec!["mawk", WORDS, &source],
        Engine::MawkStatus => vec!["mawk", STATUS, &source],
        Engine::MawkPaths => vec!["mawk", PATHS, &source],
    };
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    if let (Engine::Tr, Ok(file)) = (engine, File::open(input)) {
        command.stdin(file);
    }
    // Bytes, as for everybody else: a locale of several bytes a letter makes these tools crawl.
    command.env("LC_ALL", "C");
    Ok(command)
}

/// Writes the pipeline beside the output, then runs it.
fn pipeline(
    pelton: &Path,
    limit: &str,
    stages: &str,
    input: &Path,
    output: &Path,
) -> Result<Command, String> {
    let file = output.with_extension("toml");
    let (source, sink) = (input.display(), output.display());
    let text = format!(
        "[source]\npath = \"{source}\"\n{stages}[sink]\npath = \"{sink}\"\n\
         [engine]\nmemory_limit = \"{limit}\"\n"
    );
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut command = Command::new(pelton);
    command.arg("run").arg(file).arg("--quiet");
    Ok(command)
}

fn query(pelton: &Path, job: &Job, sql: &str, input: &Path, output: &Path) -> Command {
    let mut command = Command::new(pelton);
    command
        .arg("sql")
        .arg(sql.replace("{input}", &format!("'{}'", input.display())));
    command
        .args(["--memory-limit", job.limit, "-o"])
        .arg(output);
    if job.input.0 == "log" {
        // By its extension it is text.
        command.args(["--input-format", "log"]);
    }
    command
}

fn text(pelton: &Path, limit: &str, processor: &str, input: &Path, output: &Path) -> Command {
    let mut command = Command::new(pelton);
    command
        .args(["text", "-p", processor])
        .arg(input)
        .arg("-o")
        .arg(output);
    command.args(["--memory-limit", limit]);
    command
}

fn script(name: &str, sql: &str, input: &Path, output: &Path) -> Command {
    let mut command = Command::new("python3");
    command
        .arg(Path::new(SCRIPTS).join(name))
        .arg(sql)
        .arg(input)
        .arg(output);
    command
}

/// Replaces `{each:..X..}` by its inside once for every column of the input.
fn expanded(sql: &str, input: &Path) -> Result<String, String> {
    let Some((before, rest)) = sql.split_once("{each:") else {
        return Ok(sql.to_owned());
    };
    let (inside, after) = rest.split_once('}').unwrap_or((rest, ""));
    let file = File::open(input).map_err(|error| format!("{}: {error}", input.display()))?;
    let mut header = String::new();
    BufReader::new(file)
        .read_line(&mut header)
        .map_err(|error| error.to_string())?;
    let columns = header.trim().split(',').enumerate();
    let terms: Vec<String> = columns
        .map(|(index, name)| named(inside, index, name))
        .collect();
    Ok(format!("{before}{}{after}", terms.join(", ")))
}

/// The terms for one column, each with an alias of its own.
fn named(terms: &str, index: usize, column: &str) -> String {
    let terms = terms.split(", ").enumerate();
    let named =
        terms.map(|(term, text)| format!("{} AS a{index}_{term}", text.replace('X', column)));
    named.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn each_term_gets_the_column_and_an_alias() {
        assert_eq!(
            named("sum(X), min(X)", 3, "c"),
            "sum(c) AS a3_0, min(c) AS a3_1"
        );
    }
}
