//! Built-in stages over payloads: the same answers as a filter by hand, and nobody suffers for a
//! neighbour.

use std::collections::BTreeMap;

use pelton::Engine;
use pelton::embed::{Builder, FailureKind, FormatName, Outcome, OverBudget, Processed, StagePlan};
use pelton::record::RejectedKind;
use proptest::prelude::*;

/// What became of payload after payload: the new payload, none for a filtered one, or the failure.
type Told = Result<Option<String>, (FailureKind, String)>;

fn work(builder: Builder, payloads: &[impl AsRef<[u8]>]) -> Vec<Told> {
    let (engine, mut submitter, receiver) = builder
        .workers(1)
        .input_capacity(payloads.len().max(1))
        .return_filtered(true)
        .start()
        .expect("it makes sense");
    engine.pause();
    for (payload, id) in payloads.iter().zip(0..) {
        let record: Result<_, OverBudget> = submitter.record(id, 0, payload.as_ref());
        submitter
            .submit(record.expect("no limit"))
            .expect("there is room");
    }
    let stats = engine.stop().stats;
    assert!(stats.balances());
    let told: BTreeMap<u64, Told> = receiver.map(tell).collect();
    assert_eq!(told.len(), payloads.len());
    told.into_values().collect()
}

fn tell(processed: Processed) -> (u64, Told) {
    let payload = String::from_utf8_lossy(&processed.record.payload).into_owned();
    let told = match processed.outcome {
        Outcome::Delivered => Ok(Some(payload)),
        Outcome::Filtered => Ok(None),
        Outcome::Rejected(failure) => Err((failure.kind, failure.reason)),
    };
    (processed.record.id, told)
}

fn levels() -> Builder {
    Engine::embedded().field("level", "int64")
}

#[test]
fn what_only_filters_leaves_payloads_as_they_are() {
    let payloads = [
        r#"{"a": 1,  "level":3}"#,
        r#"{"level":1}"#,
        "{\"level\":4}\n",
    ];
    let told = work(levels().filter("level > 2"), &payloads);
    let kept = |payload: &str| Ok(Some(payload.to_owned()));
    assert_eq!(told, [kept(payloads[0]), Ok(None), kept(payloads[2])]);
}

#[test]
fn bad_payloads_are_rejected_alone() {
    let payloads = [
        r#"{"level":3}"#,
        r#"{"level":"#,
        "",
        "{\"level\":3}\n{\"level\":4}",
        r#"{"level":"three"}"#,
        r#"{"level":0}"#,
        r#"{"level":5}"#,
    ];
    let told = work(levels().filter("12 / level > 2"), &payloads);
    assert_eq!(told[0], Ok(Some(payloads[0].to_owned())));
    let kind = |index: usize| told[index].as_ref().unwrap_err().0;
    assert!(matches!(kind(1), FailureKind::Data(_)));
    for (index, found) in [(2, 0), (3, 2)] {
        let reason = format!("expected one record as the payload, found {found}");
        assert_eq!(told[index], Err((FailureKind::Stage, reason)));
    }
    assert_eq!(kind(4), FailureKind::Data(RejectedKind::Value));
    assert_eq!(kind(5), FailureKind::Data(RejectedKind::Expression));
    assert_eq!(told[6], Ok(None));
}

#[test]
fn stages_of_both_kinds_see_what_those_before_made() {
    let builder = levels()
        .filter("level > 0")
        .derive("twice", "level * 2")
        .update("shout", |record| record.payload.make_ascii_uppercase())
        .field("LEVEL", "int64")
        .field("TWICE", "int64")
        .built_in(StagePlan::Select(vec!["\"TWICE\" + 1 AS more".to_owned()]));
    let told = work(builder, &[r#"{"level":3}"#, r#"{"level":0}"#]);
    assert_eq!(told, [Ok(Some(r#"{"more":7}"#.to_owned())), Ok(None)]);
}

#[test]
fn lines_of_text_have_one_column() {
    let builder = Engine::embedded()
        .format(FormatName::Text)
        .filter("line LIKE '%error%'");
    let told = work(builder, &["an error", "all is well"]);
    assert_eq!(told, [Ok(Some("an error".to_owned())), Ok(None)]);
}

#[test]
fn what_cannot_be_bound_is_told_at_the_start() {
    let told = |builder: Builder| builder.start().expect_err("no sense").to_string();
    let message = told(levels().filter("levl > 2"));
    assert!(message.contains("levl"), "{message}");
    let message = told(levels().built_in(StagePlan::Limit(3)));
    assert!(message.contains("need an input with an end"), "{message}");
    let message = told(levels().format(FormatName::Csv).filter("a = 'b'"));
    assert!(message.contains("csv needs a header"), "{message}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn answers_are_those_of_a_filter_by_hand(
        levels_in in prop::collection::vec(prop_oneof![
            (-5..5i64).prop_map(Some),
            Just(None),
        ], 1..60),
        batch in 1..20usize,
    ) {
        let payload = |level: &Option<i64>| match level {
            Some(level) => format!("{{\"level\":{level}}}"),
            None => "{".to_owned(),
        };
        let payloads: Vec<_> = levels_in.iter().map(payload).collect();
        let builder = levels().batch(batch).filter("level > 0").derive("next", "level + 1");
        let told = work(builder, &payloads);
        for (told, level) in told.iter().zip(&levels_in) {
            match level {
                Some(level @ 1..) => {
                    let expected = format!("{{\"level\":{level},\"next\":{}}}", level + 1);
                    prop_assert_eq!(told, &Ok(Some(expected)));
                }
                Some(_) => prop_assert_eq!(told, &Ok(None)),
                None => prop_assert!(told.is_err()),
            }
        }
    }
}
