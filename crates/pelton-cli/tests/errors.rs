//! What cannot be done: one clear sentence, its place where there is one, and exit code 2.

mod place;

use place::{GROUPED, ORDERS, Place};

/// `GROUPED` with `old` replaced by `new`.
#[track_caller]
fn changed(old: &str, new: &str) -> Place {
    assert!(GROUPED.contains(old), "{old}");
    let job = GROUPED.replacen(old, new, 1);
    Place::with(&[("orders.csv", ORDERS), ("job.toml", &job)])
}

/// Both `run` and `check` refuse it, for the same reason.
#[track_caller]
fn refused(old: &str, new: &str, parts: &[&str]) {
    let place = changed(old, new);
    for command in ["run", "check"] {
        let ran = place.pelton(&[command, "job.toml"]);
        assert_eq!(ran.assert_refused(parts).stdout, "");
        assert_eq!(place.files(), ["job.toml", "orders.csv"], "{command}");
    }
}

#[test]
fn a_pipeline_that_is_right_shows_its_columns() {
    let place = changed("orders.csv", "orders.csv");
    let ran = place.pelton(&["check", "job.toml"]);
    assert!(
        ran.assert_code(0).stdout.starts_with("job.toml: ok\n"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("unit_price decimal"), "{ran:?}");
    assert!(ran.stdout.contains("revenue decimal"), "{ran:?}");
    assert_eq!(ran.stderr, "");
    assert_eq!(place.files(), ["job.toml", "orders.csv"]);
}

#[test]
fn a_pipeline_file_that_is_missing() {
    for command in ["run", "check"] {
        let ran = Place::new().pelton(&[command, "none.toml"]);
        ran.assert_refused(&["pelton: none.toml: no such file or directory\n"]);
    }
}

#[test]
fn a_pipeline_file_that_is_no_toml() {
    refused("[[stage]]", "[[stage", &["pelton: job.toml:5:8: "]);
    refused(
        "path = \"orders.csv\"",
        "path = orders.csv",
        &["pelton: job.toml:3:"],
    );
}

#[test]
fn an_unknown_key() {
    let parts = ["pelton: job.toml:3:1: ", "`pth`", "did you mean `path`?"];
    refused("path", "pth", &parts);
    refused(
        "filter",
        "fliter",
        &["pelton: job.toml:6:1: ", "did you mean `filter`?"],
    );
    refused(
        "[sink]",
        "[skin]",
        &["pelton: job.toml:14:2: ", "did you mean `sink`?"],
    );
}

#[test]
fn an_unknown_column() {
    let parts = [
        "pelton: job.toml:6:34: ",
        "`quantty`",
        "did you mean `quantity`?",
    ];
    refused("quantity > 5", "quantty > 5", &parts);
    refused(
        "\"country\"",
        "\"contry\"",
        &["pelton: job.toml:12:", "did you mean `country`?"],
    );
    refused(
        "sum(total)",
        "sum(totl)",
        &["pelton: job.toml:12:", "did you mean `total`?"],
    );
}

#[test]
fn an_unknown_column_in_a_selection() {
    let select = |item: &str| format!("[[stage]]\nselect = [\"id\", \"{item}\"]");
    for (item, place) in [
        ("contry", "pelton: job.toml:6:18: "),
        ("contry AS c", "pelton: job.toml:6:18: "),
        ("upper(contry) AS c", "pelton: job.toml:6:24: "),
    ] {
        refused(
            "[[stage]]",
            &(select(item) + "\n[[stage]]"),
            &[place, "did you mean `country`?"],
        );
    }
}

#[test]
fn types_that_do_not_fit() {
    refused(
        "quantity > 5",
        "quantity > 'five'",
        &["pelton: job.toml:6:", "int64"],
    );
    refused("* unit_price", "* status", &["pelton: job.toml:9:"]);
    refused(
        "sum(total)",
        "sum(country)",
        &["pelton: job.toml:12:", "sum"],
    );
}

#[test]
fn an_unknown_function() {
    refused(
        "quantity * unit_price",
        "rond(unit_price)",
        &["pelton: job.toml:9:21: ", "`rond`", "did you mean `round`?"],
    );
    refused(
        "sum(total)",
        "sun(total)",
        &["pelton: job.toml:12:", "did you mean `sum`?"],
    );
}

#[test]
fn an_expression_that_is_no_sql() {
    refused("quantity > 5", "quantity >", &["pelton: job.toml:6:"]);
    refused(
        "status = 'shipped'",
        "status = 'shipped",
        &["pelton: job.toml:6:"],
    );
}

#[test]
fn sources_that_cannot_be_read() {
    let missing = ["pelton: none.csv: no such file or directory\n"];
    refused("orders.csv", "none.csv", &missing);
    refused(
        "orders.csv",
        "*.tsv",
        &["*.tsv: no file matches the pattern\n"],
    );
    refused(
        "path = \"orders.csv\"",
        "path = \".\"\nformat = \"csv\"",
        &["orders.csv: its column 1 is `id`", "job.toml", "same order"],
    );
    refused("orders.csv", "[.csv", &["[.csv"]);
    refused(
        "orders.csv",
        "job.toml",
        &["names no format", "source.format"],
    );
}

#[test]
fn an_empty_source() {
    let place = changed("", "");
    place.put("orders.csv", "");
    place
        .pelton(&["run", "job.toml"])
        .assert_refused(&["orders.csv", "empty"]);
}

#[test]
fn sinks_that_cannot_be_written() {
    let run = |sink| {
        let place = changed("by_country.csv", sink);
        let ran = place.pelton(&["run", "job.toml"]);
        assert_eq!(place.files(), ["job.toml", "orders.csv"]);
        ran
    };
    let ran = run("no/such/place.csv");
    ran.assert_refused(&["pelton: no/such/place.csv: no such file or directory\n"]);
    run("out.xlsx").assert_refused(&["out.xlsx", "sink.format"]);
}

#[test]
fn a_sink_that_is_a_directory() {
    let place = changed("by_country.csv", "taken.csv");
    std::fs::create_dir(place.path("taken.csv")).expect("a directory");
    place
        .pelton(&["run", "job.toml"])
        .assert_refused(&["taken.csv", "directory"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let full = "pelton: /dev/full: no space left on device\n";
    let place = changed("by_country.csv", "/dev/full");
    let ran = place.pelton(&["run", "job.toml"]);
    assert_eq!(ran.assert_code(2).stderr, full);
    for arguments in [
        vec!["sql", "SELECT * FROM 'orders.csv'", "-o", "/dev/full"],
        vec![
            "sql",
            "SELECT * FROM 'orders.csv'",
            "-o",
            "/dev/full",
            "--format",
            "table",
        ],
        vec!["gen", "orders", "--rows", "10", "-o", "/dev/full"],
    ] {
        let ran = place.pelton(&arguments);
        assert_eq!(ran.assert_code(2).stderr, full, "{arguments:?}");
    }
    place.put(
        "long.csv",
        format!("{ORDERS}{}", "5,IT,shipped,6,1.00\n".repeat(50_000)),
    );
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("the device");
    let mut command = place.command(&["sql", "SELECT * FROM 'long.csv'"]);
    let output = command.stdout(full).output().expect("the command starts");
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(told, "pelton: stdout: no space left on device\n");
}

#[test]
fn a_failed_run_leaves_what_was_there() {
    let place = changed("by_country.csv", "out.csv");
    place.put("orders.csv", ORDERS.replace("\n3,DE", "\n3,DE,DE"));
    let before = ["job.toml", "orders.csv"];
    place.pelton(&["run", "job.toml"]).assert_refused(&[
        "orders.csv: line 4, byte 78: stage \"csv\": expected 5 fields, found 6",
        "on_error",
    ]);
    assert_eq!(place.files(), before, "nothing appears");
    place.put("out.csv", "old\n");
    place.pelton(&["run", "job.toml"]).assert_code(2);
    assert_eq!(place.text("out.csv"), "old\n");
    assert_eq!(place.files(), ["job.toml", "orders.csv", "out.csv"]);
}

#[test]
fn words_that_are_no_command() {
    let place = Place::new();
    for arguments in [
        vec!["rnu"],
        vec!["run"],
        vec!["run", "job.toml", "--memory-limit", "much"],
        vec!["gen", "orders"],
        vec!["gen", "order", "--rows", "1"],
        vec!["gen", "orders", "--rows", "-1"],
    ] {
        place.pelton(&arguments).assert_code(2);
    }
}

#[test]
fn help_shows_how() {
    let place = Place::new();
    for command in ["run", "sql", "gen", "check"] {
        let ran = place.pelton(&[command, "--help"]);
        let example = format!("  pelton {command} ");
        assert!(ran.assert_code(0).stdout.contains("Example"), "{ran:?}");
        assert!(ran.stdout.contains(&example), "{ran:?}");
    }
}

#[test]
fn a_dead_letter_that_would_be_written_over() {
    let policy = |path: &str| {
        let letters = format!("[dead_letter]\npath = \"{path}\"\n");
        format!("[engine]\non_error = \"dead_letter\"\n{letters}[sink]")
    };
    refused(
        "[sink]",
        &policy("by_country.csv"),
        &["dead_letter.path and sink.path"],
    );
    refused(
        "[sink]",
        &policy("-"),
        &["dead_letter.path", "expected a file"],
    );
    let alone = "[engine]\non_error = \"dead_letter\"\n[sink]";
    refused("[sink]", alone, &["[dead_letter]", "missing"]);
}

#[test]
fn stages_that_are_no_stages() {
    let table = "[source]\npath = \"-\"\n[stage]\nlimit = 3\n[sink]\npath = \"-\"\n";
    let ran = Place::with(&[("job.toml", table)]).pelton(&["check", "job.toml"]);
    ran.assert_refused(&["pelton: job.toml:3:", "each stage begins with [[stage]]"]);
    let two = "filter = \"true\"\nlimit = 3\n[[stage]]\nfilter";
    refused(
        "filter",
        two,
        &["pelton: job.toml:5:1: ", "exactly one key"],
    );
}

#[test]
fn yaml_and_json_show_places_too() {
    let yaml = "source: {path: orders.csv}\nstage:\n  - filter: \"quantty > 5\"\nsink: {path: -}\n";
    let json = "{\"source\": {\"path\": \"orders.csv\"},\n \
                \"stage\": [{\"filter\": \"quantty > 5\"}],\n \"sink\": {\"path\": \"-\"}}";
    for (name, text, place) in [
        (
            "job.yaml",
            yaml.replace("path: -", "path: '-'"),
            "pelton: job.yaml:3:14: ",
        ),
        ("job.json", json.to_owned(), "pelton: job.json:2:24: "),
    ] {
        let place_of = Place::with(&[("orders.csv", ORDERS), (name, &text)]);
        place_of
            .pelton(&["check", name])
            .assert_refused(&[place, "did you mean `quantity`?"]);
        let (key, at) = match name {
            "job.json" => ("\"snk\"", "pelton: job.json:3:3: "),
            _ => ("snk", "pelton: job.yaml:4:1: "),
        };
        let text = text.replace(
            if name == "job.json" {
                "\"sink\""
            } else {
                "sink"
            },
            key,
        );
        let place_of = Place::with(&[("orders.csv", ORDERS), (name, &text)]);
        place_of
            .pelton(&["check", name])
            .assert_refused(&[at, "did you mean `sink`?"]);
    }
}
