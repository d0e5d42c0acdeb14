//! The stage `parse`, held against twins that read each value alone: JSON by `serde_json`, fields
//! and log lines by hand.

use pelton::connect::{Input, MemorySink};
use pelton::plan::Plan;
use pelton::{Engine, Report};
use proptest::prelude::*;
use serde_json::{Value, json};

fn engine(stage: &str, settings: &str, input: &str) -> Engine {
    let text = format!(
        "source = {{ path = '-', format = 'ndjson', schema = {{ id = 'int64', m = 'string' }} }}\n\
         sink = {{ path = '-', format = 'ndjson' }}\n[[stage]]\n{stage}\n\
         [engine]\n{settings}\n"
    );
    let plan = Plan::from_toml(&text).expect("a plan");
    Engine::from_plan(plan).inputs(vec![Input::memory("x", input.to_owned())])
}

/// The records that come out, and the report.
fn run(stage: &str, settings: &str, messages: &[Option<String>]) -> (Vec<Value>, Report) {
    let record = |(id, m): (usize, &Option<String>)| json!({"id": id, "m": m}).to_string() + "\n";
    let input: String = messages.iter().enumerate().map(record).collect();
    let sink = MemorySink::default();
    let settings = format!("on_error = 'skip'\n{settings}");
    let engine = engine(stage, &settings, &input).sink(sink.clone());
    let report = engine.run().expect("it runs");
    assert!(report.records.balances(), "{:?}", report.records);
    let out = String::from_utf8(sink.take()).expect("text");
    let read = |line| serde_json::from_str(line).expect("JSON");
    (out.lines().map(read).collect(), report)
}

fn texts(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|&text| Some(text.to_owned())).collect()
}

/// What is left when each message becomes the columns that `twin` finds in it: nothing for bad
/// ones, and nulls for null.
fn expected(
    messages: &[Option<String>],
    names: &[&str],
    null: bool,
    twin: impl Fn(&str) -> Option<Vec<Value>>,
) -> Vec<Value> {
    let nulls = || vec![Value::Null; names.len()];
    let record = |(id, message): (usize, &Option<String>)| {
        let found = match message {
            None => Some(nulls()),
            Some(text) => twin(text).or_else(|| null.then(nulls)),
        };
        let mut record = json!({"id": id, "m": message});
        for (name, value) in names.iter().zip(found?) {
            record[*name] = value;
        }
        Some(record)
    };
    messages.iter().enumerate().filter_map(record).collect()
}

/// The columns `user.id`, int64, and `city`, string, of JSON text.
fn json_twin(text: &str) -> Option<Vec<Value>> {
    let value: Value = serde_json::from_str(text).ok().filter(Value::is_object)?;
    let id = value["user"]["id"].clone();
    let city = match &value["city"] {
        Value::Null | Value::String(_) => value["city"].clone(),
        other => Value::String(other.to_string()),
    };
    (id.is_null() || id.is_i64()).then_some(vec![id, city])
}

/// The columns `a`, int64, and `b`, string, of two fields; empty ones without quotes are null.
fn csv_twin(mut text: &str) -> Option<Vec<Value>> {
    // Blank lines before and after the record are none.
    while let Some(rest) = text.strip_prefix('\n').or(text.strip_prefix("\r\n")) {
        text = rest;
    }
    while let Some(rest) = text.strip_suffix("\r\n").or(text.strip_suffix('\n')) {
        text = rest;
    }
    let (mut fields, mut rest) = (Vec::new(), text);
    loop {
        let (value, after) = match rest.strip_prefix('"') {
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let plain = &rest[..end];
                if plain.contains(['"', '\n']) {
                    return None;
                }
                let value = (!plain.is_empty()).then(|| plain.to_owned());
                (value, &rest[end..])
            }
            Some(mut inner) => {
                let mut value = String::new();
                loop {
                    let end = inner.find('"')?;
                    value.push_str(&inner[..end]);
                    inner = &inner[end + 1..];
                    match inner.strip_prefix('"') {
                        Some(more) => {
                            value.push('"');
                            inner = more;
                        }
                        None => break (Some(value), inner),
                    }
                }
            }
        };
        fields.push(value);
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None if after.is_empty() => break,
            None => return None,
        }
    }
    let [a, b] = <[Option<String>; 2]>::try_from(fields).ok()?;
    let a = match a {
        None => Value::Null,
        Some(a) => json!(a.trim_ascii().parse::<i64>().ok()?),
    };
    Some(vec![a, json!(b)])
}

