//! Logs: each pattern by examples, the access log against a regular expression, and any bytes.

use pelton_format::{Cut, Format, Limits, Log, LogPattern};
use pelton_record::{Batch, Block, DataType, Origin, RejectedKind, Schema, Value};
use proptest::prelude::*;

fn log(pattern: &str) -> Log {
    let pattern: LogPattern = pattern.parse().expect("a pattern");
    Log {
        pattern,
        limits: Limits {
            record_bytes_max: 400,
        },
    }
}

fn decode(log: &Log, schema: &Schema, text: &[u8]) -> Batch {
    let wanted: Vec<usize> = (0..schema.len()).collect();
    log.decoder(schema, &wanted)
        .decode(Block::new(text.to_vec()), Origin::default())
}

/// Reads with the types that the sample suggests.
fn read(pattern: &str, text: &str) -> (Schema, Batch) {
    let log = log(pattern);
    let schema = log.open(text.as_bytes(), true).expect("a log").schema;
    let batch = decode(&log, &schema, text.as_bytes());
    (schema, batch)
}

/// One line that matches, as `name=value` for every value that is not null.
fn check(pattern: &str, line: &str, expected: &str) {
    let (schema, batch) = read(pattern, line);
    assert_eq!(batch.rejected(), [], "{line}");
    assert_eq!(batch.rows(), 1, "{line}");
    let cell = |(index, field): (usize, &pelton_record::Field)| match batch.column(index).value(0) {
        Value::Null => None,
        value => Some(format!("{}={value}", field.name)),
    };
    let cells: Vec<_> = schema
        .fields()
        .iter()
        .enumerate()
        .filter_map(cell)
        .collect();
    assert_eq!(cells.join("|"), expected, "{line}");
}

/// One line that leaves its pattern at byte `at`.
fn check_refused(pattern: &str, line: &str, expected: &str, at: usize) {
    let (_, batch) = read(pattern, &format!("{line}\n\n"));
    assert_eq!(batch.rows(), 0, "{line}");
    assert_eq!(batch.rejected().len(), 1, "{line}");
    let rejected = &batch.rejected()[0];
    assert_eq!(rejected.kind, RejectedKind::Syntax, "{line}");
    assert_eq!(rejected.extent.of(batch.block()), line.as_bytes());
    let place = format!("expected {expected} at byte {at} of the record, found ");
    let found = rejected.reason.strip_prefix(&place);
    let rest: String = line[at..].chars().take(10).collect();
    let rest = format!("{rest:?}");
    let rest = if at == line.len() {
        "its end"
    } else {
        rest.trim_end_matches('"')
    };
    assert!(
        found.is_some_and(|found| found.starts_with(rest)),
        "{line}: {}",
        rejected.reason
    );
}

const LINE: &str = concat!(
    r#"10.0.0.1 - ann [10/Oct/2000:13:55:36 -0700] "GET /a/b?c=d&e HTTP/1.1" 200 2326 "#,
    r#""http://x/\"y\"" "Mozilla/5.0 (X11; é)""#
);

#[test]
fn combined() {
    check(
        "combined",
        LINE,
        "host=10.0.0.1|user=ann|ts=971211336000000000 ns|method=GET|path=/a/b|query=c=d&e|\
         protocol=HTTP/1.1|status=200|bytes=2326|referer=http://x/\\\"y\\\"|\
         user_agent=Mozilla/5.0 (X11; é)",
    );
    check(
        "combined",
        r#"h - - [29/Feb/2024:00:00:00 +0000] "-" 408 - "-" """#,
        "host=h|ts=1709164800000000000 ns|status=408",
    );
}

#[test]
fn common() {
    check(
        "common",
        r#"h - - [31/Dec/1999:23:59:59 +0000] "POST / HTTP/2" 304 0"#,
        "host=h|ts=946684799000000000 ns|method=POST|path=/|protocol=HTTP/2|status=304|bytes=0",
    );
}

