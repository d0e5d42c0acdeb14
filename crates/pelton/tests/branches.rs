//! One scan, several ways: each branch gives what a run of its own would, and its account balances.

use std::sync::Arc;

use pelton::connect::{Input, MemorySink};
use pelton::plan::{
    AggregatePlan, BranchPlan, ByteSize, EnginePlan, OnError, Plan, SinkPlan, StagePlan,
};
use pelton::record::{Batch, Schema, Value};
use pelton::stage::{Error, Stage};
use pelton::{Engine, EngineBuilder, Report};

fn numbers(rows: u64) -> String {
    let rows = (0..rows).map(|row| format!("{row},{}\n", row % 7));
    std::iter::once("n,rest\n".to_owned()).chain(rows).collect()
}

fn engine(workers: usize, block: u64) -> EngineBuilder {
    Engine::builder()
        .inputs(vec![Input::memory("numbers", numbers(3000))])
        .engine(EnginePlan {
            workers: Some(workers),
            block_size: Some(ByteSize::new(block)),
            on_error: OnError::Skip,
            ..EnginePlan::default()
        })
        .derive("half", "n / 2")
}

/// What the branches do; the last one makes records of its own.
fn branches() -> Vec<Vec<StagePlan>> {
    let count = AggregatePlan {
        by: vec!["rest".into()],
        compute: [("n", "count(*)"), ("halves", "sum(half)")]
            .into_iter()
            .collect(),
    };
    vec![
        vec![StagePlan::Filter("10 / (rest - 3) > 2".into())],
        Vec::new(),
        vec![
            StagePlan::Distinct(vec!["rest".into()]),
            StagePlan::Drop(vec!["half".into()]),
        ],
        vec![
            StagePlan::Aggregate(count),
            StagePlan::Sort(vec!["rest DESC".into()]),
        ],
    ]
}

fn branch(stages: Vec<StagePlan>) -> BranchPlan {
    BranchPlan {
        name: None,
        stages,
        sink: SinkPlan::default(),
    }
}

/// What comes out of every branch, and the report.
fn run(mut engine: EngineBuilder, branches: Vec<Vec<StagePlan>>) -> (Vec<String>, Report) {
    let sinks: Vec<_> = branches.iter().map(|_| MemorySink::default()).collect();
    for (stages, sink) in branches.into_iter().zip(&sinks) {
        engine = engine.branch_to(branch(stages), sink.clone());
    }
    let report = engine.run().expect("it runs");
    let written = sinks
        .iter()
        .map(|sink| String::from_utf8(sink.take()).expect("text"));
    (written.collect(), report)
}

#[test]
fn every_branch_gives_what_it_would_give_alone() {
    for (workers, block) in [(1, 1 << 20), (3, 200), (2, 5000)] {
        let (outs, report) = run(engine(workers, block), branches());
        assert!(report.records.balances(), "{:?}", report.records);
        for ((out, stages), part) in outs.iter().zip(branches()).zip(&report.branches) {
            let sink = MemorySink::default();
            let alone = stages
                .into_iter()
                .fold(engine(workers, block), EngineBuilder::stage);
            let alone = alone.sink_to(sink.clone()).run().expect("it runs");
            assert_eq!(out.as_bytes(), sink.take(), "{}", part.name);
            assert_eq!(part.records, alone.records, "{}", part.name);
            assert_eq!(part.written_bytes, out.len() as u64);
        }
    }
}

#[test]
fn the_whole_account_holds_every_branch() {
    let (_, report) = run(engine(2, 1000), branches());
    let all = &report.records;
    assert_eq!((all.read, all.branched), (3000, 3 * 3000));
    let sum = |each: fn(&pelton::Account) -> u64| -> u64 {
        report.branches.iter().map(|part| each(&part.records)).sum()
    };
    assert_eq!(all.written, sum(|part| part.written));
    assert_eq!(all.rejected, sum(|part| part.rejected));
    assert_eq!(all.rejected_by_kind["expression"], 429);
    assert_eq!(report.branches[0].records.rejected, 429);
    let bytes = report.branches.iter().map(|part| part.written_bytes);
    assert_eq!(report.written_bytes, bytes.sum::<u64>());
}