const JSON: &str = "parse = { column = 'm', format = 'ndjson', \
                    schema = { 'user.id' = 'int64', city = 'string' } }";
const CSV: &str = "parse = { column = 'm', format = 'csv', \
                   schema = { a = 'int64', b = 'string' }, prefix = 'm_' }";

#[test]
fn json_text_becomes_columns() {
    let messages = texts(&[
        r#"{"user": {"id": 7}, "city": "Oslo"}"#,
        r#"{"user": {"id": "x"}}"#,
        "{\n  \"city\": \"Bern\",\n  \"user\": {\n    \"id\": -1\n  }\n}\n",
        "{\"city\": \"no\nend\"}",
        "",
        "[1]",
        "{} {}",
        "{\"city\": [1,2]}",
    ]);
    let names = ["user.id", "city"];
    let (out, report) = run(JSON, "", &messages);
    assert_eq!(out, expected(&messages, &names, false, json_twin));
    assert_eq!(out.len(), 3);
    assert_eq!(report.records.rejected_by_kind["value"], 1);
    assert_eq!(report.records.rejected_by_kind["syntax"], 4);
    let nulls = JSON.replace("} }", "}, on_bad = 'null' }");
    let (out, _) = run(&nulls, "", &messages);
    assert_eq!(out, expected(&messages, &names, true, json_twin));
}

#[test]
fn a_line_of_a_log_becomes_columns() {
    let stage = "parse = { column = 'm', format = 'log', pattern = '[%{level}] %{n}: %{text}', \
                 schema = { n = 'int64', text = 'string' } }";
    let messages = texts(&[
        "[info] 3: up",
        "[info] x: up",
        "down",
        "[a] 1: b\n[a] 2: c",
        "[w] 4: \n",
    ]);
    let (out, report) = run(stage, "", &messages);
    let left = [
        json!({"id": 0, "m": messages[0], "n": 3, "text": "up"}),
        json!({"id": 4, "m": messages[4], "n": 4, "text": null}),
    ];
    assert_eq!(out, left);
    assert_eq!(report.records.rejected_by_kind["syntax"], 2);
    assert_eq!(report.records.rejected_by_kind["value"], 1);
    let all = "parse = { column = 'm', format = 'log', pattern = 'common' }";
    let line = r#"::1 - ann [10/Oct/2000:13:55:36 -0700] "GET /a?b=1 HTTP/1.1" 200 23"#;
    let (out, _) = run(all, "", &texts(&[line]));
    assert_eq!(
        (&out[0]["path"], &out[0]["status"]),
        (&json!("/a"), &json!(200))
    );
}

#[test]
fn a_column_is_replaced_where_it_stands_and_stages_go_on_with_the_new_ones() {
    let stage = "parse = { column = 'm', format = 'tsv', schema = { m = 'int64', n = 'int64' } }\n\
                 [[stage]]\nfilter = 'm + n > 3'\n[[stage]]\nselect = ['n', 'm', 'id']";
    let (out, report) = run(stage, "", &texts(&["1\t2", "2\t2", "3"]));
    assert_eq!(out, [json!({"n": 2, "m": 2, "id": 1})]);
    assert_eq!(report.records.rejected_by_kind["field_count"], 1);
}

