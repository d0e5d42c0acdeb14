//! `pelton run`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pelton::Engine;
use pelton::plan::{ByteSize, Plan};

use super::{Done, exit_code, message, read_plan, with_settings};
use crate::progress;

const EXAMPLES: &str = "\
Examples:
  pelton run pipeline.toml
  pelton run pipeline.toml --memory-limit 50MB --report json 2> report.json
  pelton run pipeline.toml --set engine.workers=1 --set sink.path=- | head

A pipeline file:
  [source]
  path = \"orders.csv\"

  [[stage]]
  filter = \"status = 'shipped'\"

  [[stage]]
  aggregate = { by = [\"country\"], compute = { revenue = \"sum(quantity * unit_price)\" } }

  [sink]
  path = \"by_country.csv\"";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The pipeline file.
    file: PathBuf,
    /// Replace a value of the pipeline, such as `engine.workers=1`; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Keep all memory that grows with the data below this size, such as 50MB.
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<ByteSize>,
    /// How to report on standard error when the run is over.
    #[arg(long, value_enum)]
    report: Option<ReportForm>,
    /// No progress, and no report unless `--report` asks for it; errors still show.
    #[arg(long, short)]
    quiet: bool,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReportForm {
    /// For people.
    Text,
    /// For programs: one JSON object.
    Json,
}

pub(crate) fn run(arguments: &Arguments) -> Done {
    let (plan, text) = read_plan(&arguments.file)?;
    let plan = adjusted(plan, arguments)?;
    let name = arguments.file.display().to_string();
    let run = Engine::from_plan(plan)
        .in_file(&name, &text)
        .prepare()
        .map_err(message)?;
    let bar = progress::start(&run, arguments.quiet);
    let report = run.run();
    bar.finish();
    let report = report.map_err(message)?;
    let usual = (!arguments.quiet).then_some(ReportForm::Text);
    if let Some(form) = arguments.report.or(usual) {
        match form {
            ReportForm::Text => eprintln!("{report}"),
            ReportForm::Json => {
                eprintln!(
                    "{}",
                    serde_json::to_string_pretty(&report).map_err(message)?
                );
            }
        }
    }
    Ok(exit_code(&report))
}

fn adjusted(mut plan: Plan, arguments: &Arguments) -> Result<Plan, String> {
    plan = with_settings(plan, &arguments.set)?;
    if arguments.memory_limit.is_some() {
        plan.engine.memory_limit = arguments.memory_limit;
    }
    Ok(plan)
}
