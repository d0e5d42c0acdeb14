//! The main job against a twin that goes row by row, and against itself under other settings.

use std::collections::BTreeMap;
use std::fmt::Write;

use pelton::connect::{Input, MemorySink};
use pelton::plan::{ByteSize, EnginePlan, OnError, SinkPlan};
use pelton::{Account, Engine, EngineBuilder, Report};
use proptest::prelude::*;

/// One order, as the twin sees it.
#[derive(Clone, Debug)]
struct Order {
    country: Option<String>,
    status: &'static str,
    quantity: Option<i64>,
    cents: i64,
}

fn order() -> impl Strategy<Value = Order> {
    let country = prop::option::of("(DE|FR|\"x, y\"|two\nlines|q\"q|é)");
    let status = prop::sample::select(vec!["shipped", "pending", "SHIPPED"]);
    let quantity = prop::option::of(0i64..12);
    (country, status, quantity, -500i64..100_000).prop_map(|(country, status, quantity, cents)| {
        Order {
            country,
            status,
            quantity,
            cents,
        }
    })
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

fn csv(orders: &[Order]) -> String {
    let mut text = "id,country,status,quantity,unit_price\n".to_owned();
    // One clean row decides the types.
    text.push_str("0,DE,none,1,0.00\n");
    for (id, order) in orders.iter().enumerate() {
        let Order {
            country,
            status,
            quantity,
            cents,
        } = order;
        let country = country.as_deref().map_or_else(String::new, quoted);
        let quantity = quantity.map_or_else(String::new, |quantity| quantity.to_string());
        let sign = if *cents < 0 { "-" } else { "" };
        let (whole, rest) = (cents.abs() / 100, cents.abs() % 100);
        writeln!(
            text,
            "{id},{country},{status},{quantity},{sign}{whole}.{rest:02}"
        )
        .expect("a string takes all");
    }
    text
}

fn money(cents: i128) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

/// Groups by country, row by row.
fn twin(orders: &[Order]) -> String {
    let mut groups: Vec<(Option<&str>, i64, i128, i128)> = Vec::new();
    for Order {
        country,
        status,
        quantity,
        cents,
    } in orders
    {
        let Some(quantity) = quantity.filter(|quantity| *status == "shipped" && *quantity > 5)
        else {
            continue;
        };
        let total = i128::from(quantity * cents);
        let key = country.as_deref();
        match groups.iter_mut().find(|(other, ..)| *other == key) {
            Some((_, count, sum, max)) => {
                *count += 1;
                *sum += total;
                *max = total.max(*max);
            }
            None => groups.push((key, 1, total, total)),
        }
    }
    let mut text = "country,orders,revenue,biggest\n".to_owned();
    for (key, count, sum, max) in groups {
        let key = key.map_or_else(String::new, quoted);
        writeln!(text, "{key},{count},{},{}", money(sum), money(max)).expect("a string takes all");
    }
    text
}

/// Runs a pipeline over `text` in memory, and gives what it wrote.
fn run(
    text: &str,
    engine: EnginePlan,
    stages: impl Fn(EngineBuilder) -> EngineBuilder,
) -> (String, Report) {
    let sink = MemorySink::default();
    let builder = Engine::builder()
        .inputs(vec![Input::memory("orders", text.to_owned().into_bytes())])
        .engine(engine)
        .sink_plan(SinkPlan::default())
        .sink_to(sink.clone());
    let report = stages(builder).run().expect("the run comes to its end");
    assert!(report.records.balances(), "{:?}", report.records);
    (String::from_utf8(sink.take()).expect("text"), report)
}

fn group(builder: EngineBuilder) -> EngineBuilder {
    let compute = [
        ("orders", "count(*)"),
        ("revenue", "sum(total)"),
        ("biggest", "max(total)"),
    ];
    builder
        .filter("status = 'shipped' AND quantity > 5")
        .derive("total", "quantity * unit_price")
        .aggregate(["country"], compute)
}

fn settings() -> impl Strategy<Value = EnginePlan> {
    let sizes = prop::option::of(1u64..5000);
    (1usize..5, sizes, 4u64..64, any::<bool>()).prop_map(|(workers, block, megabytes, pin)| {
        EnginePlan {
            workers: Some(workers),
            block_size: block.map(ByteSize::new),
            memory_limit: Some(ByteSize::new(megabytes * 1_000_000)),
            pin,
            ..EnginePlan::default()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn groups_equal_those_of_a_naive_twin(
        orders in prop::collection::vec(order(), 0..300),
        engine in settings(),
    ) {
        let (text, report) = run(&csv(&orders), engine, group);
        prop_assert_eq!(text, twin(&orders));
        prop_assert_eq!(report.records.read, orders.len() as u64 + 1);
    }

    #[test]
    fn rows_do_not_depend_on_settings(
        orders in prop::collection::vec(order(), 0..300),
        engine in settings(),
    ) {
        let stages = |builder: EngineBuilder| {
            builder.filter("quantity IS NOT NULL").derive("total", "quantity * unit_price")
        };
        let text = csv(&orders);
        let one = EnginePlan { workers: Some(1), ..EnginePlan::default() };
        prop_assert_eq!(run(&text, engine, stages).0, run(&text, one, stages).0);
    }

    #[test]
    fn float_sums_do_not_depend_on_settings(
        values in prop::collection::vec(prop::num::f64::NORMAL, 1..200),
        engine in settings(),
    ) {
        let mut text = "x\n".to_owned();
        values.iter().for_each(|value| writeln!(text, "{value:e}").unwrap());
        let sum = |builder: EngineBuilder| builder.aggregate::<&str, _, _>([], [("s", "sum(x)")]);
        let one = EnginePlan { workers: Some(1), ..EnginePlan::default() };
        prop_assert_eq!(run(&text, engine, sum).0, run(&text, one, sum).0);
    }

    #[test]
    fn broken_records_are_counted_by_kind_whatever_the_settings(
        orders in prop::collection::vec(order(), 0..120),
        faults in prop::collection::vec((0usize..120, 0usize..4), 0..20),
        engine in settings(),
    ) {
        let (text, expected, whole) = with_faults(&orders, &faults);
        let engine = EnginePlan { on_error: OnError::Skip, ..engine };
        let sink = MemorySink::default();
        let input = Input::memory("orders", text);
        let builder = Engine::builder().inputs(vec![input]).engine(engine).sink_to(sink.clone());
        let report = group(builder).run().unwrap();
        let Account { rejected_by_kind, .. } = report.records;
        prop_assert_eq!(rejected_by_kind, expected);
        prop_assert_eq!(String::from_utf8(sink.take()).unwrap(), twin(&whole));
    }
}

/// Breaks some of the orders; gives the text, the number of each kind, and the orders left whole.
fn with_faults(
    orders: &[Order],
    faults: &[(usize, usize)],
) -> (Vec<u8>, BTreeMap<&'static str, u64>, Vec<Order>) {
    const BROKEN: [(&str, &[u8]); 4] = [
        ("field_count", b"1,DE,shipped\n"),
        ("value", b"1,DE,shipped,six,1.00\n"),
        ("utf8", b"1,\xff,shipped,6,1.00\n"),
        ("quote", b"1,DE,shipped,6,\"1.00\n"),
    ];
    let mut text = csv(&[]).into_bytes();
    let mut expected = BTreeMap::new();
    let mut whole = Vec::new();
    // So many whole rows that the broken ones cannot sway the types.
    for _ in 0..200 {
        text.extend_from_slice(b"0,DE,none,1,0.00\n");
    }
    let header = csv(&[]).len();
    for (index, order) in orders.iter().enumerate() {
        if let Some((_, fault)) = faults.iter().find(|(at, _)| *at == index) {
            let (kind, bytes) = BROKEN[*fault];
            *expected.entry(kind).or_default() += 1;
            text.extend_from_slice(bytes);
        } else {
            text.extend_from_slice(&csv(std::slice::from_ref(order)).into_bytes()[header..]);
            whole.push(order.clone());
        }
    }
    (text, expected, whole)
}

#[test]
fn decimals_add_up_as_people_expect() {
    let text = format!("x\n{}", "0.10\n".repeat(1000));
    let sum = |builder: EngineBuilder| builder.aggregate::<&str, _, _>([], [("s", "sum(x)")]);
    assert_eq!(run(&text, EnginePlan::default(), sum).0, "s\n100.00\n");
}

#[test]
fn the_first_bad_record_is_the_one_that_is_told() {
    let mut text = "n,m\n".to_owned();
    (0..5000).for_each(|n| {
        writeln!(
            text,
            "{n},{}",
            if n == 3333 || n > 4000 { "x" } else { "1" }
        )
        .unwrap()
    });
    for workers in [1, 2, 4] {
        let engine = EnginePlan {
            workers: Some(workers),
            block_size: Some(ByteSize::new(100)),
            ..EnginePlan::default()
        };
        let error = Engine::builder()
            .inputs(vec![Input::memory("numbers", text.clone().into_bytes())])
            .engine(engine)
            .filter("m + 1 > 0")
            .sink_to(MemorySink::default())
            .run()
            .unwrap_err();
        let expected = "numbers: line 3335, byte 22225: stage \"csv\": column m: expected int64, \
                        found \"x\" (on_error = \"skip\" or \"dead_letter\" goes on \
                        without such records)";
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn records_past_the_limit_are_refused_and_the_rest_is_read() {
    let text = format!("a,b\n1,x\n2,{}\n3,z\n", "y".repeat(5000));
    let engine = EnginePlan {
        record_limit: Some(ByteSize::new(1000)),
        block_size: Some(ByteSize::new(64)),
        on_error: OnError::Skip,
        ..EnginePlan::default()
    };
    let (out, report) = run(&text, engine, |builder| builder.filter("a > 0"));
    assert_eq!(out, "a,b\n1,x\n3,z\n");
    assert_eq!(report.records.rejected_by_kind["too_large"], 1);
}

#[test]
fn errors_of_expressions_cost_their_record_alone() {
    let engine = EnginePlan {
        on_error: OnError::Skip,
        ..EnginePlan::default()
    };
    let (out, report) = run("a,b\n6,2\n1,0\n9,3\n", engine, |builder| {
        builder.derive("q", "a / b")
    });
    assert_eq!(out, "a,b,q\n6,2,3\n9,3,3\n");
    assert_eq!(report.records.rejected_by_kind["expression"], 1);
}