#[test]
fn branches_parse_for_themselves() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let text = format!(
        "source = {{ path = '-', format = 'ndjson', schema = {{ m = 'string' }} }}\n\
         engine.on_error = 'skip'\n\
         [[branch]]\nsink = {{ path = '{}', format = 'ndjson' }}\n[[branch.stage]]\n\
         parse = {{ column = 'm', format = 'csv', schema = {{ a = 'int64' }} }}\n\
         [[branch]]\nsink = {{ path = '{}', format = 'ndjson' }}\n[[branch.stage]]\n\
         parse = {{ column = 'm', format = 'ndjson', schema = {{ b = 'string' }} }}\n",
        path("a"),
        path("b")
    );
    let plan = Plan::from_toml(&text).expect("a plan");
    let input = "{\"m\":\"5\"}\n{\"m\":\"{\\\"b\\\":1}\"}\n";
    let engine = Engine::from_plan(plan).inputs(vec![Input::memory("x", input)]);
    assert!(engine.run().expect("it runs").records.balances());
    let read = |name: &str| std::fs::read_to_string(path(name)).expect("output");
    assert_eq!(read("a"), "{\"m\":\"5\",\"a\":5}\n");
    assert_eq!(read("b"), "{\"m\":\"{\\\"b\\\":1}\",\"b\":\"1\"}\n");
}

#[test]
fn what_is_wrong_is_told_with_stage_column_and_reason() {
    let input = "{\"id\":1,\"m\":\"{\\\"city\\\":\"}\n";
    let failing = engine(JSON, "on_error = 'fail'", input);
    let told = failing.sink(MemorySink::default()).run();
    let told = told.expect_err("a bad text").to_string();
    assert!(
        told.contains("line 1") && told.contains("stage \"parse\": `m` as ndjson"),
        "{told}"
    );
    let refused = |stage: &str, part: &str| {
        let told = engine(stage, "", "{}")
            .prepare()
            .expect_err(stage)
            .to_string();
        assert!(
            told.contains("stage \"parse\"") && told.contains(part),
            "{told}"
        );
    };
    refused(
        "parse = { column = 'm', format = 'csv' }",
        "`schema` is missing",
    );
    refused(
        "parse = { column = 'm', format = 'table' }",
        "ndjson, csv, tsv or log",
    );
    refused(
        "parse = { column = 'id', format = 'log' }",
        "`id` is int64, not text",
    );
    refused(
        "parse = { column = 'n', format = 'log' }",
        "unknown column `n`",
    );
    refused(
        "parse = { column = 'm', format = 'log', schema = { statu = 'int64' } }",
        "`status`",
    );
    refused(
        "parse = { column = 'm', format = 'ndjson', schema = { a = 'in' } }",
        "unknown type",
    );
    refused(
        "parse = { column = 'm', format = 'ndjson', pattern = 'common' }",
        "for the format log",
    );
}

fn message(parts: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    let text = prop::collection::vec(prop::sample::select(parts), 0..9);
    prop::option::weighted(0.95, text.prop_map(|parts| parts.concat()))
}

const SETTINGS: [&str; 3] = [
    "workers = 1",
    "workers = 3\nblock_size = '4KiB'",
    "workers = 2",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn fields_are_those_that_a_twin_finds(
        messages in prop::collection::vec(
            message(&["1", "22", ",", ",", "a", "\"", "\"\"", "\n", "\r\n", " ", "5,\"x\"", "7,é"]),
            1..40,
        ),
        settings in prop::sample::select(&SETTINGS[..]),
    ) {
        let twin = expected(&messages, &["m_a", "m_b"], false, csv_twin);
        prop_assert_eq!(run(CSV, settings, &messages).0, twin);
    }

    #[test]
    fn members_are_those_that_serde_json_finds(
        messages in prop::collection::vec(
            message(&[
                "{", "}", "\"city\":", "\"a\"", ",", "{\"user\":{\"id\":4}}", "\n", " ",
                "{\"city\":\"b\"", "\"user\":{\"id\":5}", "\"é\\n\"", "{\"city\":\"q\\\"\"}",
            ]),
            1..40,
        ),
        settings in prop::sample::select(&SETTINGS[..]),
    ) {
        let twin = expected(&messages, &["user.id", "city"], false, json_twin);
        prop_assert_eq!(run(JSON, settings, &messages).0, twin);
    }
}
