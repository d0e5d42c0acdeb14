//! What the parts of the batch path cost, one kernel at a time, at one level of vectors.
//!
//! `cargo run --release -p pelton-benches --example kernels -- [--simd LEVEL] [NAME] [ROUNDS]`
//! prints the fastest of the rounds. With a name and a number of rounds it runs under callgrind:
//! what ten rounds more execute is what ten blocks cost, to the instruction.
//!
//! The block is 512 KiB of made-up orders, as a run has it, and stays in a cache. Every answer is
//! checked once.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks by printing"
)]

#[path = "../src/orders.rs"]
mod orders;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use pelton_format::{Csv, Format};
use pelton_pool::Budget;
use pelton_queue::dedup::Dedup;
use pelton_record::{Block, Origin, Values};
use pelton_simd::Level;
use pelton_simd::csv::{Dialect, Structure, boundary, scan};
use pelton_simd::hash::hash_views;
use pelton_simd::{json, utf8};
use pelton_stage::{Aggregate, Call, Expression, Filter, Fold, Function, Stage};

use orders::{BLOCK_BYTES, DECODED, decoded, orders};

const ROUNDS: u32 = 400;
/// Ids that are looked up: as bare words they take 32 MiB, and the table takes more.
const IDS: u64 = 1 << 22;

/// One kernel: what it is called, how many units of what it works through, and one round of it.
struct Kernel {
    name: &'static str,
    units: usize,
    unit: &'static str,
    rounds: u32,
    round: Box<dyn FnMut()>,
}

/// Makes a kernel and checks its answer.
type Make = fn() -> Kernel;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|word| word == "--simd") {
        let level = arguments.get(at + 1).and_then(|word| word.parse().ok());
        let Some(level) = level else {
            eprintln!("kernels: --simd takes scalar, sse, avx2 or avx512");
            return ExitCode::FAILURE;
        };
        Level::lower_to(level);
        arguments.drain(at..at + 2);
    }
    let wanted = arguments.first().map_or("", String::as_str);
    let rounds = arguments.get(1).and_then(|word| word.parse().ok());
    println!("level {}", Level::detect());
    for mut kernel in kernels(wanted) {
        let best = fastest(&mut kernel, rounds);
        let each = best * 1e9 / kernel.units as f64;
        let Kernel {
            name, units, unit, ..
        } = kernel;
        println!("{name:<26} {each:>8.3} ns a {unit}, {units} a round");
    }
    ExitCode::SUCCESS
}

/// The fastest round, in seconds.
fn fastest(kernel: &mut Kernel, rounds: Option<u32>) -> f64 {
    let rounds = 0..rounds.unwrap_or(kernel.rounds);
    let times = rounds.map(|_| {
        let begin = Instant::now();
        (kernel.round)();
        begin.elapsed().as_secs_f64()
    });
    times.fold(f64::INFINITY, f64::min)
}

/// Those whose names begin with `wanted`; only what they need is made.
fn kernels(wanted: &str) -> Vec<Kernel> {
    const MAKE: &[(&str, Make)] = &[
        ("boundary", boundaries),
        ("scan", scanning),
        ("json", scanning_json),
        ("utf8", checking),
        ("decode", decoding),
        ("filter", filtering),
        ("hash", hashing),
        ("group", grouping),
        ("encode", encoding),
        ("columns", columns),
        ("rows", rows),
        ("prefetched", prefetched),
        ("unprefetched", unprefetched),
    ];
    let named = MAKE.iter().filter(|(name, _)| name.starts_with(wanted));
    named.map(|(_, make)| make()).collect()
}

fn on_bytes(name: &'static str, units: usize, round: impl FnMut() + 'static) -> Kernel {
    Kernel {
        name,
        units,
        unit: "byte",
        rounds: ROUNDS,
        round: Box::new(round),
    }
}

fn on_rows(name: &'static str, units: usize, round: impl FnMut() + 'static) -> Kernel {
    Kernel {
        unit: "row",
        ..on_bytes(name, units, round)
    }
}

fn boundaries() -> Kernel {
    let (text, _) = orders();
    let found = boundary(text.as_bytes(), Dialect::CSV);
    assert_eq!(found.last_record_end, Some(text.len()));
    on_bytes("boundary", text.len(), move || {
        black_box(boundary(black_box(text.as_bytes()), Dialect::CSV));
    })
}

fn scanning() -> Kernel {
    let (text, rows) = orders();
    let mut structure = Structure::new();
    scan(text.as_bytes(), Dialect::CSV, &mut structure);
    assert_eq!(structure.records(), rows);
    on_bytes("scan", text.len(), move || {
        scan(black_box(text.as_bytes()), Dialect::CSV, &mut structure);
    })
}

fn scanning_json() -> Kernel {
    let line = "{\"id\":1000017,\"type\":\"click\",\"value\":12.5,\"user\":{\"name\":\"Anna\"}}\n";
    let text = line.repeat(BLOCK_BYTES / line.len());
    let mut structure = json::Structure::new();
    json::scan(text.as_bytes(), &mut structure);
    assert_eq!(structure.line_ends.len(), text.lines().count());
    on_bytes("json scan", text.len(), move || {
        json::scan(black_box(text.as_bytes()), &mut structure);
    })
}