#[test]
fn access_lines_that_do_not_match() {
    let check = |line: &str, expected, at| check_refused("combined", line, expected, at);
    check("x", "a space", 1);
    check(" - -", "a host", 0);
    check(
        &LINE.replace("Oct", "1ct"),
        "a time as 31/Jan/2024:23:59:59 +0000",
        19,
    );
    check(
        &LINE.replace("GET", "get"),
        "a method in capitals and a space",
        45,
    );
    check(
        &LINE.replace(" HTTP/1.1", ""),
        "a target, a space and `HTTP/` with a version",
        59,
    );
    let at = LINE.find(" 200 ").unwrap() + 1;
    check(&LINE[..at + 2], "a status of three digits", at);
    check(&format!("{LINE} x"), "the end of the line", LINE.len());
    check(
        &LINE[..LINE.len() - 1],
        "a closing quote",
        LINE.find("Moz").unwrap(),
    );
}

#[test]
fn impossible_dates_are_bad_values() {
    let (_, batch) = read("combined", &LINE.replace("10/Oct", "31/Feb"));
    assert_eq!(batch.rejected()[0].kind, RejectedKind::Value);
    assert_eq!(
        batch.rejected()[0].reason,
        "column ts: expected timestamp, found \"31/Feb/2000:13:55:36 -0700\""
    );
}

#[test]
fn syslog() {
    check(
        "syslog",
        r#"<165>1 2003-10-11T22:14:15.003Z host app 17 ID47 [a@1 b="c]\"d"][e] a message"#,
        "facility=20|severity=5|ts=1065910455003000000 ns|host=host|app=app|procid=17|msgid=ID47|\
         structured_data=[a@1 b=\"c]\\\"d\"][e]|message=a message",
    );
    check("syslog", "<0>1 - - - - - -", "facility=0|severity=0");
    check(
        "syslog",
        "<34>1 - h - - - - \u{feff}x",
        "facility=4|severity=2|host=h|message=x",
    );
    check_refused(
        "syslog",
        "<192>1 - - - - - -",
        "a priority from <0> to <191>",
        1,
    );
    check_refused("syslog", "<1>2 - - - - - -", "version 1", 3);
    check_refused(
        "syslog",
        "<1>1 - - - - - [a",
        "`]` after structured data",
        17,
    );
}

#[test]
fn syslog_bsd() {
    check(
        "syslog-bsd",
        "<34>Oct 11 22:14:15 host su[23]: failed for ann",
        "facility=4|severity=2|ts=Oct 11 22:14:15|host=host|tag=su|pid=23|message=failed for ann",
    );
    check(
        "syslog-bsd",
        "Jan  1 00:00:00 h kernel: [0.0] x",
        "ts=Jan  1 00:00:00|host=h|tag=kernel|message=[0.0] x",
    );
    check_refused(
        "syslog-bsd",
        "Jan 1 00:00:00 h k: x",
        "a time as `Jan  1 23:59:59`",
        5,
    );
    check_refused(
        "syslog-bsd",
        "Jan  1 00:00:00 h k x",
        "a colon after the tag",
        19,
    );
}

#[test]
fn logfmt() {
    let text = "level=info n=1 msg=\"a \\\"b\\\"\\n\" ok\nn=2  level=warn took=1.5 msg=x\n";
    let (schema, batch) = read("logfmt", text);
    assert_eq!(
        schema.to_string(),
        "level string, n int64, msg string, ok string, took decimal(38,1)"
    );
    assert_eq!(batch.rejected(), []);
    assert_eq!(batch.column(2).value(0), Value::String("a \"b\"\n"));
    assert_eq!(batch.column(2).value(1), Value::String("x"));
    assert_eq!(batch.column(0).value(1), Value::String("warn"));
    assert_eq!(batch.column(3).value(0), Value::Null);
    assert_eq!(batch.column(4).value(0), Value::Null);
    check_refused("logfmt", "a=\"b", "a closing quote", 4);
    check_refused("logfmt", "a=b\"c", "a space", 3);
    check_refused("logfmt", "=b", "a key", 0);
    check_refused("logfmt", "a=\"\\x\"", "a value with valid escapes", 3);
}

