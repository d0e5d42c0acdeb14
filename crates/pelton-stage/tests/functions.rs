//! The table of functions: every example in `docs/FUNCTIONS.md` is evaluated, as a constant and
//! again row by row over a column, and every function of the table of contents is in it.

mod table;

use table::{check, check_nulls, value};

/// Examples of the table: expression and result.
fn examples() -> Vec<(String, String)> {
    let page = include_str!("../../../docs/FUNCTIONS.md");
    let cells = |line: &str| -> Vec<String> {
        let line = line.replace("\\|", "\u{1}");
        line.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().replace('\u{1}', "|"))
            .collect()
    };
    let example = |line: &str| {
        let last = cells(line).pop()?;
        let (expression, result) = last
            .strip_prefix('`')?
            .strip_suffix('`')?
            .split_once("` → `")?;
        Some((expression.to_owned(), result.to_owned()))
    };
    // The tables before the one of differences end in a column of examples.
    let (tables, _) = page
        .split_once("## Where it differs")
        .expect("a section of differences");
    tables
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| example(line).unwrap_or_else(|| panic!("an example at the end of {line}")))
        .collect()
}

#[test]
fn every_example_is_true() {
    let examples = examples();
    assert!(70 < examples.len(), "{} examples", examples.len());
    for (expression, result) in examples {
        check(&expression, &result);
    }
}

#[test]
fn every_example_is_true_of_columns() {
    // A condition that holds, but not before the rows are seen, keeps constants from being folded.
    for (expression, result) in examples() {
        check(&format!("CASE WHEN i = 42 THEN {expression} END"), &result);
    }
}

#[test]
fn nulls_go_through() {
    for text in [
        "upper(s)",
        "length(s)",
        "trim(s)",
        "substr(s, 1, 2)",
        "left(s, 1)",
        "replace(s, 'a', 'b')",
        "split_part(s, ',', 1)",
        "strpos(s, 'a')",
        "reverse(s)",
        "repeat(s, 2)",
        "lpad(s, 3)",
        "s || 'x'",
        "abs(i)",
        "round(d, 1)",
        "sqrt(f)",
        "power(f, 2)",
        "mod(i, 0)",
        "hash64(s)",
        "date_trunc('day', t)",
        "date_part('year', t)",
        "t + INTERVAL '1 day'",
        "to_timestamp(i)",
        "s ~ 'a'",
        "regexp_replace(s, 'a', 'b')",
        "regexp_extract(s, 'a')",
        "s -> 'a'",
        "s LIKE 'a%'",
        "s IN ('a', 'b')",
        "CAST(s AS bigint)",
        "greatest(i, NULL)",
        "-f",
    ] {
        check_nulls(text, "null");
    }
    check_nulls("concat(s, 'x', i)", "x");
    check_nulls("concat_ws(',', s, 'x', i, 'y')", "x,y");
    check_nulls("coalesce(i, d, 1)", "1.00");
    check_nulls("greatest(i, 3, d)", "3.00");
    check_nulls("nullif(i, 1)", "null");
}