fn checking() -> Kernel {
    let (text, _) = orders();
    on_bytes("utf8", text.len(), move || {
        assert!(utf8::validate(black_box(text.as_bytes())).is_ok());
    })
}

fn decoding() -> Kernel {
    let (text, rows) = orders();
    let (schema, batch) = decoded(&text);
    assert_eq!(batch.rows(), rows);
    let mut decoder = Csv::default().decoder(&schema, DECODED);
    let bytes = text.len();
    let block = Block::new(text.into_bytes());
    on_bytes("decode 4 of 9 fields", bytes, move || {
        black_box(decoder.decode(black_box(block.clone()), Origin::default()));
    })
}

/// The copy of the batch is part of the round: a filter works in place.
fn filtering() -> Kernel {
    let (text, rows) = orders();
    let (_, batch) = decoded(&text);
    let predicate = Expression::parse("status = 'shipped' AND quantity > 5").expect("SQL");
    let filter = Filter::new(&predicate, batch.schema()).expect("it fits the schema");
    on_rows("filter, with a copy", rows, move || {
        let mut batch = batch.clone();
        filter.apply(&mut batch).expect("it filters");
        black_box(&batch);
    })
}

fn hashing() -> Kernel {
    let (text, rows) = orders();
    let (_, batch) = decoded(&text);
    let mut hashes = Vec::new();
    on_rows("hash a text", rows, move || {
        let strings = batch.column(0).as_strings().expect("countries are text");
        hashes.clear();
        hash_views(strings.base(), strings.views(), 7, &mut hashes);
        black_box(&hashes);
    })
}

fn grouping() -> Kernel {
    let (text, rows) = orders();
    let (_, mut batch) = decoded(&text);
    let calls = vec![
        Call::count_rows("n"),
        Call::new(Function::Sum, 3, "sum"),
        Call::new(Function::Max, 3, "max"),
    ];
    let aggregate = Aggregate::new(vec![0], calls, batch.schema()).expect("it fits the schema");
    let mut state = aggregate.state(&Budget::unlimited());
    on_rows("group by a text", rows, move || {
        state.fold(black_box(&mut batch)).expect("it folds");
    })
}

fn encoding() -> Kernel {
    let (text, rows) = orders();
    let (_, batch) = decoded(&text);
    let mut encoder = Csv::default().encoder();
    let mut out = Vec::new();
    on_rows("encode 4 fields", rows, move || {
        out.clear();
        encoder.encode(black_box(&batch), &mut out);
    })
}

/// An order as a program that thinks in rows has it.
#[derive(Clone)]
#[expect(dead_code, reason = "what a fold passes over is the point")]
struct Row {
    country: [u8; 16],
    status: [u8; 16],
    quantity: i64,
    price: i128,
}

/// The quantities of many blocks: 4 MiB as a column, 32 MiB as rows.
fn quantities() -> Vec<i64> {
    let (text, _) = orders();
    let (_, batch) = decoded(&text);
    let Values::Int64(values) = batch.column(2).values() else {
        unreachable!("quantities are whole numbers")
    };
    values.repeat(64)
}

fn columns() -> Kernel {
    let values = quantities();
    let sum: i64 = values.iter().sum();
    on_rows("columns: sum of one", values.len(), move || {
        assert_eq!(black_box(&values).iter().sum::<i64>(), sum);
    })
}

fn rows() -> Kernel {
    let row = |&quantity: &i64| Row {
        country: *b"DE              ",
        status: *b"shipped         ",
        quantity,
        price: 1999,
    };
    let rows: Vec<Row> = quantities().iter().map(row).collect();
    let sum: i64 = quantities().iter().sum();
    on_rows("rows: sum of one", rows.len(), move || {
        let quantities = black_box(&rows).iter().map(|row| row.quantity);
        assert_eq!(quantities.sum::<i64>(), sum);
    })
}

/// A table with all ids, and the ids in another order.
fn table() -> (Dedup<u64>, Vec<u64>) {
    let mut table = Dedup::builder()
        .expected(IDS as usize)
        .build()
        .expect("memory");
    let ids: Vec<u64> = (0..IDS)
        .map(|id| id.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        .collect();
    for ids in ids.chunks(1024) {
        let mut new = [false; 1024];
        table
            .insert_batch(ids, &mut new[..ids.len()])
            .expect("memory");
        assert!(new.iter().all(|&new| new));
    }
    (table, ids)
}

fn prefetched() -> Kernel {
    let (mut table, ids) = table();
    let round = move || {
        let mut new = [true; 1024];
        for ids in ids.chunks(1024) {
            table.insert_batch(ids, &mut new).expect("memory");
        }
        assert!(!new[0]);
    };
    Kernel {
        rounds: 5,
        ..on_rows("prefetched: look up an id", IDS as usize, round)
    }
}

fn unprefetched() -> Kernel {
    let (mut table, ids) = table();
    let round = move || {
        for &id in &ids {
            assert!(!table.insert(id).expect("memory"));
        }
    };
    Kernel {
        rounds: 5,
        ..on_rows("unprefetched: the same", IDS as usize, round)
    }
}
