//! `pelton text`

use clap::{Args, ValueEnum};
use pelton::Engine;
use pelton::plan::{
    ByteSize, EnginePlan, FormatName, Plan, Processor, SinkPlan, SourcePlan, StagePlan, TextPlan,
};

use super::{Done, Policy, finish, message};

const EXAMPLES: &str = "\
Examples:
  pelton text -p uppercase,trim notes.txt -o shouted.txt
  pelton text -p wordcount access.log
  cat notes.txt | pelton text -p reverse > mirrored.txt
  pelton text -p trim big.txt -o out.txt --workers 4 --chunk-size 1MB --memory-limit 50MB";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A file, a pattern in quotes, or `-` for standard input.
    #[arg(default_value = "-")]
    input: String,
    /// What is done with each line, in order, separated by commas.
    #[arg(long, short, value_enum, value_delimiter = ',', required = true)]
    processor: Vec<Name>,
    /// Write to this file instead of standard output.
    #[arg(long, short, default_value = "-", hide_default_value = true)]
    output: String,
    /// Threads that work; as many as there are processors unless given.
    #[arg(long)]
    workers: Option<usize>,
    /// Bytes that are read and worked on at once, such as 1MB; chosen by the memory limit unless
    /// given.
    #[arg(long, value_name = "SIZE")]
    chunk_size: Option<ByteSize>,
    /// Keep all memory that grows with the data below this size, such as 50MB.
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<ByteSize>,
    /// What happens to lines that are no UTF-8, or too long.
    #[arg(long, value_enum, default_value_t = Policy::Fail)]
    on_error: Policy,
}

/// What can be done with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// Capital letters.
    Uppercase,
    /// Small letters.
    Lowercase,
    /// Without the white space at both ends.
    Trim,
    /// The characters in reverse.
    Reverse,
    /// One record with the number of lines, words and bytes, as CSV; comes last.
    Wordcount,
}

impl From<Name> for Processor {
    fn from(name: Name) -> Self {
        match name {
            Name::Uppercase => Self::Uppercase,
            Name::Lowercase => Self::Lowercase,
            Name::Trim => Self::Trim,
            Name::Reverse => Self::Reverse,
            Name::Wordcount => Self::Wordcount,
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Done {
    let run = Engine::from_plan(plan(arguments))
        .prepare()
        .map_err(message)?;
    finish(run)
}

fn plan(arguments: &Arguments) -> Plan {
    let counts = arguments.processor.last() == Some(&Name::Wordcount);
    let written = match FormatName::of_path(&arguments.output) {
        Some(named) if counts => named,
        _ if counts => FormatName::Csv,
        _ => FormatName::Text,
    };
    let processors = arguments.processor.iter().copied().map(Processor::from);
    Plan {
        source: SourcePlan {
            path: arguments.input.clone(),
            format: Some(FormatName::Text),
            ..SourcePlan::default()
        },
        stages: vec![StagePlan::Text(TextPlan::of_lines(processors))],
        sink: SinkPlan {
            path: arguments.output.clone(),
            format: Some(written),
            ..SinkPlan::default()
        },
        engine: EnginePlan {
            workers: arguments.workers,
            block_size: arguments.chunk_size,
            memory_limit: arguments.memory_limit,
            on_error: arguments.on_error.into(),
            ..EnginePlan::default()
        },
        ..Plan::default()
    }
}
