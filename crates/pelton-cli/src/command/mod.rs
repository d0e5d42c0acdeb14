//! The commands, one file each.

pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod gen_data;
mod gen_to;
pub(crate) mod reading;
pub(crate) mod run;
pub(crate) mod send;
pub(crate) mod serve;
pub(crate) mod sql;
pub(crate) mod text;

use std::path::Path;
use std::process::ExitCode;

use clap::ValueEnum;
use pelton::plan::{OnError, Plan};
use pelton::{Report, Run};

use crate::progress;

/// What a command comes to: an exit code, or the reason why it could not be done.
pub(crate) type Done = Result<ExitCode, String>;

/// The code for a run that came to its end.
pub(crate) fn exit_code(report: &Report) -> ExitCode {
    ExitCode::from(u8::from(report.records.rejected > 0))
}

/// What happens to records that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Policy {
    /// The run stops.
    Fail,
    /// They are left out and counted.
    Skip,
}

impl From<Policy> for OnError {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Fail => Self::Fail,
            Policy::Skip => Self::Skip,
        }
    }
}

/// Runs it; tells of refused records, which a result alone would hide.
pub(crate) fn finish(run: Run) -> Done {
    let bar = progress::start(&run, false);
    let report = run.run();
    bar.finish();
    let report = report.map_err(message)?;
    for (kind, count) in &report.records.rejected_by_kind {
        eprintln!("pelton: {count} records left out: {kind}");
    }
    Ok(exit_code(&report))
}

/// Any error as its message.
pub(crate) fn message(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// What the system says about `place`.
pub(crate) fn refused(place: &str, error: &std::io::Error) -> String {
    message(pelton::connect::Error::io(place, error))
}

/// `plan` with the values of `--set` options put in.
pub(crate) fn with_settings(mut plan: Plan, settings: &[String]) -> Result<Plan, String> {
    for setting in settings {
        let (key, value) = setting
            .split_once('=')
            .ok_or_else(|| format!("--set {setting}: expected KEY=VALUE"))?;
        plan = plan.set(key, value).map_err(message)?;
    }
    Ok(plan)
}

/// The pipeline file at `path`, and its text.
pub(crate) fn read_plan(path: &Path) -> Result<(Plan, String), String> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| refused(&name, &error))?;
    let plan = Plan::from_text(&text, path).map_err(|error| message(error.in_file(&name)))?;
    Ok((plan, text))
}