#[test]
fn functions_of_columns() {
    check("upper(s)", "ZÜRICH");
    check("length(s) + octet_length(y)", "8");
    check("substr(s, -1, 4)", "Zü");
    check("substr(s, 3)", "rich");
    check("substr(s, 2, -1)", "failed: negative substring length");
    check("left(s, 2) || right(s, 2)", "Züch");
    check("trim(s || '  ')", "Zürich");
    check("split_part(s, 'ü', 2)", "rich");
    check("split_part(s, 'x', i)", "");
    check("chr(i - 42)", "failed: 0 is not a character");
    check(
        "repeat(s, 1000000)",
        "failed: the result is longer than 1 MiB",
    );
    check("round(d)", "20");
    check("round(d, 1)", "20.0");
    check("round(d, -1)", "20");
    check("round(i, -1)", "40");
    check("round(f)", "2");
    check("round(f * 1.05, 2)", "2.62");
    check(
        "sqrt(-f)",
        "failed: cannot take square root of a negative number",
    );
    check("ln(i - 42)", "failed: cannot take logarithm of zero");
    check("date_trunc('hour', t)", "2024-01-01 12:00:00");
    check("date_part('second', t)", "56.500000000");
    check("EXTRACT(dow FROM t)", "1");
    check(
        "t - INTERVAL '1 year 2 days 12:00'",
        "error: line 1, column 14: `INTERVAL '1 year 2 days 12:00'` is not understood, \
         write INTERVAL '1 day'",
    );
    check(
        "t - INTERVAL '1 year 2 days 36 hours'",
        "2022-12-29 00:34:56.5",
    );
    check("t > '2024-01-01' AND t < '2024-01-02'", "true");
    check("t + INTERVAL '300 years'", "failed: timestamp out of range");
    check("s ~ 'ü' AND s !~* 'X'", "true");
    check("regexp_extract(s, 'x')", "null");
    check("s -> 'a'", "failed: not JSON at byte 0");
}

#[test]
fn casts() {
    check(
        "CAST(s AS bigint)",
        "failed: \"Zürich\" does not read as int64",
    );
    check("TRY_CAST(s AS bigint)", "null");
    check("CAST(f AS bigint)", "2");
    check("CAST(d AS bigint)", "20");
    check("d::text", "19.99");
    check("CAST(i AS decimal(3,2))", "failed: numeric overflow");
    check("CAST(i AS decimal(4,2))", "42.00");
    check("CAST(f AS decimal(4,1))", "2.5");
    check("CAST(1e20::double precision AS text)", "1e+20");
    check("CAST(f AS text)", "2.5");
    check("t::date::text", "2024-01-01 00:00:00");
    check("b::bigint + i::boolean::bigint", "2");
    check("y::text", "failed: byte 0 is not UTF-8");
    check("s::bytea", "5ac3bc72696368");
    check("CAST(' 12 ' AS bigint)", "12");
    check("CAST('yes' AS boolean)", "true");
    check(
        "CAST('2024-02-30' AS timestamp)",
        "failed: \"2024-02-30\" does not read as timestamp",
    );
    check(
        "'2024-02-29T23:30:00-01:00'::timestamp",
        "2024-03-01 00:30:00",
    );
}

#[test]
fn mistakes_are_named_with_their_place() {
    check("contry", "error: line 1, column 1: unknown column `contry`");
    check(
        "1 + uper(s)",
        "error: line 1, column 5: unknown function `uper`; did you mean `upper`?",
    );
    check(
        "upper(i)",
        "error: line 1, column 7: `i` is int64 where upper needs string",
    );
    check(
        "left(s)",
        "error: line 1, column 1: `left` takes 2 arguments, not 1",
    );
    check(
        "s + 1",
        "error: line 1, column 1: no arithmetic between them: `s` is string, `1` is int64",
    );
    check(
        "i = s",
        "error: line 1, column 1: cannot compare: `i` is int64, `s` is string",
    );
    check(
        "i = 'x'",
        "error: line 1, column 1: \"x\" does not read as int64; `i` is int64",
    );
    check(
        "i AND b",
        "error: line 1, column 1: `i` is int64 where AND needs bool",
    );
    check(
        "s ~ '('",
        "error: line 1, column 1: `(` is not a regular expression: unclosed group",
    );
    check(
        "1 +",
        "error: line 1, column 4: expected: an expression, found the end",
    );
    check(
        "i\n+ * 2",
        "error: line 2, column 3: expected: an expression, found: *",
    );
    check(
        "i IN (SELECT 1)",
        "error: line 1, column 1: not supported: subqueries",
    );
    check(
        "sum(i) OVER ()",
        "error: line 1, column 1: not supported: window functions",
    );
    assert!(value("i 5").starts_with("error: line 1, column 3: unexpected `5`"));
}
