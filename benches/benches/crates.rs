//! The crates of the batch path, one operation at a time, under criterion: how fast a block of CSV
//! is scanned, decoded, filtered and grouped.
//!
//! `cargo xtask bench crates`. Throughput is in bytes of input; the block is that of
//! `orders.rs`. Every answer is checked once before it is measured.

#[path = "../src/orders.rs"]
mod orders;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pelton_format::{Csv, Format};
use pelton_pool::{Budget, BufferPool};
use pelton_record::{Block, Origin};
use pelton_simd::csv::{Dialect, Structure, boundary, scan};
use pelton_stage::{Aggregate, Call, Derive, Expression, Filter, Fold, Function, Stage};

use orders::{BLOCK_BYTES, DECODED, decoded, orders};

fn scanning(c: &mut Criterion) {
    let (text, rows) = orders();
    let mut group = c.benchmark_group("csv");
    group.throughput(Throughput::Bytes(text.len() as u64));
    let mut structure = Structure::new();
    scan(text.as_bytes(), Dialect::CSV, &mut structure);
    assert_eq!(structure.records(), rows);
    group.bench_function("boundary", |b| {
        b.iter(|| boundary(black_box(text.as_bytes()), Dialect::CSV));
    });
    group.bench_function("scan", |b| {
        b.iter(|| scan(black_box(text.as_bytes()), Dialect::CSV, &mut structure));
    });
    let (schema, batch) = decoded(&text);
    assert_eq!(batch.rows(), rows);
    let mut decoder = Csv::default().decoder(&schema, DECODED);
    let block = Block::new(text.clone().into_bytes());
    group.bench_function("decode four of nine fields", |b| {
        b.iter(|| decoder.decode(black_box(block.clone()), Origin::default()));
    });
    let mut out = Vec::new();
    let mut encoder = Csv::default().encoder();
    group.bench_function("encode four fields", |b| {
        b.iter(|| {
            out.clear();
            encoder.encode(black_box(&batch), &mut out);
        });
    });
    group.finish();
}

fn stages(c: &mut Criterion) {
    let (text, rows) = orders();
    let (_, batch) = decoded(&text);
    let schema = Arc::clone(batch.schema());
    let mut group = c.benchmark_group("stage");
    group.throughput(Throughput::Elements(rows as u64));
    let predicate = Expression::parse("status = 'shipped' AND quantity > 5").expect("SQL");
    let filter = Filter::new(&predicate, &schema).expect("it fits the schema");
    group.bench_function("filter", |b| {
        b.iter_with_setup(
            || batch.clone(),
            |mut batch| {
                filter.apply(&mut batch).expect("it filters");
                batch
            },
        );
    });
    let total = Expression::parse("quantity * price").expect("SQL");
    let derive = Derive::new([("total", total)], &schema).expect("it fits the schema");
    group.bench_function("derive", |b| {
        b.iter_with_setup(
            || batch.clone(),
            |mut batch| {
                derive.apply(&mut batch).expect("it derives");
                batch
            },
        );
    });
    let calls = vec![
        Call::count_rows("n"),
        Call::new(Function::Sum, 3, "sum"),
        Call::new(Function::Max, 3, "max"),
    ];
    let aggregate = Aggregate::new(vec![0], calls, &schema).expect("it fits the schema");
    let mut state = aggregate.state(&Budget::unlimited());
    group.bench_function("aggregate by country", |b| {
        b.iter_with_setup(
            || batch.clone(),
            |mut batch| state.fold(&mut batch).expect("it folds"),
        );
    });
    group.finish();
}

fn pool(c: &mut Criterion) {
    let pool = BufferPool::new(Budget::unlimited());
    c.bench_function("pool/lease and return 512 KiB", |b| {
        b.iter(|| pool.lease(black_box(BLOCK_BYTES)).expect("no limit"));
    });
}

criterion_group!(benches, scanning, stages, pool);
criterion_main!(benches);
