//! Dialects of CSV, tables and the column `file`, from the outside.

mod place;

use place::{ORDERS, Place};

const ODD: &str = "# made by hand\n'id';'name'\n1;'a \\'b\\'; c'\n# more\n2\n3;d;e\n";
const FLAGS: [&str; 10] = [
    "--delimiter",
    ";",
    "--quote",
    "'",
    "--escape",
    "\\",
    "--comment",
    "#",
    "--ragged",
    "fit",
];

#[test]
fn options_say_how_an_input_is_read() {
    let place = Place::with(&[("odd.csv", ODD)]);
    let query = "SELECT id, name, id + 1 AS next FROM 'odd.csv'";
    let ran = place.pelton(&[&["sql", query], &FLAGS[..]].concat());
    assert_eq!(
        ran.assert_code(0).stdout,
        "id,name,next\n1,a 'b'; c,2\n2,,3\n3,d,4\n"
    );
    let plain = place.pelton(&["sql", "SELECT * FROM 'odd.csv'", "--no-header", "-d", "|"]);
    assert!(
        plain
            .stdout
            .starts_with("column_1\n# made by hand\n'id';'name'\n"),
        "{plain:?}"
    );
}

#[test]
fn a_pipeline_says_how_both_ends_look() {
    let place = Place::with(&[("odd.csv", ODD)]);
    let pipeline = "
        [source]
        path = 'odd.csv'
        delimiter = ';'
        quote = \"'\"
        escape = '\\'
        comment = '#'
        ragged = 'pad'
        [sink]
        path = 'out.txt'
        format = 'csv'
        delimiter = '|'
        quote = \"'\"
        escape = '\\'
        header = false
        crlf = true
        [engine]
        on_error = 'skip'
    ";
    place.put("p.toml", pipeline);
    place.pelton(&["run", "p.toml", "-q"]).assert_code(1);
    assert_eq!(place.text("out.txt"), "1|'a \\'b\\'; c'\r\n2|\r\n");
    let set = |setting: &str| place.pelton(&["run", "p.toml", "-q", "--set", setting]);
    set("source.comment=';'").assert_refused(&["source: delimiter and comment must differ"]);
    set("source.quote=ab").assert_refused(&["source.quote: expected one ASCII character"]);
    set("sink.delimiter=é").assert_refused(&["sink.delimiter: expected one ASCII character"]);
    set("source.ragged=cut").assert_refused(&["expected reject, pad, truncate or fit"]);
    set("sink.format=ndjson").assert_refused(&["sink: delimiter, quote", "csv and tsv alone"]);
}

#[test]
fn records_are_written_anew_when_the_dialects_differ() {
    let place = Place::with(&[("in.csv", "a,b\n1,\"x;y\"\n2,\"\"\"z\"\n")]);
    let query = "SELECT * FROM 'in.csv'";
    let semicolon = place.pelton(&["sql", query, "--set", "sink.delimiter=\";\""]);
    assert_eq!(
        semicolon.assert_code(0).stdout,
        "a;b\n1;\"x;y\"\n2;\"\"\"z\"\n"
    );
    let escaped = place.pelton(&["sql", query, "--set", "sink.escape='\\'"]);
    assert_eq!(escaped.assert_code(0).stdout, "a,b\n1,x;y\n2,\"\\\"z\"\n");
    let same = place.pelton(&["sql", query]);
    assert_eq!(same.assert_code(0).stdout, place.text("in.csv"));
}

#[test]
fn quotes_can_be_switched_off() {
    let place = Place::with(&[("in.tsv", "a\tb\n5\" pipe\t2\n")]);
    let ran = place.pelton(&[
        "sql",
        "SELECT b, a FROM 'in.tsv'",
        "--quote",
        "",
        "--format",
        "tsv",
    ]);
    assert_eq!(ran.assert_code(0).stdout, "b\ta\n2\t\"5\"\" pipe\"\n");
}

#[test]
fn a_table_is_a_format_of_sinks() {
    let place = Place::with(&[("orders.csv", ORDERS)]);
    let pipeline = "
        source = { path = 'orders.csv' }
        stage = [{ select = ['country', 'quantity'] }, { limit = 2 }]
        sink = { path = 'out.txt', format = 'table' }
    ";
    place.put("p.toml", pipeline);
    place.pelton(&["run", "p.toml", "-q"]).assert_code(0);
    let table = "country  quantity\n───────  ────────\nDE              7\nFR              9\n";
    assert_eq!(place.text("out.txt"), table);
    let source = ["run", "p.toml", "--set", "source.format=table"];
    place
        .pelton(&source)
        .assert_refused(&["source: table is a format to write"]);
}

