//! `pelton serve`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use pelton::plan::{ByteSize, DeadLetterPlan, OnError, Plan, StagePlan};
use pelton::server::{PlanSource, Server};
use pelton::stream::ServiceReport;

use crate::open_files;

use super::{Done, message, read_plan};

const EXAMPLES: &str = "\
Examples:
  pelton serve --listen 127.0.0.1:9000 --out events.ndjson
  pelton serve --listen :9000 --schema level=string --filter \"level = 'error'\" --out errors.ndjson
  pelton serve pipeline.toml --set serve.admin=127.0.0.1:9100

Send it something:
  pelton gen events --rate 82000 --to 127.0.0.1:9000

A pipeline file:
  [source]
  listen = [\"127.0.0.1:9000\"]
  schema = { level = \"string\", user = \"int64\" }

  [[stage]]
  filter = \"level <> 'debug'\"

  [sink]
  path = \"events.ndjson\"

  [serve]
  admin = \"127.0.0.1:9100\"          # /metrics /health /ready /stats /memory

Signals: SIGINT and SIGTERM drain and end; SIGHUP reads the file again, and applies it wholly or
not at all.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The pipeline file.
    #[arg(required_unless_present = "listen")]
    file: Option<PathBuf>,
    /// Listen here, on this machine alone unless another host is given; may be given several
    /// times.
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
    /// Write here; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<String>,
    /// Keep the records for which this SQL condition is true.
    #[arg(long, value_name = "CONDITION")]
    filter: Vec<String>,
    /// The type of a field that a condition uses.
    #[arg(long, value_name = "FIELD=TYPE")]
    schema: Vec<String>,
    /// Write refused records here, as lines of JSON.
    #[arg(long, value_name = "FILE")]
    dead_letter: Option<String>,
    /// Answer /metrics, /health, /ready, /stats and /memory here.
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
    /// Keep all memory that grows with the data below this size, such as 50MB.
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<ByteSize>,
    /// Replace a value of the pipeline, such as `engine.workers=1`; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Say nothing but errors.
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Done {
    logs(arguments.quiet);
    let (plan, file) = match &arguments.file {
        Some(path) => {
            let (plan, text) = read_plan(path)?;
            let source = PlanSource {
                name: path.display().to_string(),
                path: path.clone(),
                text,
            };
            (plan, Some(source))
        }
        None => (Plan::default(), None),
    };
    let plan = adjusted(plan, arguments)?;
    let files = open_files::raise_limit();
    let server = Server::start(plan, file).map_err(message)?;
    if !arguments.quiet {
        eprintln!("listening on {}", server.addresses().join(", "));
        if let Some(address) = server.admin_address() {
            eprintln!("metrics and health on http://{address}");
        }
    }
    if let Some(files) = files.filter(|&files| files < server.connections_max()) {
        tracing::warn!(
            "{} connections may come and {files} files may be open: raise `ulimit -H -n`, or \
             LimitNOFILE= of the service",
            server.connections_max()
        );
    }
    let report = server.run().map_err(message)?;
    if !arguments.quiet {
        eprintln!("{report}");
    }
    Ok(exit_code(&report))
}

fn adjusted(mut plan: Plan, arguments: &Arguments) -> Result<Plan, String> {
    plan.source.listen.extend(arguments.listen.iter().cloned());
    for field in &arguments.schema {
        let (name, data_type) = field
            .split_once('=')
            .ok_or_else(|| format!("--schema {field}: expected FIELD=TYPE"))?;
        plan.source
            .schema
            .insert(name.to_owned(), data_type.to_owned());
    }
    plan.stages
        .extend(arguments.filter.iter().cloned().map(StagePlan::Filter));
    if let Some(path) = &arguments.out {
        plan.sink.path.clone_from(path);
    }
    if let Some(path) = &arguments.dead_letter {
        plan.engine.on_error = OnError::DeadLetter;
        plan.dead_letter = Some(DeadLetterPlan { path: path.clone() });
    }
    if arguments.admin.is_some() {
        plan.serve.admin.clone_from(&arguments.admin);
    }
    if arguments.memory_limit.is_some() {
        plan.engine.memory_limit = arguments.memory_limit;
    }
    for setting in &arguments.set {
        let (key, value) = setting
            .split_once('=')
            .ok_or_else(|| format!("--set {setting}: expected KEY=VALUE"))?;
        plan = plan.set(key, value).map_err(message)?;
    }
    Ok(plan)
}

/// Done; done with refused records; or not done, when not all could be put away.
fn exit_code(report: &ServiceReport) -> ExitCode {
    match (report.drained, report.rejected()) {
        (false, _) => ExitCode::from(2),
        (true, 0) => ExitCode::SUCCESS,
        (true, _) => ExitCode::from(1),
    }
}

/// Sends what the engine logs to standard error.
fn logs(quiet: bool) {
    let level = match quiet {
        true => tracing::Level::ERROR,
        false => tracing::Level::INFO,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_writer(std::io::stderr)
        .init();
}
