//! `pelton gen`

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Args;
use pelton::plan::ByteSize;

use super::{Done, gen_to, message, refused};
use crate::generate::{Kind, Made, Order, generate};
use crate::secure::Secure;

const EXAMPLES: &str = "\
Examples:
  pelton gen orders --rows 1000000 -o orders.csv
  pelton gen events --size 1GiB --seed 7 -o events.ndjson
  pelton gen orders --rows 100000 --malformed 5 -o broken.csv
  pelton gen log --rows 5
  pelton gen events --rate 82000 --to 127.0.0.1:9000";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// What to make.
    #[arg(value_enum)]
    pub(super) kind: Kind,
    /// How many rows.
    #[arg(long, required_unless_present_any = ["size", "to"])]
    pub(super) rows: Option<u64>,
    /// How large the output gets instead, such as 1GiB: it ends with the row that reaches it.
    #[arg(long)]
    pub(super) size: Option<ByteSize>,
    /// The same seed makes the same bytes.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Break so many rows in a thousand, of all kinds, and write beside the output how many of
    /// which kind, as FILE.malformed.json.
    #[arg(long, value_name = "PER_MILLE", default_value_t = 0,
        value_parser = clap::value_parser!(u32).range(..=1000))]
    malformed: u32,
    /// Where to write; `-` is standard output.
    #[arg(long, short, default_value = "-")]
    output: String,
    /// Send the rows over TCP instead, without a header; without --rows or --size until somebody
    /// stops it.
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["output", "malformed"])]
    to: Option<String>,
    /// Rows a second, on a schedule that does not wait for the receiver: what it could not take in
    /// time is sent late, and how late is told. Without it as many as are taken.
    #[arg(long, requires = "to", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) rate: Option<u64>,
    /// Connections that take turns.
    #[arg(long, requires = "to", default_value_t = 1,
        value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) connections: u16,
    #[command(flatten)]
    pub(super) secure: Secure,
}

pub(crate) fn run(arguments: &Arguments) -> Done {
    if let Some(to) = &arguments.to {
        return gen_to::run(arguments, to);
    }
    let order = Order {
        kind: arguments.kind,
        seed: arguments.seed,
        rows: arguments.rows,
        bytes: arguments.size.map(ByteSize::bytes),
        malformed_per_mille: arguments.malformed,
    };
    let place = |error: io::Error| refused(&arguments.output, &error);
    let made = if arguments.output == "-" {
        match generate(order, &mut io::stdout().lock()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return Ok(ExitCode::SUCCESS);
            }
            made => made.map_err(place)?,
        }
    } else {
        let file = File::create(&arguments.output).map_err(place)?;
        generate(order, &mut BufWriter::new(file)).map_err(place)?
    };
    if arguments.malformed > 0 {
        tell_malformed(arguments, &made)?;
    }
    if arguments.output != "-" {
        eprintln!(
            "{}: {} rows, {} bytes",
            arguments.output, made.rows, made.bytes
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn tell_malformed(arguments: &Arguments, made: &Made) -> Result<(), String> {
    let text = serde_json::to_string_pretty(made).map_err(message)?;
    if arguments.output == "-" {
        return writeln!(io::stderr(), "{text}").map_err(message);
    }
    let path = format!("{}.malformed.json", arguments.output);
    fs::write(&path, text + "\n").map_err(|error| refused(&path, &error))
}