#[test]
fn a_table_of_many_rows_keeps_its_columns() {
    let place = Place::new();
    let rows: String = (0..150_000).map(|row| format!("{row},x\n")).collect();
    let long = "y".repeat(70);
    place.put(
        "in.csv",
        format!("id,note\n{rows}150000,{long}\n150001,zz\n"),
    );
    let ran = place.pelton(&["sql", "SELECT * FROM 'in.csv'", "--format", "table"]);
    let lines: Vec<&str> = ran.assert_code(0).stdout.lines().collect();
    assert_eq!(lines.len(), 150_004);
    assert!(
        lines[150_002].ends_with("150000  yyy…"),
        "{}",
        lines[150_002]
    );
    assert!(lines[150_003].ends_with("150001  zz"), "{}", lines[150_003]);
}

#[test]
fn the_file_of_a_record_is_a_column_for_those_who_ask() {
    let place = Place::with(&[("a.csv", "x\n1\n2\n"), ("b.csv", "x\n3\nbad\n4\n5\n6\n")]);
    let sql = |query: &str| place.pelton(&["sql", query, "--on-error", "skip"]).stdout;
    let counts = sql("SELECT file, count(*) AS n, sum(x) AS x FROM '*.csv' GROUP BY file");
    assert_eq!(counts, "file,n,x\na.csv,2,3\nb.csv,4,18\n");
    assert_eq!(
        sql("SELECT x FROM '*.csv' WHERE file = 'a.csv'"),
        "x\n1\n2\n"
    );
    assert_eq!(sql("SELECT * FROM 'a.csv'"), "x\n1\n2\n");
    let all = sql("SELECT * FROM '*.csv' WHERE file LIKE 'b%' LIMIT 1");
    assert_eq!(all, "x,file\n3,b.csv\n");
    place
        .pelton(&["sql", "SELECT fil FROM '*.csv'"])
        .assert_refused(&["unknown column `fil`"]);
}

#[test]
fn a_column_of_the_input_called_file_is_itself() {
    let place = Place::with(&[("a.csv", "file\nmine\n")]);
    let ran = place.pelton(&["sql", "SELECT upper(file) AS f FROM 'a.csv'"]);
    assert_eq!(ran.assert_code(0).stdout, "f\nMINE\n");
}

#[test]
fn files_of_json_and_logs_have_names_too() {
    let place = Place::with(&[("a.ndjson", "{\"x\":1}\n"), ("b.ndjson", "{\"y\":2}\n")]);
    let ran = place.pelton(&["sql", "SELECT file, x, y FROM '*.ndjson'"]);
    assert_eq!(
        ran.assert_code(0).stdout,
        "file,x,y\na.ndjson,1,\nb.ndjson,,2\n"
    );
    let log = "::1 - - [10/Oct/2000:13:55:36 -0700] \"GET /a HTTP/1.1\" 200 23\n";
    place.put("c.log", log);
    let query = "SELECT file, status FROM 'c.log'";
    let ran = place.pelton(&["sql", query, "--input-format", "log", "--pattern", "common"]);
    assert_eq!(ran.assert_code(0).stdout, "file,status\nc.log,200\n");
}

#[test]
fn access_logs_are_known_by_their_first_lines() {
    let common = "::1 - - [10/Oct/2000:13:55:36 -0700] \"GET /a HTTP/1.1\" 200 23";
    let place = Place::with(&[("common.log", &format!("{common}\n"))]);
    let combined = format!("{common} \"-\" \"curl\"\n");
    place.put(
        "combined.log",
        format!("no such line\n{combined}{combined}"),
    );
    place.put(
        "notes.log",
        format!("10:04 started\n10:05 stopped\n{common}\n"),
    );
    let ran = place.pelton(&["sql", "SELECT status, path FROM 'common.log'"]);
    assert_eq!(ran.assert_code(0).stdout, "status,path\n200,/a\n");
    let query = "SELECT user_agent FROM 'combined.log'";
    let ran = place.pelton(&["sql", query, "--on-error", "skip"]);
    assert_eq!(ran.stdout, "user_agent\ncurl\ncurl\n");
    let ran = place.pelton(&["sql", "SELECT count(line) AS n FROM 'notes.log'"]);
    assert_eq!(ran.assert_code(0).stdout, "n\n3\n");
    // What is asked for is what is done.
    let query = "SELECT count(line) AS n FROM 'common.log'";
    let ran = place.pelton(&["sql", query, "--input-format", "text"]);
    assert_eq!(ran.assert_code(0).stdout, "n\n1\n");
    let query = "SELECT host FROM 'common.log'";
    let ran = place.pelton(&["sql", query, "--pattern", "%{host} %{rest}"]);
    assert_eq!(ran.assert_code(0).stdout, "host\n::1\n");
}
