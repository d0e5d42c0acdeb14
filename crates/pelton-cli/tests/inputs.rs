//! Many files, directories and compressed files, from the outside.

mod place;

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use place::{ORDERS, Place};

const COUNT: &str = "SELECT count(*) AS n, sum(quantity) AS q FROM 'PATH'";
const ALL_FOUR: &str = "n,q\n4,30\n";

/// What a tool of the system makes of `bytes`; none where there is no such tool.
fn tool(name: &str, arguments: &[&str], bytes: &[u8]) -> Option<Vec<u8>> {
    let mut command = Command::new(name);
    let command = command.args(arguments).stdin(Stdio::piped());
    let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = bytes.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("the tool ends");
    writer.join().expect("no panic").expect("the tool reads");
    assert!(output.status.success(), "{name} {arguments:?}");
    Some(output.stdout)
}

/// Compressed by the system's tool, or by the library where there is none.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    tool("gzip", &["-c"], bytes).unwrap_or_else(|| {
        let level = flate2::Compression::default();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    })
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    tool("gzip", &["-dc"], bytes).unwrap_or_else(|| {
        let mut text = Vec::new();
        let mut decoder = flate2::read::MultiGzDecoder::new(bytes);
        decoder.read_to_end(&mut text).expect("whole members");
        text
    })
}

fn zstd(bytes: &[u8], arguments: &[&str]) -> Vec<u8> {
    let arguments = [&["-c", "-q"], arguments].concat();
    tool("zstd", &arguments, bytes).unwrap_or_else(|| ::zstd::encode_all(bytes, 3).expect("memory"))
}

fn unzstd(bytes: &[u8]) -> Vec<u8> {
    tool("zstd", &["-dc", "-q"], bytes)
        .unwrap_or_else(|| ::zstd::decode_all(bytes).expect("whole frames"))
}

#[track_caller]
fn counts(place: &Place, path: &str) {
    let ran = place.pelton(&["sql", &COUNT.replace("PATH", path)]);
    assert_eq!(ran.assert_code(0).stdout, ALL_FOUR, "{path}");
}

#[track_caller]
fn count_refused(place: &Place, path: &str, parts: &[&str]) {
    let ran = place.pelton(&["sql", &COUNT.replace("PATH", path)]);
    ran.assert_refused(parts);
}

/// `text` in two halves, each with its header.
fn halves(text: &str) -> [String; 2] {
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    let lines: Vec<&str> = lines.collect();
    let (left, right) = lines.split_at(lines.len() / 2);
    [left, right].map(|half| format!("{header}\n{}\n", half.join("\n")))
}

#[test]
fn compressed_files_are_read_by_their_first_bytes() {
    let place = Place::new();
    let (gzip, zstd) = (gzip(ORDERS.as_bytes()), zstd(ORDERS.as_bytes(), &[]));
    place.put("orders.csv.gz", &gzip);
    place.put("orders.csv.zst", &zstd);
    place.put("gzip.csv", &gzip);
    place.put("zstd.csv", &zstd);
    for path in ["orders.csv.gz", "orders.csv.zst", "gzip.csv", "zstd.csv"] {
        counts(&place, path);
    }
}

#[test]
fn members_one_after_the_other_are_one_input() {
    let place = Place::new();
    let (left, right) = ORDERS.as_bytes().split_at(50);
    place.put(
        "two.csv.gz",
        [gzip(left), gzip(b""), gzip(right), vec![0; 700]].concat(),
    );
    let skipped = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let frames = [
        &skipped[..],
        &zstd(left, &[]),
        &skipped,
        &zstd(right, &["-19"]),
    ]
    .concat();
    place.put("two.csv.zst", frames);
    counts(&place, "two.csv.gz");
    counts(&place, "two.csv.zst");
}

#[test]
fn compressed_standard_input() {
    let place = Place::new();
    for bytes in [gzip(ORDERS.as_bytes()), zstd(ORDERS.as_bytes(), &[])] {
        let ran = place.pelton_reading(&["sql", &COUNT.replace("PATH", "-")], bytes);
        assert_eq!(ran.assert_code(0).stdout, ALL_FOUR);
    }
}

#[test]
fn written_files_open_in_the_usual_tools() {
    let place = Place::with(&[("orders.csv", ORDERS)]);
    let query = "SELECT * FROM 'orders.csv'";
    for name in ["out.csv.gz", "out.csv.zst"] {
        place.pelton(&["sql", query, "-o", name]).assert_code(0);
        counts(&place, name);
    }
    assert_eq!(gunzip(&place.bytes("out.csv.gz")), ORDERS.as_bytes());
    assert_eq!(unzstd(&place.bytes("out.csv.zst")), ORDERS.as_bytes());
    assert_eq!(place.files(), ["orders.csv", "out.csv.gz", "out.csv.zst"]);
}