#[test]
fn dissect() {
    check(
        "%{host} [%{ts}] %{msg}",
        "h [2024-01-31] x y",
        "host=h|ts=1706659200000000000 ns|msg=x y",
    );
    check("<%{a->} %{?b}:%{c}>", "<1    x:2>", "a=1|c=2");
    check("%{a},%{b}", ",x,y", "b=x,y");
    check_refused("%{a}: %{b}", "x:y", "\": \" somewhere after it", 0);
    check_refused("[%{a}", "x", "\"[\"", 0);
}

#[test]
fn regular_expressions() {
    let pattern = r"regex:(?<level>\w+)(?:\((?<code>\d+)\))? (?<msg>.*)";
    check(pattern, "warn(7) é x", "level=warn|code=7|msg=é x");
    check(pattern, "warn x", "level=warn|msg=x");
    check_refused(
        pattern,
        "warn(x) y",
        "a line that the regular expression matches",
        0,
    );
    check_refused(
        "(?P<a>a|b)",
        "ax",
        "a line that the regular expression matches",
        0,
    );
}

#[test]
fn patterns_that_make_no_sense_are_refused() {
    let message = |text: &str| text.parse::<LogPattern>().unwrap_err().to_string();
    assert_eq!(
        message("combine"),
        "unknown log pattern `combine`; did you mean `combined`?"
    );
    assert_eq!(
        message("%{a}%{b}"),
        "dissect: no text between `%{b}` and the key before it"
    );
    assert_eq!(
        message("%{a} %{a}"),
        "dissect: the key `a` stands there twice"
    );
    assert_eq!(message("%{a"), "dissect: `%{` without a closing `}`");
    assert_eq!(
        message("%{} x"),
        "dissect: a pattern names at least one key, as `%{message}`"
    );
    assert_eq!(
        message("regex:a"),
        "regular expression: name at least one group, as `(?<message>.*)`"
    );
    assert!(message("regex:(?<a>").starts_with("regular expression: regex parse error"));
}

#[test]
fn only_wanted_parts_are_decoded() {
    let log = log("combined");
    let schema = log.open(b"", true).unwrap().schema;
    let mut decoder = log.decoder(&schema, &[5, 8]);
    let batch = decoder.decode(
        Block::new(LINE.replace("10/Oct", "31/Feb")),
        Origin::default(),
    );
    assert_eq!(batch.schema().to_string(), "path string, status int64");
    assert_eq!(batch.column(1).value(0), Value::Int64(200));
}

/// The combined log as a regular expression.
const TWIN: &str = concat!(
    r"regex:(?:-|(?<host>[^ ]+)) (?:-|(?<ident>[^ ]+)) (?:-|(?<user>[^ ]+)) ",
    r"\[(?<ts>[0-9]{2}/[A-Za-z]{3}/[0-9]{4}(?::[0-9]{2}){3} [+-][0-9]{4})\] ",
    r#""(?:-|(?<method>[A-Z]+) (?<path>[^ ?"]*)(?:\?(?<query>[^ "]*))? "#,
    r#"(?<protocol>HTTP/[0-9.]+))" "#,
    r"(?<status>[0-9]{3}) (?:-|(?<bytes>[0-9]+)) ",
    r#""(?:-|(?<referer>(?:[^"\\]|\\.)*))" "(?:-|(?<user_agent>(?:[^"\\]|\\.)*))""#,
);

fn access_line() -> impl Strategy<Value = String> {
    let request = prop_oneof![
        "-",
        "[A-Z]{1,4} /[a-z/]{0,5}(\\?[a-z=?]{0,4})? HTTP/1\\.[01]"
    ];
    let quoted = || prop_oneof![Just("-".to_owned()), "([a-z é-]|\\\\\"|\\\\\\\\){0,6}"];
    let damage = prop::collection::vec(
        (any::<prop::sample::Index>(), "[ \"0-9a?\\[\\]-]{0,1}"),
        0..2,
    );
    let parts = (
        "[0-9.-]{1,4}",
        "-|[a-z]{1,3}",
        request,
        "[0-9]{3}",
        "-|[0-9]{1,5}",
        quoted(),
        quoted(),
        damage,
    );
    parts.prop_map(
        |(host, user, request, status, bytes, referer, agent, damage)| {
            let mut line: Vec<char> = format!(
                "{host} - {user} [10/Oct/2000:13:55:36 -0700] \"{request}\" {status} {bytes} \
             \"{referer}\" \"{agent}\""
            )
            .chars()
            .collect();
            for (place, inserted) in damage {
                let place = place.index(line.len());
                line.splice(place..=place, inserted.chars());
            }
            line.into_iter().collect()
        },
    )
}

