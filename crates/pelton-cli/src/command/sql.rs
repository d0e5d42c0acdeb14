//! `pelton sql`

use std::io::{self, IsTerminal};

use clap::{Args, ValueEnum};
use pelton::Engine;
use pelton::plan::{ByteSize, FormatName};

use super::reading::Reading;
use super::{Done, Policy, finish, message, with_settings};

const EXAMPLES: &str = "\
Examples:
  pelton sql \"SELECT country, count(*) AS orders FROM 'orders.csv' GROUP BY country\"
  pelton sql \"SELECT * FROM 'logs/*.csv' WHERE status >= 500 LIMIT 20\" --format ndjson
  pelton sql \"SELECT DISTINCT product FROM 'orders.csv' ORDER BY product\" -o products.csv
  cat orders.csv | pelton sql \"SELECT max(unit_price) AS dearest FROM '-'\"";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// One SELECT over one file, whose path stands in quotes after FROM.
    query: String,
    /// Write to this file instead of standard output.
    #[arg(long, short)]
    output: Option<String>,
    /// How to write: a table on a terminal and CSV elsewhere, unless given.
    #[arg(long, value_enum)]
    format: Option<Form>,
    /// How hard to compress an output: 0 to 9 for .gz, 6 unless given; 1 to 19 for .zst, 3.
    #[arg(long)]
    level: Option<u32>,
    /// Keep all memory that grows with the data below this size, such as 50MB.
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<ByteSize>,
    /// Threads that work; as many as there are processors unless given.
    #[arg(long)]
    workers: Option<usize>,
    /// What happens to records that cannot be read.
    #[arg(long, value_enum, default_value_t = Policy::Fail)]
    on_error: Policy,
    /// Set any value of the pipeline that the query becomes, such as `sink.delimiter=";"`; may be
    /// given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    reading: Reading,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people: aligned columns.
    Table,
    /// Comma-separated values.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// A JSON object a line.
    Ndjson,
    /// The values with a space between them.
    Text,
}

pub(crate) fn run(arguments: &Arguments) -> Done {
    let mut plan = pelton::sql::plan(&arguments.query).map_err(message)?;
    plan.engine.memory_limit = arguments.memory_limit;
    plan.engine.workers = arguments.workers;
    plan.engine.on_error = arguments.on_error.into();
    plan.sink.path = arguments.output.clone().unwrap_or_else(|| "-".to_owned());
    plan.sink.level = arguments.level;
    plan.sink.format = arguments.form().map(FormatName::from);
    arguments.reading.apply(&mut plan.source);
    let plan = with_settings(plan, &arguments.set)?;
    let engine = Engine::from_plan(plan).in_file("query", &arguments.query);
    finish(engine.prepare().map_err(message)?)
}

impl From<Form> for FormatName {
    fn from(form: Form) -> Self {
        match form {
            Form::Table => Self::Table,
            Form::Csv => Self::Csv,
            Form::Tsv => Self::Tsv,
            Form::Ndjson => Self::Ndjson,
            Form::Text => Self::Text,
        }
    }
}

impl Arguments {
    /// The form that was asked for; a table where people look; else what the file's name says.
    fn form(&self) -> Option<Form> {
        let to_stdout = self.output.as_deref().is_none_or(|path| path == "-");
        match self.format {
            None if to_stdout && io::stdout().is_terminal() => Some(Form::Table),
            None if to_stdout => Some(Form::Csv),
            given => given,
        }
    }
}
