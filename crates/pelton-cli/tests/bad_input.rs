//! Broken records: found, counted by kind, and treated as the policy says.

mod place;

use std::collections::BTreeMap;

use place::Place;
use serde_json::Value;

/// Records of `input.csv` by country, with everything that can be broken in use.
fn job(policy: &str, engine: &str) -> String {
    format!(
        r#"
dead_letter = {{ path = "rejected.ndjson" }}
sink = {{ path = "out.csv" }}
source = {{ path = "input.csv" }}
engine = {{ on_error = "{policy}"{engine} }}
stage = [
  {{ derive = {{ total = "quantity * unit_price" }} }},
  {{ aggregate = {{ by = ["country"], compute = {{ n = "count(*)", s = "sum(total)" }} }} }},
]
"#
    )
}

fn kinds(counts: &Value) -> BTreeMap<String, u64> {
    serde_json::from_value(counts.clone()).expect("counts by kind")
}

/// One record of each kind, with what is wrong with it.
const BROKEN: &[u8] = b"\
id,country,quantity,unit_price\n\
1,DE,1,1.00\n\
2,\"F\nR\",2\n\
3,DE,some,1.00\n\
4,D\xff,1,1.00\n\
5,\"DE,1,1.00\n\
6,DE,2,9.50\n";

#[test]
fn a_clean_run_is_0() {
    let place = Place::with(&[("job.toml", &job("dead_letter", ""))]);
    place.put("input.csv", "id,country,quantity,unit_price\n1,DE,1,1.00\n");
    place.pelton(&["run", "job.toml"]).assert_code(0);
    assert_eq!(place.text("rejected.ndjson"), "");
}

#[test]
fn broken_records_are_skipped_and_the_code_is_1() {
    let place = Place::with(&[("job.toml", &job("skip", ""))]);
    place.put("input.csv", BROKEN);
    let ran = place.pelton(&["run", "job.toml", "--report", "json"]);
    let report = ran.assert_code(1).report();
    assert_eq!(place.text("out.csv"), "country,n,s\nDE,2,20.00\n");
    let expected = [("field_count", 1), ("quote", 1), ("utf8", 1), ("value", 1)];
    let expected = expected.map(|(kind, count)| (kind.to_owned(), count));
    assert_eq!(
        kinds(&report["records"]["rejected_by_kind"]),
        expected.into()
    );
    assert_eq!(report["records"]["rejected"], 4);
    assert_eq!(report["records"]["read"], 6);
    assert!(
        !place.path("rejected.ndjson").exists(),
        "nothing is sent there"
    );
}

