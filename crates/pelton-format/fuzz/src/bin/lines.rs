//! NDJSON and logs: every line that is not blank is a row or refused, once, whatever its bytes are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pelton_format::{Format, Log, Ndjson};
use pelton_record::{Block, Origin};

const PATTERNS: [&str; 6] = [
    "combined",
    "common",
    "syslog",
    "syslog-bsd",
    "logfmt",
    "%{a} [%{b}] %{c}",
];

/// Lines that hold anything but `blank` bytes.
fn lines(text: &[u8], blank: &[u8]) -> usize {
    let lines = text.split(|&byte| byte == b'\n');
    lines
        .filter(|line| !line.iter().all(|byte| blank.contains(byte)))
        .count()
}

fuzz_target!(|input: (u8, &[u8])| {
    let text = input.1;
    let pattern = PATTERNS[usize::from(input.0) % PATTERNS.len()]
        .parse()
        .expect("a pattern");
    let formats: [Box<dyn Format>; 2] = [Box::new(Ndjson::default()), Box::new(Log::new(pattern))];
    // What counts as blank is for each format to say, within these bounds.
    let (least, most) = (lines(text, b" \t\r\x0b\x0c"), lines(text, b""));
    for format in formats {
        let Ok(opened) = format.open(text, true) else {
            continue;
        };
        let wanted: Vec<usize> = (0..opened.schema.len()).collect();
        let batch = format
            .decoder(&opened.schema, &wanted)
            .decode(Block::new(text.to_vec()), Origin::default());
        let records = batch.rows() + batch.rejected().len();
        assert!(
            (least..=most).contains(&records),
            "{}: {records}",
            format.name()
        );
    }
});
