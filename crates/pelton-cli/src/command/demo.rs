//! `pelton demo`

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use clap::Args;
use pelton::Engine;
use pelton::connect::{Sink, StdoutSink, TableSink};
use pelton::plan::Plan;

use super::{Done, message, refused};
use crate::generate::{Kind, Order, generate};
use crate::progress;

/// Make up a million orders, a few of them broken, and run the main job over them: filter,
/// compute, group, sort, with the broken ones in a dead letter.
///
/// The exit code is 0 although orders are refused: they are broken on purpose, where `pelton run`
/// with the same pipeline says 1.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How many orders.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Where the files go; a folder `pelton-demo` among the temporary files unless given.
    #[arg(long, value_name = "DIRECTORY")]
    dir: Option<PathBuf>,
}

const PIPELINE: &str = r#"[source]
path = "DIR/orders.csv"

[[stage]]
filter = "status = 'shipped' AND quantity > 5"

[[stage]]
derive = { total = "quantity * unit_price" }

[[stage]]
aggregate.by = ["country"]
aggregate.compute = { orders = "count(*)", revenue = "sum(total)", biggest = "max(total)" }

[[stage]]
sort = ["revenue DESC"]

[[stage]]
limit = 10

[sink]
path = "DIR/by_country.csv"

[engine]
memory_limit = "50MB"
on_error = "dead_letter"

[dead_letter]
path = "DIR/rejected.ndjson"
"#;

pub(crate) fn run(arguments: &Arguments) -> Done {
    let directory = arguments
        .dir
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join("pelton-demo"));
    let place = |error: std::io::Error| refused(&directory.display().to_string(), &error);
    fs::create_dir_all(&directory).map_err(place)?;
    make_orders(&directory.join("orders.csv"), arguments.rows).map_err(place)?;
    // A TOML string of that kind takes paths of every system as they are, but for backslashes.
    let shown = directory.display().to_string().replace('\\', "/");
    let text = PIPELINE.replace("DIR", &shown);
    let file = directory.join("pipeline.toml");
    fs::write(&file, &text).map_err(place)?;
    eprintln!("$ pelton run {}\n\n{text}", file.display());
    let plan = Plan::from_toml(&text).map_err(message)?;
    let output = plan.sink.path.clone();
    let run = Engine::from_plan(plan).prepare().map_err(message)?;
    let numeric: Vec<bool> = run
        .output_schema()
        .fields()
        .iter()
        .map(|field| field.data_type.is_numeric())
        .collect();
    let bar = progress::start(&run, false);
    let report = run.run();
    bar.finish();
    let report = report.map_err(message)?;
    let mut table = TableSink::new(Box::new(StdoutSink), numeric);
    let drawn = table.write(&fs::read(output).map_err(place)?);
    drawn.and_then(|()| table.commit()).map_err(message)?;
    eprintln!("\n{report}");
    Ok(std::process::ExitCode::SUCCESS)
}

fn make_orders(path: &Path, rows: u64) -> std::io::Result<()> {
    let order = Order {
        kind: Kind::Orders,
        seed: 1,
        rows: Some(rows),
        bytes: None,
        malformed_per_mille: 1,
    };
    let made = generate(order, &mut BufWriter::new(File::create(path)?))?;
    let broken: u64 = made.malformed.values().sum();
    eprintln!(
        "{}: {} orders, {} bytes, {broken} broken on purpose",
        path.display(),
        made.rows,
        made.bytes
    );
    Ok(())
}