#[test]
fn the_report_for_people_names_the_kinds() {
    let place = Place::with(&[("job.toml", &job("skip", ""))]);
    place.put("input.csv", BROKEN);
    let ran = place.pelton(&["run", "job.toml"]);
    assert!(
        ran.assert_code(1).stderr.contains("1 field_count"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("4 rejected"), "{}", ran.stderr);
}

#[test]
fn a_broken_record_stops_a_run_that_must_not_lose_any() {
    let place = Place::with(&[("job.toml", &job("fail", ""))]);
    place.put("input.csv", BROKEN);
    place.pelton(&["run", "job.toml"]).assert_refused(&[
        "pelton: input.csv: line 3, byte 43: stage \"csv\": expected 4 fields, found 3 ",
    ]);
    assert_eq!(place.files(), ["input.csv", "job.toml"]);
}

/// The lines of the dead letter, each checked against the bytes of `input.csv`.
fn letters(place: &Place) -> Vec<Value> {
    let input = place.bytes("input.csv");
    let lines = place.text("rejected.ndjson");
    let (mut line_number, mut counted) = (1, 0);
    let letters = lines.lines().map(|line| {
        let letter: Value = serde_json::from_str(line).expect("JSON");
        let number = |key: &str| {
            letter[key]
                .as_u64()
                .unwrap_or_else(|| panic!("{key}: {letter}"))
        };
        let start = number("byte") as usize;
        let raw = match letter["raw"].as_str() {
            Some(raw) => raw.as_bytes().to_vec(),
            None => from_hexadecimal(letter["raw_hex"].as_str().expect("raw or raw_hex")),
        };
        assert!(input[start..].starts_with(&raw), "{letter}");
        assert!(start == 0 || input[start - 1] == b'\n', "{letter}");
        let whole = input
            .get(start + raw.len())
            .is_none_or(|&after| after == b'\n');
        assert!(whole || letter["kind"] == "too_large", "{letter}");
        line_number += input[counted..start]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count();
        counted = start;
        assert_eq!(number("line") as usize, line_number, "{letter}");
        assert_eq!(letter["source"], "input.csv");
        for key in ["stage", "kind", "reason"] {
            assert!(
                letter[key].as_str().is_some_and(|text| !text.is_empty()),
                "{letter}"
            );
        }
        letter
    });
    letters.collect()
}

fn from_hexadecimal(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("two digits");
    (0..text.len()).step_by(2).map(byte).collect()
}

#[test]
fn the_dead_letter_holds_each_broken_record_and_its_place() {
    for engine in ["", ", block_size = 20", ", block_size = 1, workers = 4"] {
        let place = Place::with(&[("job.toml", &job("dead_letter", engine))]);
        place.put("input.csv", BROKEN);
        place.pelton(&["run", "job.toml"]).assert_code(1);
        let letters = letters(&place);
        let told: Vec<_> = letters
            .iter()
            .map(|letter| (letter["line"].as_u64(), letter["kind"].as_str()))
            .collect();
        let expected = [(3, "field_count"), (5, "value"), (6, "utf8"), (7, "quote")];
        assert_eq!(
            told,
            expected.map(|(line, kind)| (Some(line), Some(kind))),
            "{engine}"
        );
        assert_eq!(letters[0]["raw"], "2,\"F\nR\",2");
        assert_eq!(letters[2]["raw_hex"], "342c44ff2c312c312e3030");
        assert_eq!(place.text("out.csv"), "country,n,s\nDE,2,20.00\n");
    }
}

#[test]
fn what_gen_has_broken_is_what_a_run_refuses() {
    let place = Place::new();
    for kind in ["orders", "numbers"] {
        let arguments = [
            "gen",
            kind,
            "--rows",
            "6000",
            "--malformed",
            "200",
            "-o",
            "input.csv",
        ];
        place.pelton(&arguments).assert_code(0);
        let made: Value =
            serde_json::from_str(&place.text("input.csv.malformed.json")).expect("what was broken");
        let made = kinds(&made["malformed"]);
        assert!(
            made.contains_key("too_large") && made.len() == 5,
            "{made:?}"
        );
        let mut results = Vec::new();
        for engine in [
            "",
            ", block_size = 100, workers = 3",
            ", block_size = 5000, workers = 1",
        ] {
            let job = job("dead_letter", engine);
            let numbers = job
                .replace("quantity * unit_price", "a * j")
                .replace("country", "e");
            place.put("job.toml", if kind == "orders" { &job } else { &numbers });
            let ran = place.pelton(&["run", "job.toml", "--report", "json"]);
            let records = &ran.assert_code(1).report()["records"];
            assert_eq!(kinds(&records["rejected_by_kind"]), made, "{kind}{engine}");
            assert_eq!(records["read"], 6000, "{kind}{engine}");
            assert_eq!(letters(&place).len() as u64, made.values().sum::<u64>());
            results.push((place.bytes("out.csv"), place.bytes("rejected.ndjson")));
        }
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{kind}");
    }
}

#[test]
fn a_record_past_the_limit_is_left_out_and_its_length_told() {
    let place = Place::with(&[("job.toml", &job("dead_letter", ", record_limit = 50"))]);
    let long = format!("2,{},1,1.00", "x".repeat(400));
    place.put(
        "input.csv",
        format!("id,country,quantity,unit_price\n1,DE,1,1.00\n{long}\n3,DE,1,1.00"),
    );
    place.pelton(&["run", "job.toml"]).assert_code(1);
    let letters = letters(&place);
    assert_eq!(
        (letters.len(), &letters[0]["kind"]),
        (1, &Value::from("too_large"))
    );
    assert!(
        letters[0]["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("409 bytes"))
    );
    assert_eq!(place.text("out.csv"), "country,n,s\nDE,2,2.00\n");
}

#[test]
fn an_overflow_refuses_its_record() {
    let place = Place::with(&[("job.toml", &job("dead_letter", ""))]);
    let large = i64::MAX;
    place.put(
        "input.csv",
        format!("country,quantity,unit_price\nDE,{large},2\nDE,{large},1\n"),
    );
    place.pelton(&["run", "job.toml"]).assert_code(1);
    assert_eq!(
        place.text("out.csv"),
        format!("country,n,s\nDE,1,{large}\n")
    );
    let told = place.text("rejected.ndjson");
    assert!(
        told.contains("quantity * unit_price: integer out of range"),
        "{told}"
    );
}
