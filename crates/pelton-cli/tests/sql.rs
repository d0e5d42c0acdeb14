//! `pelton sql`, from the outside.

mod place;

use place::{ORDERS, Place};

const QUERY: &str = "SELECT country, sum(quantity * unit_price) AS revenue FROM 'orders.csv' \
                     WHERE status = 'shipped' GROUP BY country ORDER BY revenue DESC LIMIT 10";

fn orders() -> Place {
    Place::with(&[("orders.csv", ORDERS)])
}

/// What `query` over the orders gives, as CSV.
#[track_caller]
fn check(query: &str, expected: &str) {
    let ran = orders().pelton(&["sql", query]);
    assert_eq!(ran.assert_code(0).stdout, expected);
    assert_eq!(ran.stderr, "");
}

#[track_caller]
fn refused(query: &str, parts: &[&str]) {
    let ran = orders().pelton(&["sql", query]);
    assert_eq!(ran.assert_refused(parts).stdout, "");
}

#[test]
fn csv_where_nobody_looks() {
    check(QUERY, "country,revenue\nDE,70.50\nFR,20.25\n");
}

#[test]
fn a_table_when_asked_for() {
    let ran = orders().pelton(&["sql", QUERY, "--format", "table"]);
    let table = "country  revenue\n───────  ───────\nDE         70.50\nFR         20.25\n";
    assert_eq!(ran.assert_code(0).stdout, table);
}

#[test]
fn a_json_object_a_line() {
    let ran = orders().pelton(&["sql", QUERY, "--format", "ndjson"]);
    let lines = "{\"country\":\"DE\",\"revenue\":70.50}\n{\"country\":\"FR\",\"revenue\":20.25}\n";
    assert_eq!(ran.assert_code(0).stdout, lines);
}

#[test]
fn an_output_file_whose_name_says_the_format() {
    let place = orders();
    for (name, expected) in [
        ("out.csv", "country,revenue\nDE,70.50\nFR,20.25\n"),
        ("out.tsv", "country\trevenue\nDE\t70.50\nFR\t20.25\n"),
        (
            "out.ndjson",
            "{\"country\":\"DE\",\"revenue\":70.50}\n{\"country\":\"FR\",\"revenue\":20.25}\n",
        ),
    ] {
        let ran = place.pelton(&["sql", QUERY, "-o", name]);
        assert_eq!(ran.assert_code(0).stdout, "");
        assert_eq!(place.text(name), expected);
    }
    let ran = place.pelton(&["sql", QUERY, "--format", "table", "-o", "out.md"]);
    assert_eq!(ran.assert_code(0).stdout, "");
    assert!(place.text("out.md").starts_with("country  revenue\n"));
}

#[test]
fn standard_input_after_from() {
    let query = "SELECT count(*) AS n, max(unit_price) AS m FROM '-'";
    let ran = Place::new().pelton_reading(&["sql", query], ORDERS);
    assert_eq!(ran.assert_code(0).stdout, "n,m\n4,10.00\n");
}

#[test]
fn clauses() {
    check(
        "SELECT id FROM 'orders.csv' ORDER BY unit_price DESC LIMIT 2 OFFSET 1",
        "id\n3\n2\n",
    );
    check(
        "SELECT country, count(*) AS n FROM 'orders.csv' GROUP BY 1 HAVING count(*) > 1",
        "country,n\nDE,3\n",
    );
    check(
        "SELECT DISTINCT country FROM 'orders.csv' ORDER BY 1 DESC",
        "country\nFR\nDE\n",
    );
    check(
        "SELECT * FROM 'orders.csv' WHERE id = 2",
        "id,country,status,quantity,unit_price\n2,FR,shipped,9,2.25\n",
    );
    check(
        "SELECT count(*) AS n, sum(quantity) AS s FROM 'orders.csv' WHERE id > 9",
        "n,s\n0,\n",
    );
}