#[test]
fn only_what_the_trunk_leaves_is_branched() {
    let engine = engine(2, 1000).filter("n < 10");
    let (outs, report) = run(engine, vec![Vec::new(), Vec::new()]);
    assert_eq!(outs[0], outs[1]);
    assert_eq!(outs[0].lines().count(), 11);
    assert_eq!(
        (report.records.filtered, report.records.branched),
        (2990, 10)
    );
    assert_eq!(report.branches[1].records.read, 10);
}

#[test]
fn a_scan_ends_when_no_branch_wants_more() {
    let limit = |rows| vec![StagePlan::Limit(rows)];
    let (outs, report) = run(engine(1, 100), vec![limit(5), limit(30)]);
    assert_eq!(
        outs.iter()
            .map(|out| out.lines().count())
            .collect::<Vec<_>>(),
        [6, 31]
    );
    assert!(report.records.read < 3000, "{:?}", report.records);
    let (_, report) = run(engine(1, 100), vec![limit(5), Vec::new()]);
    assert_eq!(report.records.read, 3000);
}

/// Panics on one value, as a stage of somebody else's might.
struct Fragile(Arc<Schema>);

impl Stage for Fragile {
    fn name(&self) -> &str {
        "fragile"
    }

    fn output(&self) -> &Arc<Schema> {
        &self.0
    }

    fn apply(&self, batch: &mut Batch) -> Result<(), Error> {
        for row in 0..batch.rows() {
            assert_ne!(batch.column(0).value(row), Value::Int64(13), "bad luck");
        }
        Ok(())
    }
}

#[test]
fn a_panic_in_the_trunk_costs_its_record_in_every_branch() {
    let engine = engine(2, 500).custom_stage(|schema| Ok(Fragile(schema.clone())));
    let (outs, report) = run(
        engine,
        vec![Vec::new(), vec![StagePlan::Filter("n < 20".into())]],
    );
    assert_eq!(outs[0].lines().count(), 1 + 2999);
    assert_eq!(outs[1].lines().count(), 1 + 19);
    assert_eq!(report.records.rejected_by_kind["panic"], 1);
    assert!(report.records.balances(), "{:?}", report.records);
}

#[test]
fn plans_with_branches_are_read_and_refused_with_reason() {
    let read = |text: &str| Plan::from_toml(text).map_err(|error| error.to_string());
    let whole = "[source]\npath = 'a.csv'\n[[branch]]\nname = 'big'\nsink.path = 'b.csv'\n\
                 [[branch.stage]]\nfilter = 'n > 5'\n[[branch]]\nsink.path = 'c.csv'\n";
    let plan = read(whole).expect("a plan");
    assert_eq!(plan.branches.len(), 2);
    assert_eq!(plan.branches[0].stages, [StagePlan::Filter("n > 5".into())]);
    let prepared = |stage: StagePlan, names: [&str; 2], paths: [&str; 2]| {
        let mut builder = engine(1, 100).stage(stage);
        for (name, path) in names.into_iter().zip(paths) {
            builder = builder.branch(BranchPlan {
                name: Some(name.into()),
                stages: vec![StagePlan::Filter("m > 1".into())],
                sink: SinkPlan {
                    path: path.into(),
                    ..SinkPlan::default()
                },
            });
        }
        let engine = builder.build().expect("calls that make sense");
        engine.prepare().expect_err("it makes no sense").to_string()
    };
    let filter = || StagePlan::Filter("n > 1".into());
    let same = prepared(filter(), ["a", "b"], ["x.csv", "x.csv"]);
    assert!(same.contains("two branches write to `x.csv`"), "{same}");
    let same = prepared(filter(), ["a", "a"], ["x.csv", "y.csv"]);
    assert!(same.contains("two branches are called `a`"), "{same}");
    let fold = prepared(StagePlan::Limit(3), ["a", "b"], ["x.csv", "y.csv"]);
    assert!(fold.contains("put it into each of them"), "{fold}");
    let unknown = prepared(filter(), ["a", "b"], ["x.csv", "y.csv"]);
    assert!(
        unknown.contains("stage \"a: filter\": unknown column `m`"),
        "{unknown}"
    );
}
