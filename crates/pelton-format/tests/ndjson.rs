//! NDJSON against serde_json as an oracle, and the rules one by one.

use pelton_format::{Format, Limits, Ndjson};
use pelton_record::{Batch, Block, Column, DataType, Origin, RejectedKind, Schema, Value};

fn decode(schema: &Schema, text: &[u8]) -> Batch {
    let wanted: Vec<usize> = (0..schema.len()).collect();
    let mut decoder = Ndjson::default().decoder(schema, &wanted);
    decoder.decode(Block::new(text.to_vec()), Origin::default())
}

fn texts<const N: usize>(names: [&str; N]) -> Schema {
    Schema::of(names.map(|name| (name, DataType::String)))
}

/// The cells of a batch as text, `-` for null.
fn cells(batch: &Batch) -> Vec<Vec<String>> {
    let cell = |row: usize, column: &Column| match column.value(row) {
        Value::Null => "-".to_owned(),
        value => value.to_string(),
    };
    let row = |row| {
        batch
            .columns()
            .iter()
            .map(|column| cell(row, column))
            .collect()
    };
    (0..batch.rows()).map(row).collect()
}

/// Decodes one record that should be fine.
fn check<const N: usize>(text: &str, names: [&str; N], expected: [&str; N]) {
    let batch = decode(&texts(names), text.as_bytes());
    assert_eq!(batch.rejected(), [], "{text}");
    assert_eq!(cells(&batch), [expected.map(str::to_owned)], "{text}");
}

fn check_refused(text: &str, kind: RejectedKind, reason: &str) {
    let whole = format!("{{\"a\":\"before\"}}\n{text}\n{{\"a\":\"after\"}}\n");
    let batch = decode(&texts(["a"]), whole.as_bytes());
    assert_eq!(cells(&batch), [["before"], ["after"]], "{text}");
    let [rejected] = batch.rejected() else {
        panic!("{text}: {:?}", batch.rejected());
    };
    assert_eq!(
        (rejected.kind, rejected.reason.as_str()),
        (kind, reason),
        "{text}"
    );
    assert_eq!(rejected.extent.of(batch.block()), text.as_bytes());
}

#[test]
fn smoke() {
    let text = br#"{"id": 1, "price": 2.50, "ok": true, "at": "2024-01-31T12:00:00Z", "x": null}
{"id": 2, "price": 3, "ok": false, "at": "2024-02-01", "name": "Ann"}
"#;
    let opened = Ndjson::default().open(text, true).unwrap();
    assert_eq!(
        opened.schema.to_string(),
        "id int64, price decimal(38,2), ok bool, at timestamp, x string, name string"
    );
    let batch = decode(&opened.schema, text);
    assert_eq!(batch.rejected(), []);
    assert_eq!(batch.column(0).value(1), Value::Int64(2));
    assert_eq!(batch.column(2).value(0), Value::Bool(true));
    assert_eq!(batch.column(5).value(0), Value::Null);
    assert_eq!(batch.column(5).value(1), Value::String("Ann"));
    assert_eq!(batch.lines(), 2);
}

#[test]
fn paths_lead_into_objects_and_arrays() {
    let record = r#"{"user":{"address":{"city":"Oslo"},"n":[1,{"x":2}]},"tags":["a","b"]}"#;
    check(record, ["user.address.city"], ["Oslo"]);
    check(record, ["user.n.1.x", "tags.0", "tags.2"], ["2", "a", "-"]);
    check(
        record,
        ["user.address", "user.address.city"],
        ["{\"city\":\"Oslo\"}", "Oslo"],
    );
    check(record, ["tags", "tags.1"], ["[\"a\",\"b\"]", "b"]);
    check(record, ["user.city", "tags.00"], ["-", "-"]);
}