#[test]
fn more_than_one_select_over_one_file_is_refused_at_its_place() {
    let join = "SELECT * FROM orders.csv JOIN other ON true";
    refused(join, &["pelton: query:1:15: ", "joins"]);
    refused(
        "SELECT 1 FROM 'orders.csv' UNION SELECT 2 FROM 'orders.csv'",
        &["query:1:1: ", "UNION"],
    );
    refused("SELECT (SELECT 1) FROM 'orders.csv'", &["query:1:9: "]);
    refused(
        "SELECT rank() OVER (ORDER BY id) FROM 'orders.csv'",
        &["query:1:8: "],
    );
    refused("DELETE FROM 'orders.csv'", &["query:1:1: "]);
}

#[test]
fn faults_are_shown_at_their_place() {
    for (query, parts) in [
        (
            "SELECT cuntry FROM 'orders.csv'",
            ["query:1:8: ", "did you mean `country`?"],
        ),
        (
            "SELECT 1 +\n  quantty FROM 'orders.csv'",
            ["query:2:3: ", "`quantity`?"],
        ),
        (
            "SELECT id FROM 'orders.csv' ORDER BY idd",
            ["query:1:38: ", "`id`?"],
        ),
        (
            "SELECT rond(id) FROM 'orders.csv'",
            ["query:1:8: ", "did you mean `round`?"],
        ),
        (
            "SELECT id + status FROM 'orders.csv'",
            ["query:1:8: ", "int64"],
        ),
        (
            "SELECT id FROM 'orders.csv' WHERE quantty > 1",
            ["query:1:35: ", "`quantity`?"],
        ),
        ("SELEC 1", ["query:1:1: ", "SELECT"]),
        (
            "SELECT id FROM 'orders.csv' WHERE",
            ["query:1:34: ", "expression"],
        ),
        (
            "SELECT id FROM 'none.csv'",
            ["pelton: none.csv: ", "no such file or directory\n"],
        ),
    ] {
        refused(query, &parts);
    }
}

#[test]
fn broken_records_stop_a_query_or_are_left_out_and_told() {
    let place = orders();
    place.put("orders.csv", format!("{ORDERS}5,DE\n"));
    let query = "SELECT count(*) AS n FROM 'orders.csv'";
    place
        .pelton(&["sql", query])
        .assert_refused(&["orders.csv: line 6", "found 2"]);
    let ran = place.pelton(&["sql", query, "--on-error", "skip"]);
    assert_eq!(ran.assert_code(1).stdout, "n\n4\n");
    assert_eq!(ran.stderr, "pelton: 1 records left out: field_count\n");
}

#[test]
fn a_file_without_rows_has_sums_too() {
    let place = Place::with(&[("empty.csv", "id,price\n")]);
    let query = "SELECT count(*) AS n, sum(price) AS s, max(price * 2) AS m FROM 'empty.csv'";
    assert_eq!(
        place.pelton(&["sql", query]).assert_code(0).stdout,
        "n,s,m\n0,,\n"
    );
    let query = "SELECT id FROM 'empty.csv' WHERE price > 5 AND id = 'x'";
    assert_eq!(place.pelton(&["sql", query]).assert_code(0).stdout, "id\n");
}

#[test]
fn what_is_neither_grouped_nor_aggregated_is_refused_in_its_place() {
    let place = Place::with(&[("orders.csv", ORDERS)]);
    let refused = |query: &str, at: &str, name: &str| {
        let reason = format!("`{name}` is neither grouped by nor in an aggregate");
        place.pelton(&["sql", query]).assert_refused(&[at, &reason]);
    };
    let grouped = "FROM 'orders.csv' GROUP BY country";
    refused(&format!("SELECT id, count(*) {grouped}"), "query:1:8", "id");
    refused(
        &format!("SELECT country, 1 + id {grouped}"),
        "query:1:21",
        "id",
    );
    refused(
        &format!("SELECT country {grouped} HAVING id > 1"),
        "query:1:58",
        "id",
    );
    refused(
        &format!("SELECT country {grouped} ORDER BY id"),
        "query:1:60",
        "id",
    );
    let ran = place.pelton(&["sql", &format!("SELECT Country AS c {grouped} ORDER BY c")]);
    assert_eq!(ran.assert_code(0).stdout, "c\nDE\nFR\n");
}