#[test]
fn a_large_result_is_compressed_whole() {
    let place = Place::new();
    place
        .pelton(&["gen", "orders", "--rows", "50000", "-o", "orders.csv"])
        .assert_code(0);
    let query = "SELECT * FROM 'orders.csv'";
    for (name, level) in [
        ("a.csv.gz", "1"),
        ("b.csv.gz", "9"),
        ("a.csv.zst", "1"),
        ("b.csv.zst", "9"),
    ] {
        let arguments = ["sql", query, "-o", name, "--level", level];
        place.pelton(&arguments).assert_code(0);
    }
    let text = place.bytes("orders.csv");
    assert!(gunzip(&place.bytes("a.csv.gz")) == text && gunzip(&place.bytes("b.csv.gz")) == text);
    assert!(unzstd(&place.bytes("a.csv.zst")) == text && unzstd(&place.bytes("b.csv.zst")) == text);
    assert!(place.bytes("b.csv.gz").len() < place.bytes("a.csv.gz").len());
    assert!(place.bytes("b.csv.zst").len() < place.bytes("a.csv.zst").len());
}

#[test]
fn the_plan_says_what_is_compressed() {
    let place = Place::new();
    place.put("orders.bin", gzip(ORDERS.as_bytes()));
    let pipeline = "source = { path = 'orders.bin', format = 'csv', compression = 'gzip' }\n\
                    sink = { path = 'out.csv', compression = 'zstd', level = 19, sync = true }\n";
    place.put("p.toml", pipeline);
    place.pelton(&["run", "p.toml", "-q"]).assert_code(0);
    assert_eq!(unzstd(&place.bytes("out.csv")), ORDERS.as_bytes());
    let set = |setting| place.pelton(&["run", "p.toml", "-q", "--set", setting]);
    set("sink.level=20").assert_refused(&["out.csv", "no zstd level 20", "1 to 19"]);
    set("sink.compression=none").assert_refused(&["out.csv", "nothing is compressed"]);
    set("sink.compression=lz4").assert_refused(&["expected auto, none, gzip or zstd"]);
    set("source.compression=zstd").assert_refused(&["orders.bin", "does not begin as zstd"]);
}

#[test]
fn damage_is_told_with_its_place() {
    let place = Place::new();
    let text = ORDERS.repeat(40);
    for (name, whole) in [
        ("a.csv.gz", gzip(text.as_bytes())),
        ("a.csv.zst", zstd(text.as_bytes(), &[])),
    ] {
        place.put(name, &whole[..whole.len() - 9]);
        count_refused(
            &place,
            name,
            &[name, "ends at byte", "cut short", "make it again"],
        );
        let mut broken = whole.clone();
        let middle = broken.len() / 2;
        broken[middle] ^= 0x55;
        broken[middle + 1] ^= 0xaa;
        place.put(name, &broken);
        count_refused(&place, name, &[name, "is damaged near byte"]);
        place.put(name, [whole, b"and more".to_vec()].concat());
        count_refused(&place, name, &[name, "begins at byte", "something else"]);
        place.put(name, &text);
        count_refused(
            &place,
            name,
            &[name, "does not begin as", "source.compression"],
        );
    }
}

#[test]
fn a_bomb_stays_within_its_memory() {
    let place = Place::new();
    let bomb = tool(
        "sh",
        &[
            "-c",
            "head -c 67000000 /dev/zero | tr '\\0' '1' | gzip -1 -c",
        ],
        b"",
    );
    let Some(bomb) = bomb else { return };
    assert!(bomb.len() < 1_000_000);
    place.put("bomb.txt.gz", bomb);
    let query = "SELECT count(*) AS n FROM 'bomb.txt.gz'";
    let limited = |extra: &[&str]| {
        let arguments = ["sql", query, "--memory-limit", "50MB"];
        place.pelton(&[&arguments, extra].concat())
    };
    limited(&[]).assert_refused(&["line 1", "a record of 67000000 bytes"]);
    let skipped = limited(&["--on-error", "skip"]);
    assert_eq!(skipped.assert_code(1).stdout, "n\n0\n");
}