#[test]
fn keys_with_dots_go_first() {
    check(r#"{"a.b":1,"a":{"b":2}}"#, ["a.b"], ["1"]);
    check(r#"{"a":{"b":2},"a.b":1}"#, ["a.b"], ["1"]);
    check(r#"{"a":{"b.c":3}}"#, ["a.b.c"], ["3"]);
    check(r#"{"a.b":{"c":4}}"#, ["a.b.c"], ["4"]);
    check(r#"{"a.b":null,"a":{"b":2}}"#, ["a.b"], ["-"]);
}

#[test]
fn of_duplicates_the_last_wins() {
    check(r#"{"a":1,"a":"x\n","a":2}"#, ["a"], ["2"]);
    check(r#"{"a":1,"a":null}"#, ["a"], ["-"]);
    let schema = Schema::of([("a", DataType::Int64)]);
    assert_eq!(cells(&decode(&schema, br#"{"a":"x","a":3}"#)), [["3"]]);
}

#[test]
fn escapes_are_read() {
    check(
        r#"{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00 é"}"#,
        ["a"],
        ["\"\\/\u{8}\u{c}\n\r\té😀 é"],
    );
    check(r#"{"\u0061":"x","b":"y"}"#, ["a", "b"], ["x", "y"]);
    check(r#"{"\\":"x"}"#, ["\\"], ["x"]);
    check(r#"{"k":"\\","a":"}"}"#, ["a"], ["}"]);
}

#[test]
fn string_columns_take_any_value() {
    check(
        r#"{"a":-1.50e3 ,"b":true,"c":null}"#,
        ["a", "b", "c"],
        ["-1.50e3", "true", "-"],
    );
    check(
        r#"{"a":[1, {"b":"\n"}],"b":{},"c":""}"#,
        ["a", "b", "c"],
        [r#"[1, {"b":"\n"}]"#, "{}", ""],
    );
}

#[test]
fn space_is_allowed_where_json_allows_it() {
    check(
        " { \"a\" : \"x\" , \"b\" :\t[ 1 , { } , [ ] ] } \r",
        ["a"],
        ["x"],
    );
    check(
        "{\"b\":{ \"c\" : { \"d\" : 1 } } , \"a\":1\t}",
        ["a"],
        ["1"],
    );
    assert_eq!(decode(&texts(["a"]), b"\n \t\r\n{}\n\n").rows(), 1);
}

#[test]
fn values_of_wrong_kinds_are_refused() {
    let check = |data_type, value: &str, found: &str| {
        let schema = Schema::of([("a", data_type)]);
        let batch = decode(&schema, format!("{{\"a\":{value}}}\n{{}}\n").as_bytes());
        assert_eq!(cells(&batch), [["-"]], "{value}");
        let reason = format!("column a: expected {data_type}, found {found}");
        assert_eq!(batch.rejected()[0].reason, reason);
        assert_eq!(batch.rejected()[0].kind, RejectedKind::Value);
    };
    check(DataType::Int64, "\"5\"", "the string \"5\"");
    check(DataType::Int64, "1.5", "\"1.5\"");
    check(DataType::Int64, "true", "\"true\"");
    check(DataType::Bool, "1", "\"1\"");
    check(DataType::Bool, "\"true\"", "the string \"true\"");
    check(DataType::Timestamp, "17", "\"17\"");
    check(DataType::Timestamp, "\"soon\"", "\"soon\"");
    check(DataType::Float64, "[1]", "\"[1]\"");
    check(DataType::Float64, "\"\\u0031\"", "the string \"\\\\u0031\"");
}

#[test]
fn broken_records_are_refused_with_the_place() {
    let syntax = |text: &str, reason: String| {
        check_refused(text, RejectedKind::Syntax, &reason);
    };
    let at = |expected: &str, at: usize, found: &str| {
        format!("expected {expected} at byte {at} of the record, found {found}")
    };
    syntax("[1]", at("`{`", 0, "`[`"));
    syntax("x", at("`{`", 0, "`x`"));
    syntax("{\"a\":1", at("a comma or `}`", 6, "its end"));
    syntax("{\"a\":\"x", at("a closing quote", 7, "its end"));
    syntax("{\"a\":", at("a value", 5, "its end"));
    syntax("{\"a\" 1}", at("a colon", 5, "`1`"));
    syntax("{\"a\":1}}", at("the end of the line", 7, "`}`"));
    syntax("{\"a\":1} {\"a\":2}", at("the end of the line", 8, "`{`"));
    syntax("{\"a\":1,}", at("a key in quotes", 7, "`}`"));
    syntax("{,}", at("a key in quotes", 1, "`,`"));
    syntax("{a:1}", at("a key in quotes", 1, "`a`"));
    syntax("{\"a\":tru}", at("true", 5, "`t`"));
    syntax("{\"a\":01}", at("a number", 5, "`0`"));
    syntax("{\"a\":1 2}", at("a comma or `}`", 7, "`2`"));
    syntax("{\"a\":+1}", at("a value", 5, "`+`"));
    syntax("{\"b\":[1}", at("a comma or `]`", 7, "`}`"));
    syntax("{\"b\":[1,]}", at("a value", 8, "`]`"));
    syntax("{\"b\":{\"c\":[}]}", at("a value", 11, "`}`"));
    syntax(
        "{\"b\":\"\t\"}",
        at("an escape for a control character", 6, "byte 0x09"),
    );
    syntax("{\"a\":\"\\q\"}", at("a valid escape", 6, "`\\`"));
    syntax("{\"a\":\"\\ud800\"}", at("a valid escape", 6, "`\\`"));
    syntax("{\"\\x\":1}", at("a valid escape", 2, "`\\`"));
    syntax("{\"a\":1\u{0}}", at("a comma or `}`", 6, "byte 0x00"));
}

#[test]
fn nesting_has_a_limit() {
    let nested = |levels: usize| format!("{{\"b\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(decode(&texts(["a"]), nested(63).as_bytes()).rows(), 1);
    let batch = decode(&texts(["a"]), nested(64).as_bytes());
    assert_eq!(
        batch.rejected()[0].reason,
        "expected at most 64 levels of nesting at byte 68 of the record, found `[`"
    );
    let deep = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let path = vec!["a"; 60].join(".");
    assert_eq!(
        decode(&texts([path.as_str()]), deep.as_bytes())
            .rejected()
            .len(),
        1
    );
}

#[test]
fn long_records_and_wrong_bytes_are_refused() {
    let ndjson = Ndjson {
        limits: Limits {
            record_bytes_max: 12,
        },
    };
    let schema = texts(["a"]);
    let text = b"{\"a\":12345}\r\n{\"a\":1234567}\n{\"a\":\"\xff\"}\n{\"a\":\"\xc3\xa9\"}";
    let batch = ndjson
        .decoder(&schema, &[0])
        .decode(Block::new(*text), Origin::default());
    assert_eq!(cells(&batch), [["12345"], ["é"]]);
    let reasons: Vec<_> = batch
        .rejected()
        .iter()
        .map(|r| (r.kind, r.reason.as_str()))
        .collect();
    let expected = [
        (
            RejectedKind::TooLarge,
            "a record of 13 bytes, more than the limit of 12",
        ),
        (
            RejectedKind::Utf8,
            "not UTF-8 from byte 6 of the record: \"\u{fffd}\\\"}\"",
        ),
    ];
    assert_eq!(reasons, expected);
}

fn check_types(text: &str, expected: &str) {
    let opened = Ndjson::default()
        .open(text.as_bytes(), true)
        .expect("JSON lines");
    assert_eq!(opened.schema.to_string(), expected, "{text}");
}

#[test]
fn infers_names_and_types() {
    check_types(
        "{\"b\":1,\"a\":1.5}\n{\"c\":1e3,\"b\":-2}",
        "b int64, a decimal(38,1), c float64",
    );
    check_types(
        "{\"u\":{\"a\":{\"b\":1},\"c\":true}}",
        "u.a.b int64, u.c bool",
    );
    check_types(
        "{\"a\":[1,2],\"b\":{},\"c\":null}",
        "a string, b string, c string",
    );
    check_types(
        "{\"a\":\"2024-01-31\"}\n{\"a\":\"2024-01-31T10:00:00Z\"}",
        "a timestamp",
    );
    check_types("{\"a\":\"2024-01-31\"}\n{\"a\":\"\"}", "a string");
    check_types("{\"a\":\"1\"}", "a string");
    check_types("{\"a\":1}\n{\"a\":\"1\"}", "a string");
    check_types("{\"a\":1}\n{\"a\":true}", "a string");
    check_types("{\"a\":{\"b\":1}}\n{\"a\":null}\n{\"a\":{}}", "a.b int64");
    check_types("{\"a\":{\"b\":1}}\n{\"a\":2}", "a string");
    check_types("{\"\\u0061\":12345678901234567890}", "a decimal(38,0)");
    check_types("", "");
}

#[test]
fn broken_and_cut_off_lines_of_a_sample_do_not_count() {
    let open = |text: &str, complete| Ndjson::default().open(text.as_bytes(), complete);
    assert_eq!(
        open("{\"a\":1}\n{\"b\":2", false)
            .unwrap()
            .schema
            .to_string(),
        "a int64"
    );
    assert_eq!(
        open("{\"b\":2}x\n{\"a\":1}", true)
            .unwrap()
            .schema
            .to_string(),
        "a int64"
    );
    assert_eq!(
        open("\n[{\"a\":1}]", true).unwrap_err().to_string(),
        "line 2 is not a JSON object: expected `{` at byte 0 of the record, found `[` \
         (an array? each record must be an object on a line of its own)"
    );
}

#[test]
fn mixed_kinds_make_a_type_doubtful() {
    let opened = Ndjson::default()
        .open(b"{\"a\":1}\n{\"a\":2}\n{\"a\":\"x\"}", true)
        .unwrap();
    assert_eq!(opened.doubtful, [Some(DataType::Int64)]);
}

#[test]
fn a_byte_order_mark_is_no_data() {
    let text = "\u{feff}{\"a\":1}";
    let opened = Ndjson::default().open(text.as_bytes(), true).unwrap();
    assert_eq!(opened.schema.to_string(), "a int64");
    assert_eq!(
        decode(&opened.schema, &text.as_bytes()[opened.data_start..]).rows(),
        1
    );
}

#[test]
fn records_may_change_their_shape() {
    let mut text = String::new();
    for row in 0..300 {
        let optional = if row % 3 == 0 {
            "\"opt\":{\"x\":1},"
        } else {
            ""
        };
        text += &format!(
            "{{\"k{}\":{row},{optional}\"a\":{row},\"b\":\"y\"}}\n",
            row % 7
        );
        text += &format!("{{\"b\":\"y\",  \"a\" : {row}}}\n");
    }
    let batch = decode(&texts(["a", "b", "opt.x"]), text.as_bytes());
    assert_eq!((batch.rows(), batch.rejected().len()), (600, 0));
    for row in 0..600 {
        let number = (row / 2).to_string();
        let opt = if row % 6 == 0 {
            Value::String("1")
        } else {
            Value::Null
        };
        assert_eq!(batch.column(0).value(row), Value::String(&number));
        assert_eq!(batch.column(1).value(row), Value::String("y"));
        assert_eq!(batch.column(2).value(row), opt);
    }
}

#[test]
fn numbers_follow_the_grammar() {
    let takes = |number: &str| {
        // Short and long, with room behind it and without.
        let count = |text: &str| decode(&texts(["a"]), text.as_bytes()).rows();
        let pad = " ".repeat(20);
        let (near, far) = (
            format!("{{\"a\":{number}}}"),
            format!("{{\"a\":{number},\"b\":0}}{pad}"),
        );
        assert_eq!(count(&near), count(&far), "{number}");
        count(&near) == 1
    };
    for number in [
        "0",
        "-0",
        "7",
        "10.25",
        "0.5",
        "1e5",
        "1E+5",
        "-1.5e-7",
        "1234567890123456",
    ] {
        assert!(takes(number), "{number}");
    }
    for number in [
        "00", "01", "1.", "-", "-01", "1..2", "1.2.3", "1e", "1e+", "0x1", "1,", "12a", "1:2",
    ] {
        assert!(!takes(number), "{number}");
    }
}

#[test]
fn what_json_cannot_spell() {
    let schema = Schema::of([
        ("f", DataType::Float64),
        ("b", DataType::Bytes),
        ("t", DataType::Timestamp),
    ]);
    let bytes: pelton_record::Strings = [&b"\xff"[..], b"\x00\x01", b"abc"].into_iter().collect();
    let columns = vec![
        Column::float64([f64::NAN, f64::INFINITY, 1.5]),
        Column::new(pelton_record::Values::Bytes(bytes), None),
        Column::timestamps([0, 1, -1]),
    ];
    let mut out = Vec::new();
    Ndjson::default()
        .encoder()
        .encode(&Batch::from_columns(schema.into(), columns), &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\"f\":null,\"b\":\"/w==\",\"t\":\"1970-01-01T00:00:00Z\"}\n\
         {\"f\":null,\"b\":\"AAE=\",\"t\":\"1970-01-01T00:00:00.000000001Z\"}\n\
         {\"f\":1.5,\"b\":\"YWJj\",\"t\":\"1969-12-31T23:59:59.999999999Z\"}\n"
    );
}

#[test]
fn raw_records_are_copied_with_columns_before_the_brace() {
    let mut batch = decode(
        &texts(["a"]),
        b" {\"a\" : 1 } \r\n{ }\n{\"a\":[1],\"b\":\"}\"}",
    );
    let both = Schema::of([("a", DataType::String), ("n\"", DataType::Int64)]);
    batch.set_columns(
        both.into(),
        vec![batch.column(0).clone(), Column::int64([1, 2, 3])],
    );
    let (mut out, mut same) = (Vec::new(), Vec::new());
    Ndjson::default().encoder().encode_raw(&batch, 1, &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\"a\" : 1 ,\"n\\\"\":1}\n{ \"n\\\"\":2}\n{\"a\":[1],\"b\":\"}\",\"n\\\"\":3}\n"
    );
    Ndjson::default().encoder().encode_raw(&batch, 2, &mut same);
    assert_eq!(same, b"{\"a\" : 1 }\n{ }\n{\"a\":[1],\"b\":\"}\"}\n");
}
