//! `pelton run`, from the outside: where data, reports and errors go, and what the options do.

mod place;

use std::io::Read;
use std::process::Stdio;

use place::{BY_COUNTRY, GROUPED, ORDERS, Place};

fn orders() -> Place {
    Place::with(&[("orders.csv", ORDERS), ("job.toml", GROUPED)])
}

/// A pipeline that copies `source` to `sink`.
fn copy(source: &str, sink: &str) -> String {
    format!("[source]\npath = \"{source}\"\n[sink]\npath = \"{sink}\"\n")
}

#[test]
fn toml_yaml_and_json_say_the_same() {
    let place = orders();
    place.put(
        "job.yaml",
        r#"
source: { path: orders.csv }
stage:
  - filter: "status = 'shipped' AND quantity > 5"
  - derive: { total: "quantity * unit_price" }
  - aggregate:
      by: [country]
      compute: { orders: "count(*)", revenue: "sum(total)" }
sink: { path: by_country.csv }
"#,
    );
    place.put(
        "job.json",
        r#"{
  "source": {"path": "orders.csv"},
  "stage": [
    {"filter": "status = 'shipped' AND quantity > 5"},
    {"derive": {"total": "quantity * unit_price"}},
    {"aggregate": {"by": ["country"],
                   "compute": {"orders": "count(*)", "revenue": "sum(total)"}}}
  ],
  "sink": {"path": "by_country.csv"}
}"#,
    );
    for job in ["job.toml", "job.yaml", "job.json"] {
        place.put("by_country.csv", "");
        place.pelton(&["run", job]).assert_code(0);
        assert_eq!(place.text("by_country.csv"), BY_COUNTRY, "{job}");
    }
}

#[test]
fn settings_replace_values_of_the_file() {
    let place = orders();
    let ran = place.pelton(&[
        "run",
        "job.toml",
        "--set",
        "engine.workers=3",
        "--set",
        "sink.path=other.csv",
        "--set",
        "stage.0.filter=quantity > 8",
        "--memory-limit",
        "32MB",
        "--report",
        "json",
    ]);
    let report = ran.assert_code(0).report();
    assert_eq!(report["workers"].as_array().map(Vec::len), Some(3));
    assert_eq!(report["memory"]["limit_bytes"], 32_000_000);
    assert_eq!(
        place.text("other.csv"),
        "country,orders,revenue\nFR,1,20.25\n"
    );
    assert_eq!(place.files(), ["job.toml", "orders.csv", "other.csv"]);
}

#[test]
fn a_setting_that_makes_no_sense_is_refused() {
    let place = orders();
    let set = |setting| place.pelton(&["run", "job.toml", "--set", setting]);
    set("engine.workers").assert_refused(&["engine.workers", "KEY=VALUE"]);
    set("engine.wokers=1").assert_refused(&["wokers", "did you mean `workers`?"]);
    set("engine.workers=many").assert_refused(&["engine.workers=many"]);
    set("stage.9.filter=true").assert_refused(&["stage.9.filter"]);
    assert_eq!(place.files(), ["job.toml", "orders.csv"]);
}

#[test]
fn the_report_is_json_whose_records_add_up() {
    let place = orders();
    let ran = place.pelton(&["run", "job.toml", "--report", "json"]);
    assert_eq!(ran.assert_code(0).stdout, "");
    let report = ran.report();
    let count = |name: &str| {
        report["records"][name]
            .as_u64()
            .unwrap_or_else(|| panic!("{name}"))
    };
    assert_eq!((count("read"), count("made"), count("written")), (4, 2, 2));
    assert_eq!(
        (count("filtered"), count("folded"), count("rejected")),
        (1, 3, 0)
    );
    let left = ["written", "filtered", "deduplicated", "folded", "rejected"];
    assert_eq!(
        count("read") + count("made"),
        left.map(count).iter().sum::<u64>()
    );
    for pointer in [
        "/version",
        "/sources/0",
        "/schema",
        "/records/rejected_by_kind",
        "/read_bytes",
        "/written_bytes",
        "/seconds",
        "/megabytes_per_second",
        "/records_per_second",
        "/memory/limit_bytes",
        "/memory/reserved_bytes_max",
        "/memory/resident_bytes_max",
        "/memory/block_bytes",
        "/memory/spilled_bytes",
        "/memory/pool_hits",
        "/memory/pool_misses",
        "/block_latency/p50_us",
        "/block_latency/p90_us",
        "/block_latency/p99_us",
        "/block_latency/max_us",
        "/workers/0/tasks",
        "/workers/0/stolen",
        "/workers/0/parked",
        "/workers/0/busy_seconds",
    ] {
        assert!(
            report.pointer(pointer).is_some(),
            "no {pointer} in {report:#}"
        );
    }
    let read = |name: &str| place.bytes(name).len() as u64;
    assert_eq!(report["read_bytes"], read("orders.csv"));
    assert_eq!(report["written_bytes"], read("by_country.csv"));
}

#[test]
fn quiet_says_nothing_but_errors() {
    let place = orders();
    let ran = place.pelton(&["run", "job.toml", "--quiet"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
        (0, "", "")
    );
    let ran = place.pelton(&["run", "none.toml", "--quiet"]);
    ran.assert_refused(&["none.toml"]);
}

#[test]
fn standard_output_holds_data_alone() {
    let place = orders();
    let ran = place.pelton(&["run", "job.toml", "--set", "sink.path=-"]);
    assert_eq!(ran.assert_code(0).stdout, BY_COUNTRY);
    assert!(
        ran.stderr.starts_with("records   4 read + 2 made"),
        "{ran:?}"
    );
}

#[test]
fn standard_input_is_a_source() {
    let place = orders();
    let arguments = [
        "run",
        "job.toml",
        "--set",
        "source.path=-",
        "--set",
        "sink.path=-",
    ];
    let ran = place.pelton_reading(&arguments, ORDERS);
    assert_eq!(ran.assert_code(0).stdout, BY_COUNTRY);
}

#[test]
fn a_pattern_reads_its_files_in_order_of_their_names() {
    let place = Place::with(&[
        ("b.csv", "id,city\n3,Bern\n4,Rome\n"),
        ("a.csv", "id,city\n1,Oslo\n2,\"New\nYork\"\n"),
        ("c.csv", "id,city\r\n5,Lima"),
        ("job.toml", &copy("[abc].csv", "-")),
    ]);
    let ran = place.pelton(&["run", "job.toml", "--report", "json"]);
    let together = "id,city\n1,Oslo\n2,\"New\nYork\"\n3,Bern\n4,Rome\n5,Lima\n";
    assert_eq!(ran.assert_code(0).stdout, together);
    assert_eq!(ran.report()["sources"].as_array().map(Vec::len), Some(3));
    place.put("c.csv", "id,town\n5,Lima\n");
    place
        .pelton(&["run", "job.toml"])
        .assert_refused(&["c.csv", "town", "city"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_fault() {
    let place = Place::new();
    let text: String = (0..200_000)
        .map(|id| format!("{id},some words\n"))
        .collect();
    place.put("long.csv", format!("id,text\n{text}"));
    place.put("job.toml", copy("long.csv", "-"));
    for arguments in [
        vec!["run", "job.toml", "--quiet"],
        vec!["sql", "SELECT * FROM 'long.csv'"],
        vec!["gen", "orders", "--rows", "200000"],
    ] {
        let mut command = place.command(&arguments);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let mut stdout = child.stdout.take().expect("a pipe");
        stdout.read_exact(&mut [0; 10]).expect("some output");
        drop(stdout);
        let output = child.wait_with_output().expect("the command ends");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}
