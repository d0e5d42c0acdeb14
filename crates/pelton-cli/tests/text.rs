//! `pelton text`, from the outside.

mod place;

use place::Place;

const NOTES: &str = "  One small step\nfor a man, \n\nStraße\n";

#[test]
fn lines_are_changed_from_file_to_file() {
    let place = Place::with(&[("notes.txt", NOTES)]);
    let options = [
        "--workers",
        "4",
        "--chunk-size",
        "1MB",
        "--memory-limit",
        "50MB",
    ];
    let arguments = [
        &[
            "text",
            "-p",
            "uppercase,trim",
            "notes.txt",
            "-o",
            "loud.txt",
        ],
        &options[..],
    ];
    place.pelton(&arguments.concat()).assert_code(0);
    assert_eq!(
        place.text("loud.txt"),
        "ONE SMALL STEP\nFOR A MAN,\n\nSTRASSE\n"
    );
}

#[test]
fn words_are_counted_as_csv() {
    let place = Place::new();
    let ran = place.pelton_reading(&["text", "-p", "wordcount"], NOTES);
    assert_eq!(ran.assert_code(0).stdout, "lines,words,bytes\n4,7,38\n");
}

#[test]
fn a_file_of_any_name_is_read_as_lines() {
    let place = Place::with(&[("notes.csv", "a,b\n1,2\n")]);
    let ran = place.pelton(&["text", "-p", "reverse", "notes.csv"]);
    assert_eq!(ran.assert_code(0).stdout, "b,a\n2,1\n");
}

#[test]
fn lines_that_are_no_text_are_told_and_left_out_on_demand() {
    let place = Place::new();
    place.put("notes.txt", b"fine\nbro\xffken\nfine\n");
    place
        .pelton(&["text", "-p", "uppercase", "notes.txt"])
        .assert_refused(&["line 2", "not UTF-8"]);
    let skip = ["text", "-p", "uppercase", "notes.txt", "--on-error", "skip"];
    let ran = place.pelton(&skip);
    assert_eq!(ran.assert_code(1).stdout, "FINE\nFINE\n");
    assert!(
        ran.stderr.contains("1 records left out: utf8"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_chain_that_makes_no_sense_is_refused() {
    let place = Place::with(&[("notes.txt", NOTES)]);
    place
        .pelton(&["text", "-p", "wordcount,trim", "notes.txt"])
        .assert_refused(&["`wordcount`", "nothing may follow it"]);
    place
        .pelton(&["text", "-p", "upercase", "notes.txt"])
        .assert_code(2);
}