type Outcome = (Vec<Vec<String>>, Vec<(Vec<u8>, RejectedKind)>);

fn outcome(batch: &Batch) -> Outcome {
    let row = |row| {
        batch
            .columns()
            .iter()
            .map(|c| format!("{:?}", c.value(row)))
            .collect()
    };
    let mut rejected: Vec<_> = batch.rejected().iter().collect();
    rejected.sort_by_key(|rejected| rejected.extent.start);
    let refused = rejected
        .iter()
        .map(|r| (r.extent.of(batch.block()).to_vec(), r.kind));
    ((0..batch.rows()).map(row).collect(), refused.collect())
}

/// Cuts `text` with a framer that sees `step` bytes more each time, and decodes block by block.
fn in_blocks(log: &Log, schema: &Schema, text: &[u8], step: usize) -> Outcome {
    let wanted: Vec<usize> = (0..schema.len()).collect();
    let (mut framer, mut decoder) = (log.framer(), log.decoder(schema, &wanted));
    let (mut start, mut end) = (0, step);
    let mut all = Outcome::default();
    while start < text.len() {
        let seen = end.min(text.len());
        match framer.cut(&text[start..seen], seen == text.len()) {
            Cut::Records(length) => {
                let block = Block::new(text[start..start + length].to_vec());
                let (rows, rejected) = outcome(&decoder.decode(block, Origin::default()));
                all.0.extend(rows);
                all.1.extend(rejected);
                start += length;
                end = start + step;
            }
            Cut::More => end += step,
            Cut::TooLarge => unreachable!("no line is longer than 400 bytes"),
        }
    }
    all
}

const PATTERNS: [&str; 7] = [
    "combined",
    "common",
    "syslog",
    "syslog-bsd",
    "logfmt",
    "%{a} [%{b}] %{c}",
    "regex:(?<a>.)(?<b>.*)",
];

/// Bytes that mean something to one pattern or another.
fn alike() -> impl Strategy<Value = Vec<u8>> {
    let bytes = &b"<1>Jan 23:\"[]=- /?\\\r\xc3\xa9x"[..];
    prop::collection::vec(prop::sample::select(bytes), 0..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn combined_is_what_the_expression_says(lines in prop::collection::vec(access_line(), 1..5)) {
        let lines: Vec<_> = lines.into_iter().filter(|line| !line.contains("  HTTP")).collect();
        let text = lines.join("\n");
        let twin = log(TWIN);
        let names = twin.open(b"", true).unwrap().schema;
        let schema = Schema::of(names.fields().iter().map(|f| (f.name.as_str(), DataType::String)));
        let found = outcome(&decode(&log("combined"), &schema, text.as_bytes()));
        prop_assert_eq!(found, outcome(&decode(&twin, &schema, text.as_bytes())));
    }

    #[test]
    fn every_line_is_a_row_or_refused(
        lines in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..30),
                alike(),
                access_line().prop_map(String::into_bytes),
            ],
            0..6,
        ),
        pattern in prop::sample::select(&PATTERNS[..]),
        step in 1usize..60,
    ) {
        let text = lines.join(&b'\n');
        let log = log(pattern);
        let schema = log.open(&text, true).unwrap().schema;
        let whole = decode(&log, &schema, &text);
        let blank = |line: &&[u8]| line.iter().all(|byte| b" \t\r".contains(byte));
        let records = text.split(|&b| b == b'\n').filter(|line| !blank(line)).count();
        prop_assert_eq!(whole.rows() + whole.rejected().len(), records);
        prop_assert_eq!(in_blocks(&log, &schema, &text, step), outcome(&whole));
    }
}
