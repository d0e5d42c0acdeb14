//! Stages one by one through the engine: what comes out, and that the account balances.

use std::sync::Arc;

use pelton::connect::{Input, MemorySink};
use pelton::plan::{OnError, Plan, StagePlan};
use pelton::record::{Batch, Schema, Value};
use pelton::stage::{Error, Stage};
use pelton::{Engine, EngineBuilder, Report};

const TRIPS: &str = "city,trips,km\nOslo,7,1.50\nBern,12,0.25\nOslo,3,2.00\nRome,12,9.75\n";

fn run(builder: EngineBuilder) -> (String, Report) {
    let sink = MemorySink::default();
    let report = builder.sink_to(sink.clone()).run().expect("it runs");
    assert!(report.records.balances(), "{:?}", report.records);
    (String::from_utf8(sink.take()).expect("text"), report)
}

fn trips() -> EngineBuilder {
    Engine::builder().inputs(vec![Input::memory("trips", TRIPS)])
}

#[test]
fn columns_are_dropped_that_nobody_else_mentions() {
    let (out, _) = run(trips().stage(StagePlan::Drop(vec!["trips".into()])));
    assert_eq!(out, "city,km\nOslo,1.50\nBern,0.25\nOslo,2.00\nRome,9.75\n");
}

#[test]
fn a_record_without_columns_is_refused() {
    let refused = |stage: StagePlan| {
        let engine = trips()
            .stage(stage)
            .sink("-")
            .build()
            .expect("calls that make sense");
        engine.prepare().expect_err("nothing is left").to_string()
    };
    assert!(refused(StagePlan::Select(Vec::new())).contains("a select without columns"));
    let all = ["city", "trips", "km"].map(str::to_owned);
    assert!(refused(StagePlan::Drop(all.into())).contains("no column would be left"));
}

#[test]
fn columns_are_renamed_and_selected() {
    let renamed = StagePlan::Rename([("km", "distance")].into_iter().collect());
    let (out, _) = run(trips()
        .stage(renamed)
        .select(["upper(city) AS c", "distance"])
        .limit(1));
    assert_eq!(out, "c,distance\nOSLO,1.50\n");
}

#[test]
fn duplicates_are_counted_as_such() {
    let (out, report) = run(trips().stage(StagePlan::Distinct(vec!["city".into()])));
    assert_eq!(
        out,
        "city,trips,km\nOslo,7,1.50\nBern,12,0.25\nRome,12,9.75\n"
    );
    assert_eq!(report.records.deduplicated, 1);
    assert_eq!((report.records.folded, report.records.made), (0, 0));
}

#[test]
fn sorted_rows_are_the_rows_that_were_read() {
    let (out, report) = run(trips().sort(["trips DESC", "length(city) + km"]));
    assert_eq!(
        out,
        "city,trips,km\nBern,12,0.25\nRome,12,9.75\nOslo,7,1.50\nOslo,3,2.00\n"
    );
    assert_eq!((report.records.written, report.records.made), (4, 0));
}

#[test]
fn rows_beyond_the_limit_are_filtered_out() {
    let (out, report) = run(trips().sort(["km"]).stage(StagePlan::Skip(1)).limit(2));
    assert_eq!(out, "city,trips,km\nOslo,7,1.50\nOslo,3,2.00\n");
    assert_eq!(report.records.filtered, 2);
}

#[test]
fn figures_may_be_computed_from_aggregates() {
    let figures = [
        ("mean", "sum(km) / count(*)"),
        ("far", "max(km) + 1"),
        ("n", "count(DISTINCT trips)"),
    ];
    let (out, _) = run(trips().aggregate(["lower(city) AS town"], figures));
    let expected = "town,mean,far,n\noslo,1.7500000000000000,3.00,2\n\
                    bern,0.2500000000000000,1.25,1\nrome,9.7500000000000000,10.75,1\n";
    assert_eq!(out, expected);
}

