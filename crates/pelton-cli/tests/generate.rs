//! `pelton gen`: the same bytes for the same seed.

mod place;

use place::Place;

const KINDS: [&str; 4] = ["orders", "events", "log", "numbers"];

fn made(kind: &str, rows: &str, more: &[&str]) -> String {
    let arguments = [&["gen", kind, "--rows", rows], more].concat();
    let ran = Place::new().pelton(&arguments);
    ran.assert_code(0).stdout.clone()
}

#[test]
fn a_seed_makes_the_same_rows_and_another_seed_others() {
    for kind in KINDS {
        let first = made(kind, "500", &["--seed", "3"]);
        assert_eq!(first, made(kind, "500", &["--seed", "3"]), "{kind}");
        assert_ne!(first, made(kind, "500", &["--seed", "4"]), "{kind}");
    }
}

#[test]
fn a_longer_file_begins_with_a_shorter_one() {
    for kind in KINDS {
        let (long, short) = (made(kind, "9000", &[]), made(kind, "4000", &[]));
        assert!(
            short.len() < long.len() && long.starts_with(&short),
            "{kind}"
        );
    }
}

#[test]
fn a_size_ends_with_the_row_that_reaches_it() {
    let place = Place::new();
    for kind in KINDS {
        let ran = place.pelton(&["gen", kind, "--size", "300kB", "-o", "made"]);
        assert_eq!(ran.assert_code(0).stdout, "");
        let bytes = place.bytes("made");
        assert!(
            (300_000..301_000).contains(&bytes.len()),
            "{kind}: {}",
            bytes.len()
        );
        assert_eq!(bytes.last(), Some(&b'\n'));
    }
}

#[test]
fn every_row_is_whole_unless_asked_otherwise() {
    let place = Place::new();
    for (kind, name, format) in [
        ("orders", "made.csv", "csv"),
        ("numbers", "made.csv", "csv"),
        ("events", "made.ndjson", "ndjson"),
    ] {
        place
            .pelton(&["gen", kind, "--rows", "5000", "-o", name])
            .assert_code(0);
        let job = format!(
            "source = {{ path = \"{name}\", check = \"all\" }}\n\
             sink = {{ path = \"-\", format = \"{format}\" }}\n"
        );
        place.put("job.toml", job);
        let ran = place.pelton(&["run", "job.toml", "--report", "json"]);
        assert_eq!(
            ran.assert_code(0).report()["records"]["written"],
            5000,
            "{kind}"
        );
        assert!(ran.stdout == place.text(name), "{kind}: copied as it was");
    }
}

#[test]
fn what_was_broken_is_told_beside_the_file() {
    let place = Place::new();
    let arguments = [
        "gen",
        "orders",
        "--rows",
        "2000",
        "--malformed",
        "100",
        "-o",
        "made.csv",
    ];
    place.pelton(&arguments).assert_code(0);
    assert_eq!(place.files(), ["made.csv", "made.csv.malformed.json"]);
    let told: serde_json::Value =
        serde_json::from_str(&place.text("made.csv.malformed.json")).expect("JSON");
    let broken = told["malformed"].as_object().expect("kinds").values();
    let broken: u64 = broken.filter_map(serde_json::Value::as_u64).sum();
    assert!(
        (150..250).contains(&broken),
        "about one in ten of 2000: {told}"
    );
    place
        .pelton(&["gen", "orders", "--rows", "1", "--malformed", "1001"])
        .assert_code(2);
}