#[test]
fn a_key_means_the_column_before_the_item_of_that_name() {
    let place = Place::with(&[("orders.csv", "city,n\nOslo,1\nOSLO,2\n")]);
    let query = "SELECT lower(city) AS city, sum(n) AS n FROM 'orders.csv' GROUP BY city";
    let ran = place.pelton(&["sql", query]);
    assert_eq!(ran.assert_code(0).stdout, "city,n\noslo,1\noslo,2\n");
    let query = "SELECT lower(city) AS town, sum(n) AS n FROM 'orders.csv' GROUP BY town";
    let ran = place.pelton(&["sql", query]);
    assert_eq!(ran.assert_code(0).stdout, "town,n\noslo,3\n");
}

#[test]
fn joins_of_quoted_paths_are_refused_in_their_place() {
    let place = Place::with(&[("orders.csv", ORDERS)]);
    place
        .pelton(&["sql", "SELECT * FROM 'orders.csv' JOIN 'b.csv' USING (id)"])
        .assert_refused(&["query:1:28", "not supported: joins"]);
    place
        .pelton(&["sql", "SELECT id, country FROM 'orders.csv', 'b.csv'"])
        .assert_refused(&["query:1:37", "not supported: joins"]);
}

#[test]
fn all_columns_and_more_are_what_a_pipeline_derives() {
    let place = orders();
    let select = "SELECT *, quantity * unit_price AS total, upper(country) AS c FROM 'orders.csv' \
                  WHERE status = 'shipped'";
    let pipeline = "[source]\npath = \"orders.csv\"\n[sink]\npath = \"derived.csv\"\n\
                    [[stage]]\nfilter = \"status = 'shipped'\"\n[[stage]]\nderive = { \
                    total = \"quantity * unit_price\", c = \"upper(country)\" }\n";
    place.put("derive.toml", pipeline);
    place.pelton(&["run", "derive.toml"]).assert_code(0);
    let ran = place.pelton(&["sql", select]);
    assert_eq!(ran.assert_code(0).stdout, place.text("derived.csv"));
    // Written anew, as another format asks for, they have the same values.
    let json = place.pelton(&["sql", select, "--format", "ndjson", "-o", "out.ndjson"]);
    json.assert_code(0);
    let again = "SELECT * FROM 'out.ndjson'";
    let ran = place.pelton(&["sql", again]);
    assert_eq!(ran.assert_code(0).stdout, place.text("derived.csv"));
}

#[test]
fn all_columns_leave_as_they_came() {
    let place = Place::with(&[("a.csv", "a,b\n007,\"x\"\n1.50,y\n")]);
    let ran = place.pelton(&["sql", "SELECT * FROM 'a.csv'"]);
    assert_eq!(ran.assert_code(0).stdout, "a,b\n007,\"x\"\n1.50,y\n");
    let ran = place.pelton(&["sql", "SELECT *, b || '!' AS c FROM 'a.csv' WHERE a > 2"]);
    assert_eq!(ran.assert_code(0).stdout, "a,b,c\n007,\"x\",x!\n");
    // A column may not use one that stands beside it.
    let ran = place.pelton(&["sql", "SELECT *, a + 1 AS c, c + 1 AS d FROM 'a.csv'"]);
    assert_eq!(ran.assert_refused(&["c"]).stdout, "");
    let ran = place.pelton(&["sql", "SELECT *, a + 1 AS b FROM 'a.csv'"]);
    assert_eq!(ran.assert_refused(&["two columns", "`b`"]).stdout, "");
}
