//! Text through the engine, against the standard library, whatever the workers and blocks.

use pelton::connect::{Input, MemorySink};
use pelton::plan::{
    ByteSize, EnginePlan, FormatName, Processor, SinkPlan, SourcePlan, StagePlan, TextPlan,
};
use pelton::{Engine, EngineBuilder, Error, Report};

/// Lines of several kinds: blank ones, ones with letters beyond ASCII, with blanks at their ends.
fn lines() -> Vec<String> {
    let kinds = [
        "",
        "plain words here",
        "  Straße nach Zürich\t",
        "\u{3000}née\u{a0}",
        "x",
    ];
    (0..5000)
        .map(|number| format!("{}{number}", kinds[number % kinds.len()]))
        .collect()
}

fn engine(workers: usize, block: u64) -> EngineBuilder {
    let text = Some(FormatName::Text);
    let mut input = lines().join("\n");
    input.push('\n');
    Engine::builder()
        .source_plan(SourcePlan {
            format: text,
            ..SourcePlan::default()
        })
        .inputs(vec![Input::memory("lines", input)])
        .sink_plan(SinkPlan {
            format: text,
            ..SinkPlan::default()
        })
        .engine(EnginePlan {
            workers: Some(workers),
            block_size: Some(ByteSize::new(block)),
            ..EnginePlan::default()
        })
}

fn run(builder: EngineBuilder) -> Result<(String, Report), Error> {
    let sink = MemorySink::default();
    let report = builder.sink_to(sink.clone()).run()?;
    assert!(report.records.balances(), "{:?}", report.records);
    Ok((String::from_utf8(sink.take()).expect("text"), report))
}

fn apply(chain: &[Processor]) -> StagePlan {
    StagePlan::Text(TextPlan::of_lines(chain.iter().copied()))
}

fn reversed(line: &str) -> String {
    line.chars().rev().collect()
}

/// What the standard library makes of a line.
type Twin = fn(&str) -> String;

#[test]
fn chains_do_what_the_standard_library_does() {
    let chains: [(&[Processor], Twin); 4] = [
        (&[Processor::Uppercase], str::to_uppercase),
        (&[Processor::Lowercase], str::to_lowercase),
        (&[Processor::Trim, Processor::Uppercase], |line| {
            line.trim().to_uppercase()
        }),
        (&[Processor::Reverse, Processor::Trim], |line| {
            reversed(line).trim().to_owned()
        }),
    ];
    for (chain, twin) in chains {
        let expected: String = lines().iter().map(|line| twin(line) + "\n").collect();
        for (workers, block) in [(1, 1 << 20), (3, 100), (2, 7777)] {
            let (out, _) = run(engine(workers, block).stage(apply(chain))).expect("it runs");
            assert!(
                out == expected,
                "{chain:?} with {workers} workers, blocks of {block}"
            );
        }
    }
}

#[test]
fn words_are_counted_behind_a_chain() {
    let words: usize = lines()
        .iter()
        .map(|line| line.split_whitespace().count())
        .sum();
    let bytes: usize = lines()
        .iter()
        .map(|line| line.to_uppercase().len() + 1)
        .sum();
    for (workers, block) in [(1, 1 << 20), (3, 100)] {
        let chain = apply(&[Processor::Uppercase, Processor::Wordcount]);
        let (out, report) = run(engine(workers, block).stage(chain)).expect("it runs");
        assert_eq!(out, format!("5000 {words} {bytes}\n"));
        assert_eq!((report.records.folded, report.records.made), (5000, 1));
    }
}

#[test]
fn a_chain_that_makes_no_sense_is_refused() {
    let refused = |chain: &[Processor]| {
        let error = run(engine(1, 100).stage(apply(chain))).expect_err("it makes no sense");
        error.to_string()
    };
    let message = refused(&[Processor::Wordcount, Processor::Trim]);
    assert!(message.contains("nothing may follow it"), "{message}");
    assert!(refused(&[]).contains("names nothing to be done"));
}
