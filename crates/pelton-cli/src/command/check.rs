//! `pelton check`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use pelton::Engine;
use pelton::plan::Plan;
use pelton::stream::Service;

use super::{Done, message, read_plan};

const EXAMPLES: &str = "\
Example:
  pelton check pipeline.toml

What is wrong is shown at its line and column; what is right as the columns that go in and come out,
with their types.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The pipeline file.
    file: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Done {
    let (plan, text) = read_plan(&arguments.file)?;
    let name = arguments.file.display().to_string();
    if !plan.source.listen.is_empty() || !plan.lanes.is_empty() {
        return lanes(plan, &name, &text);
    }
    let run = Engine::from_plan(plan)
        .in_file(&name, &text)
        .prepare()
        .map_err(message)?;
    println!("{name}: ok");
    println!("input:  {}", run.schema());
    let mut branches = run.branches().peekable();
    if branches.peek().is_none() {
        println!("output: {}", run.output_schema());
    }
    for (name, schema) in branches {
        println!("{name}: {schema}");
    }
    Ok(ExitCode::SUCCESS)
}

/// A pipeline without an end: what leaves each of its lanes.
fn lanes(plan: Plan, name: &str, text: &str) -> Done {
    let builder = Service::builder(plan).in_file(name, text);
    let lanes = builder.check().map_err(message)?;
    println!("{name}: ok");
    for (lane, schema) in lanes {
        println!("lane {lane}: {schema}");
    }
    Ok(ExitCode::SUCCESS)
}
