//! Broken bytes and tight memory: what comes out does not depend on how the work is cut.

use std::fmt::Write;

use pelton::connect::{Input, MemorySink};
use pelton::plan::{ByteSize, EnginePlan, OnError, SourcePlan};
use pelton::{Account, Engine, EngineBuilder, Report};
use proptest::prelude::*;

/// What records and wreckage are made of.
const PIECES: [&[u8]; 16] = [
    b"a",
    b"7",
    b"\"",
    b"\"\"",
    b",",
    b",",
    b"\n",
    b"\n",
    b"\r\n",
    b"\r",
    b"\xff",
    b"\xc3\xa9",
    b"xxxxxxxxxxxx",
    b"1,2,3\n",
    b"4,\"5\",6\n",
    b"\"q,\nr\",8,9\n",
];

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..80)
        .prop_map(|pieces| pieces.concat())
}

/// The output and the report of `engine` over `input`.
fn run(
    input: Vec<u8>,
    engine: EnginePlan,
    stages: impl FnOnce(EngineBuilder) -> EngineBuilder,
) -> (Vec<u8>, Report) {
    let sink = MemorySink::default();
    let builder = Engine::builder()
        .source_plan(SourcePlan::default())
        .inputs(vec![Input::memory("input", input)])
        .engine(engine)
        .sink_to(sink.clone());
    let report = stages(builder).run().expect("the run comes to its end");
    assert!(report.records.balances(), "{:?}", report.records);
    (sink.take(), report)
}

fn cut(block_bytes: u64, workers: usize, record_bytes_max: u64) -> EnginePlan {
    EnginePlan {
        block_size: Some(ByteSize::new(block_bytes)),
        record_limit: Some(ByteSize::new(record_bytes_max)),
        workers: Some(workers),
        on_error: OnError::Skip,
        ..EnginePlan::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn what_is_whole_and_what_is_broken_does_not_depend_on_the_cut(
        body in body(),
        limit in prop::sample::select(vec![10, 25, 64, 1 << 20]),
    ) {
        let input = [b"a,b,c\n", body.as_slice()].concat();
        let outcome = |block, workers| -> (Vec<u8>, Account) {
            let select = |builder: EngineBuilder| builder.select(["c", "a"]);
            let (output, report) = run(input.clone(), cut(block, workers, limit), select);
            (output, report.records)
        };
        let whole = outcome(1 << 19, 1);
        for (block, workers) in [(1, 3), (7, 2), (40, 1), (100, 4)] {
            prop_assert_eq!(&outcome(block, workers), &whole, "{} {}", block, workers);
        }
    }
}

#[test]
fn groups_past_the_memory_leave_room_for_blocks() {
    const LIMIT: u64 = 12_000_000;
    let mut input = "id,v\n".to_owned();
    for id in 0..150_000 {
        writeln!(input, "{id},{}", id % 7).expect("a string takes all");
    }
    for workers in [1, 4, 7] {
        let engine = EnginePlan {
            workers: Some(workers),
            memory_limit: Some(ByteSize::new(LIMIT)),
            block_size: Some(ByteSize::new(16 << 10)),
            ..EnginePlan::default()
        };
        let group = |builder: EngineBuilder| builder.aggregate(["id"], [("s", "sum(v)")]);
        let (output, report) = run(input.clone().into_bytes(), engine, group);
        assert!(report.memory.spilled_bytes > 0, "{workers}");
        assert!(report.memory.reserved_bytes_max <= LIMIT, "{workers}");
        assert_eq!(
            output,
            input.replacen("id,v", "id,s", 1).into_bytes(),
            "{workers}"
        );
    }
}

#[test]
fn a_header_counts_as_read() {
    let input = b"\xef\xbb\xbfa,b\n1,2\n".to_vec();
    let bytes = input.len() as u64;
    let (output, report) = run(input, EnginePlan::default(), |builder| builder);
    assert_eq!(
        (output.as_slice(), report.read_bytes),
        (&b"a,b\n1,2\n"[..], bytes)
    );
}

#[test]
fn a_column_without_values_is_whatever_it_is_used_as() {
    let (output, _) = run(b"a,b\n,x\n".to_vec(), EnginePlan::default(), |builder| {
        builder
            .filter("b = 'x' AND (a > 3) IS NULL")
            .aggregate(Vec::<String>::new(), [("n", "count(*)"), ("s", "sum(a)")])
    });
    assert_eq!(output, b"n,s\n1,\n");
}