#[test]
fn broken_rules_are_rejections_with_the_name_of_the_rule() {
    let rules = StagePlan::Validate([("short trips", "km < 5")].into_iter().collect());
    let (out, report) = run(trips()
        .stage(rules)
        .on_error(OnError::Skip)
        .select(["city"]));
    assert_eq!(out, "city\nOslo\nBern\nOslo\n");
    assert_eq!(report.records.rejected_by_kind["rule"], 1);
}

#[test]
fn select_takes_aggregates_order_and_having() {
    let query = "SELECT city AS c, sum(trips) AS n FROM 'x.csv' GROUP BY city \
                 HAVING count(*) < 3 ORDER BY n DESC, c LIMIT 2";
    let sink = MemorySink::default();
    let plan = pelton::sql::plan(query).expect("a query");
    let engine = Engine::from_plan(plan)
        .inputs(vec![Input::memory("x", TRIPS)])
        .sink(sink.clone());
    engine.run().expect("it runs");
    assert_eq!(sink.take(), b"c,n\nBern,12\nRome,12\n");
}

#[test]
fn settings_keep_the_order_of_names() {
    let plan = Plan::from_toml(
        "source.path = '-'\nsink.path = '-'\n[[stage]]\nderive = { z = '1', a = 'z + 1' }\n",
    )
    .expect("a plan");
    let StagePlan::Derive(derived) = &plan.set("engine.workers", "1").expect("a key").stages[0]
    else {
        panic!("a derive stays one");
    };
    let names: Vec<&str> = derived.0.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["z", "a"]);
}

#[test]
fn records_with_names_need_not_have_the_same() {
    let inputs = vec![
        Input::memory("a", "{\"x\":1,\"y\":2}\n"),
        Input::memory("b", "{\"y\":5}\n{\"x\":3,\"z\":0}\n"),
    ];
    let source = pelton::plan::SourcePlan {
        format: Some(pelton::plan::FormatName::Ndjson),
        ..Default::default()
    };
    let builder = Engine::builder()
        .source_plan(source)
        .inputs(inputs)
        .select(["x", "y"]);
    assert_eq!(run(builder).0, "x,y\n1,2\n,5\n3,\n");
}

/// Panics on one value, as a stage of somebody else's might.
struct Fragile {
    output: Arc<Schema>,
}

impl Stage for Fragile {
    fn name(&self) -> &str {
        "fragile"
    }

    fn output(&self) -> &Arc<Schema> {
        &self.output
    }

    fn apply(&self, batch: &mut Batch) -> Result<(), Error> {
        for row in 0..batch.rows() {
            assert_ne!(
                batch.column(0).value(row),
                Value::Int64(13),
                "13 is bad luck"
            );
        }
        Ok(())
    }
}

#[test]
fn a_panic_costs_its_record_alone() {
    let numbers: String = (0..2000)
        .map(|number| format!("{}\n", number % 1000))
        .collect();
    let builder = Engine::builder()
        .inputs(vec![Input::memory("numbers", format!("n\n{numbers}"))])
        .on_error(OnError::Skip)
        .custom_stage(|schema| {
            Ok(Fragile {
                output: schema.clone(),
            })
        });
    let (out, report) = run(builder);
    assert_eq!(out.lines().count(), 1 + 1998);
    assert_eq!(report.records.rejected_by_kind["panic"], 2);
}

#[test]
fn a_log_is_taken_apart_by_its_pattern() {
    let line = "10.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /a?b=1 HTTP/1.0\" \
                200 23 \"-\" \"-\"\n";
    let source = pelton::plan::SourcePlan {
        format: Some(pelton::plan::FormatName::Log),
        ..Default::default()
    };
    let builder = Engine::builder()
        .source_plan(source)
        .inputs(vec![Input::memory("log", format!("{line}nonsense\n"))])
        .on_error(OnError::Skip)
        .select(["path", "status"]);
    let (out, report) = run(builder);
    assert_eq!(out, "path,status\n/a,200\n");
    assert_eq!(report.records.rejected_by_kind["syntax"], 1);
}