#[test]
fn a_window_larger_than_the_memory_is_refused() {
    let place = Place::new();
    let text = ORDERS.repeat(20_000);
    let long = tool("zstd", &["-c", "-q", "-1", "--long=26"], text.as_bytes());
    let Some(long) = long else { return };
    place.put("long.csv.zst", long);
    let query = "SELECT count(*) AS n FROM 'long.csv.zst' WHERE country = 'XX'";
    let run = |limit| place.pelton(&["sql", query, "--memory-limit", limit]);
    run("50MB").assert_refused(&["long.csv.zst", "needs", "engine.memory_limit", "--long"]);
    assert_eq!(run("400MB").assert_code(0).stdout, "n\n0\n");
}

#[test]
fn a_directory_is_all_its_files() {
    let place = Place::new();
    let [left, right] = halves(ORDERS);
    for folder in ["dir", "dir/b", "dir/.git", "dir/_logs"] {
        std::fs::create_dir(place.path(folder)).expect("a directory");
    }
    place.put("dir/a.csv", left);
    place.put("dir/b/c.csv.gz", gzip(right.as_bytes()));
    for other in [
        "dir/.hidden",
        "dir/_SUCCESS",
        "dir/d.csv.partial",
        "dir/.git/x",
        "dir/_logs/y",
    ] {
        place.put(other, "something else");
    }
    counts(&place, "dir");
    counts(&place, "dir/**/[ac].csv*");
    place.put("dir/notes.md", "# Notes\n");
    count_refused(
        &place,
        "dir",
        &["dir/notes.md", "column 1 is `# Notes`", "`id` in dir/a.csv"],
    );
    std::fs::create_dir(place.path("empty")).expect("a directory");
    count_refused(&place, "empty", &["empty", "holds no file"]);
}

#[test]
fn empty_files_among_others_are_passed_over() {
    let place = Place::new();
    let [left, right] = halves(ORDERS);
    let header = ORDERS.lines().next().expect("a header");
    for (name, text) in [
        ("a.csv", ""),
        ("b.csv", header),
        ("c.csv", &left),
        ("d.csv", ""),
        ("e.csv", &right),
        ("f.csv", ""),
    ] {
        place.put(name, text);
    }
    counts(&place, "*.csv");
    count_refused(&place, "[adf].csv", &["f.csv", "empty"]);
}

#[test]
fn types_fit_all_files() {
    let place = Place::with(&[
        ("a.csv", "id,x,y\n"),
        ("b.csv", "id,x,y\n1,2,a\n"),
        ("c.csv", "id,x,y\n2,0.25,b\n"),
    ]);
    let ran = place.pelton(&["sql", "SELECT sum(x) AS x, sum(id) AS id FROM '*.csv'"]);
    assert_eq!(ran.assert_code(0).stdout, "x,id\n2.25,3\n");
}

#[test]
fn other_columns_are_told_with_file_and_difference() {
    let place = Place::with(&[
        ("a.csv", "id,x\n1,2\n"),
        ("b.csv", "x,id\n1,2\n"),
        ("c.csv", "id,x,y\n1,2,3\n"),
    ]);
    let query = |path| format!("SELECT count(*) AS n FROM '{path}'");
    let swapped = place.pelton(&["sql", &query("[ab].csv")]);
    swapped.assert_refused(&[
        "b.csv",
        "column 1 is `x`, which is `id` in a.csv",
        "same order",
    ]);
    let wider = place.pelton(&["sql", &query("[ac].csv")]);
    wider.assert_refused(&["c.csv", "it has 3 columns, of which there are 2 in a.csv"]);
}

#[test]
fn a_map_gives_what_reading_gives() {
    let place = Place::new();
    place
        .pelton(&["gen", "orders", "--rows", "60000", "-o", "orders.csv"])
        .assert_code(0);
    place.put(
        "p.toml",
        "source = { path = 'orders.csv' }\nsink = { path = '-' }\n",
    );
    let run = |io| place.pelton(&["run", "p.toml", "-q", "--set", &format!("source.io={io}")]);
    let text = place.text("orders.csv");
    for io in ["mmap", "read", "auto"] {
        assert!(run(io).assert_code(0).stdout == text, "{io}");
    }
    run("dma").assert_refused(&["expected auto, read or mmap"]);
    place.put(
        "p.toml",
        "source = { path = '-', io = 'mmap' }\nsink = { path = '-' }\n",
    );
    let piped = place.pelton_reading(&["run", "p.toml", "-q"], ORDERS);
    assert_eq!(piped.assert_code(0).stdout, ORDERS);
}
