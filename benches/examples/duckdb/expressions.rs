//! Random expressions.

use pelton_record::Batch;
use pelton_stage::Expression;
use serde_json::{Value as Json, json};

use crate::table::{TEXTS, text};
use crate::{Case, Draw};

/// What may occur: expressions that never fail may be hidden behind logic, the others not.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Safe,
    Failing,
}

/// A random expression.
pub(crate) fn case(draw: &mut Draw) -> Case {
    let kind = draw.of(&[Kind::Safe, Kind::Failing]);
    let depth = draw.pick(4) as u32;
    match draw.pick(7) {
        0 => bool(draw, depth + 1, kind),
        1 => int(draw, depth, kind),
        2 => decimal(draw, depth.min(2), kind),
        3 => float(draw, depth, kind),
        4 => string(draw, depth),
        5 => time(draw, depth),
        _ => division(draw),
    }
}

/// What Pelton says to it: the type and a value a row, or where it fails.
pub(crate) fn answer(case: &Case, batch: &Batch) -> Json {
    let parsed = Expression::parse(&case.pelton).unwrap_or_else(|e| panic!("{}: {e}", case.pelton));
    let bound = parsed
        .bind(batch.schema())
        .unwrap_or_else(|e| panic!("{}: {e}", case.pelton));
    let evaluated = bound.eval(batch);
    let mut values: Vec<Json> = (0..batch.rows())
        .map(|row| text(&evaluated.column().value(row)))
        .collect();
    for failure in evaluated.failures() {
        values[failure.row as usize] = json!({ "error": failure.reason });
    }
    json!({
        "pelton": case.pelton,
        "duckdb": case.duckdb,
        "type": bound.data_type().to_string(),
        "values": values,
    })
}

/// The same in both.
fn plain(text: impl Into<String>) -> Case {
    let text = text.into();
    Case {
        pelton: text.clone(),
        duckdb: text,
    }
}

/// A form with holes: `{0}` and so on are the parts.
fn form(pelton: &str, duckdb: &str, parts: &[Case]) -> Case {
    let fill = |form: &str, side: fn(&Case) -> &str| {
        let mut text = form.to_owned();
        for (index, part) in parts.iter().enumerate() {
            text = text.replace(&format!("{{{index}}}"), &format!("({})", side(part)));
        }
        text
    };
    Case {
        pelton: fill(pelton, |part| &part.pelton),
        duckdb: fill(duckdb, |part| &part.duckdb),
    }
}

fn same(text: &str, parts: &[Case]) -> Case {
    form(text, text, parts)
}

/// One of some forms that are the same in both, over two parts.
fn either(draw: &mut Draw, forms: &[&str], parts: [Case; 2]) -> Case {
    same(draw.of(forms), &parts)
}

/// Comparisons; the last two are never null.
const COMPARE: [&str; 8] = [
    "{0} = {1}",
    "{0} <> {1}",
    "{0} < {1}",
    "{0} <= {1}",
    "{0} > {1}",
    "{0} >= {1}",
    "{0} IS DISTINCT FROM {1}",
    "{0} IS NOT DISTINCT FROM {1}",
];

fn bool(draw: &mut Draw, depth: u32, kind: Kind) -> Case {
    if depth == 0 {
        return plain(draw.of(&["b", "b", "TRUE", "FALSE", "CAST(NULL AS BOOLEAN)"]));
    }
    let depth = depth - 1;
    if kind == Kind::Failing {
        // Those of distinction would take the null of a failure for a value.
        let parts = [number(draw, depth, kind), number(draw, 0, kind)];
        return either(draw, &COMPARE[..6], parts);
    }
    match draw.pick(5) {
        0 | 1 => test(draw, depth, kind),
        _ => logic(draw, depth, kind),
    }
}

/// Conditions over conditions, numbers and times.
fn logic(draw: &mut Draw, depth: u32, kind: Kind) -> Case {
    match draw.pick(8) {
        0 => {
            let parts = [bool(draw, depth, kind), bool(draw, depth, kind)];
            either(draw, &["{0} AND {1}", "{0} OR {1}"], parts)
        }
        1 => same("NOT {0}", &[bool(draw, depth, kind)]),
        2 => {
            let what = draw.of(&["TRUE", "FALSE", "NULL", "NOT TRUE", "NOT FALSE", "NOT NULL"]);
            same(&format!("{{0}} IS {what}"), &[bool(draw, depth, kind)])
        }
        3 => {
            let parts = [0; 3].map(|_| number(draw, depth, kind));
            same(
                draw.of(&["{0} BETWEEN {1} AND {2}", "{0} NOT BETWEEN {1} AND {2}"]),
                &parts,
            )
        }
        4 => {
            let parts = [0; 4].map(|_| int(draw, 0, kind));
            same(
                draw.of(&["{0} IN ({1}, {2}, {3})", "{0} NOT IN ({1}, {2}, {3})"]),
                &parts,
            )
        }
        5 => {
            let parts = [time(draw, depth), time(draw, depth)];
            either(draw, &COMPARE, parts)
        }
        6 => same("CAST({0} AS BOOLEAN)", &[int(draw, depth, kind)]),
        _ => {
            let parts = [number(draw, depth, kind), number(draw, depth, kind)];
            either(draw, &COMPARE, parts)
        }
    }
}

/// Conditions over text.
fn test(draw: &mut Draw, depth: u32, kind: Kind) -> Case {
    match draw.pick(7) {
        0 => {
            let pattern = draw.of(&[
                "a%", "%ü%", "%", "_", "a_b%c", "", "%b", "A%", "%a%b%", "%o W%",
            ]);
            let word = draw.of(&["LIKE", "NOT LIKE", "ILIKE"]);
            same(&format!("{{0}} {word} '{pattern}'"), &[string(draw, depth)])
        }
        1 => {
            let parts = [string(draw, depth), string(draw, depth)];
            either(draw, &COMPARE, parts)
        }
        2 => {
            let parts = [string(draw, depth), string(draw, 0)];
            let word = draw.of(&["starts_with", "ends_with", "contains"]);
            same(&format!("{word}({{0}}, {{1}})"), &parts)
        }
        3 => {
            let pattern = draw.of(&["^a", "b$", "[0-9]+", "x.*c", "^$", "ü"]);
            form(
                &format!("{{0}} ~ '{pattern}'"),
                &format!("regexp_matches({{0}}, '{pattern}')"),
                &[string(draw, depth)],
            )
        }
        4 => {
            let parts = [0; 3].map(|_| string(draw, 0));
            same(
                draw.of(&["{0} IN ({1}, {2})", "{0} BETWEEN {1} AND {2}"]),
                &parts,
            )
        }
        5 => form("isnan({0})", "isnan({0})", &[float(draw, depth, kind)]),
        _ => {
            let parts = [string(draw, depth)];
            same(
                draw.of(&["{0} LIKE '%a!%' ESCAPE '!'", "{0} LIKE 'it_s' ESCAPE '!'"]),
                &parts,
            )
        }
    }
}

fn number(draw: &mut Draw, depth: u32, kind: Kind) -> Case {
    match draw.pick(3) {
        0 => int(draw, depth, kind),
        1 => decimal(draw, depth.min(1), kind),
        _ => float(draw, depth, kind),
    }
}

fn int(draw: &mut Draw, depth: u32, kind: Kind) -> Case {
    if depth == 0 {
        let leaf = draw.of(&["i", "j", "n", "i", "0", "1", "7", "-3", "100", "NULL"]);
        // A number in the text has 32 bits there, and null no type.
        return match leaf.parse::<i64>() {
            Err(_) if leaf != "NULL" => plain(leaf),
            _ => form(
                &format!("CAST({leaf} AS BIGINT)"),
                &format!("CAST({leaf} AS BIGINT)"),
                &[],
            ),
        };
    }
    let depth = depth - 1;
    if kind == Kind::Failing && draw.pick(2) == 0 {
        let parts = [int(draw, depth, kind), int(draw, depth, kind)];
        return match draw.pick(5) {
            0 => form("{0} / {1}", "{0} // {1}", &parts),
            1 => form("{0} % {1}", "{0} % {1}", &parts),
            2 => same("{0} * {1} * {1} * {1} * {1}", &parts),
            3 => same("{0} * 4611686018427387904 + {1}", &parts),
            _ => same("CAST({0} AS BIGINT)", &[string(draw, 0)]),
        };
    }
    match draw.pick(4) {
        0 => arithmetic(draw, depth, kind),
        1 if kind == Kind::Safe => chosen(draw, depth),
        _ => derived(draw, depth, kind),
    }
}

/// Numbers of numbers.
fn arithmetic(draw: &mut Draw, depth: u32, kind: Kind) -> Case {
    match draw.pick(6) {
        0 => same(
            "{0} + {1}",
            &[int(draw, depth, kind), int(draw, depth, kind)],
        ),
        1 => same(
            "{0} - {1}",
            &[int(draw, depth, kind), int(draw, depth, kind)],
        ),
        2 => same("{0} * {1}", &[int(draw, 0, kind), int(draw, 0, kind)]),
        3 => same("- {0}", &[int(draw, depth, kind)]),
        4 => same("abs({0})", &[int(draw, depth, kind)]),
        _ => same("mod({0}, 7)", &[int(draw, depth, kind)]),
    }
}

/// One of several numbers.
fn chosen(draw: &mut Draw, depth: u32) -> Case {
    let kind = Kind::Safe;
    match draw.pick(3) {
        0 => {
            let parts = [
                int(draw, depth, kind),
                int(draw, 0, kind),
                int(draw, depth, kind),
            ];
            same(
                "CASE {0} WHEN {1} THEN {2} WHEN 3 THEN 4 ELSE 5 END",
                &parts,
            )
        }
        1 => {
            let parts = [
                bool(draw, depth, kind),
                int(draw, depth, kind),
                int(draw, depth, kind),
            ];
            same(
                draw.of(&[
                    "CASE WHEN {0} THEN {1} ELSE {2} END",
                    "CASE WHEN {0} THEN {1} END",
                ]),
                &parts,
            )
        }
        _ => {
            let parts = [int(draw, depth, kind), int(draw, depth, kind)];
            either(
                draw,
                &[
                    "coalesce({0}, {1})",
                    "nullif({0}, {1})",
                    "greatest({0}, {1})",
                    "least({0}, {1})",
                    "ifnull({0}, {1})",
                ],
                parts,
            )
        }
    }
}

/// Numbers of other things.
fn derived(draw: &mut Draw, depth: u32, kind: Kind) -> Case {
    match draw.pick(10) {
        0 => same("ascii({0})", &[string(draw, depth)]),
        1 => same("CAST({0} AS BIGINT)", &[bool(draw, 0, kind)]),
        2 => {
            let parts = [plain("f")];
            form(
                "CAST(nullif({0}, 'NaN') AS BIGINT)",
                "CAST(nullif({0}, 'NaN') AS BIGINT)",
                &parts,
            )
        }
        3 => form(
            "epoch({0})",
            "CAST(epoch({0}) AS BIGINT)",
            &[time(draw, depth)],
        ),
        4 => same("TRY_CAST({0} AS BIGINT)", &[string(draw, 0)]),
        5 => same("length({0})", &[string(draw, depth)]),
        6 => same("strpos({0}, {1})", &[string(draw, depth), string(draw, 0)]),
        7 => {
            let unit = draw.of(&[
                "year", "month", "day", "hour", "minute", "dow", "isodow", "doy", "week",
                "quarter", "isoyear", "decade", "century",
            ]);
            same(&format!("date_part('{unit}', {{0}})"), &[time(draw, depth)])
        }
        8 => {
            let bits = draw.of(&["sign({0})", "CAST({0} AS BIGINT)"]);
            match bits {
                "sign({0})" => form(bits, "CAST(sign({0}) AS BIGINT)", &[int(draw, depth, kind)]),
                _ => same(bits, &[decimal(draw, 0, kind)]),
            }
        }
        _ => form("octet_length({0})", "strlen({0})", &[string(draw, depth)]),
    }
}

fn decimal(draw: &mut Draw, depth: u32, kind: Kind) -> Case {
    if depth == 0 {
        return plain(draw.of(&["d", "e", "1.5", "0.25", "-3.75", "d", "e", "100.0"]));
    }
    let depth = depth - 1;
    match draw.pick(13) {
        10 => same("trunc({0})", &[decimal(draw, depth, kind)]),
        11 => same("round({0})", &[decimal(draw, depth, kind)]),
        12 => same("{0} % 1.5", &[decimal(draw, depth, kind)]),
        0 => same(
            "{0} + {1}",
            &[decimal(draw, depth, kind), decimal(draw, depth, kind)],
        ),
        1 => same(
            "{0} - {1}",
            &[decimal(draw, depth, kind), decimal(draw, depth, kind)],
        ),
        2 => same(
            "{0} * {1}",
            &[decimal(draw, 0, kind), decimal(draw, 0, kind)],
        ),
        3 => same("- {0}", &[decimal(draw, depth, kind)]),
        4 => same("abs({0})", &[decimal(draw, depth, kind)]),
        5 => same("round({0}, 1)", &[decimal(draw, depth, kind)]),
        6 => same("{0} + {1}", &[decimal(draw, depth, kind), plain("i")]),
        7 => {
            let word = draw.of(&["ceil", "floor"]);
            same(&format!("{word}({{0}})"), &[decimal(draw, depth, kind)])
        }
        8 if kind == Kind::Safe => {
            let parts = [decimal(draw, depth, kind), decimal(draw, depth, kind)];
            either(
                draw,
                &[
                    "coalesce({0}, {1})",
                    "greatest({0}, {1})",
                    "least({0}, {1})",
                ],
                parts,
            )
        }
        _ => same("CAST({0} AS DECIMAL(18, 1))", &[decimal(draw, depth, kind)]),
    }
}

fn float(draw: &mut Draw, depth: u32, kind: Kind) -> Case {
    if depth == 0 {
        return plain(draw.of(&[
            "f",
            "f",
            "2e0",
            "5e-1",
            "-1e3",
            "CAST(NULL AS DOUBLE PRECISION)",
        ]));
    }
    let depth = depth - 1;
    if kind == Kind::Failing && draw.pick(2) == 0 {
        return match draw.pick(5) {
            0 => form(
                "nullif({0}, 'NaN') / {1}",
                "nullif({0}, 'NaN') / {1}",
                &[float(draw, depth, kind), float(draw, depth, kind)],
            ),
            1 => same("ln({0})", &[float(draw, depth, kind)]),
            2 => same("log10({0})", &[float(draw, depth, kind)]),
            3 => same("sqrt({0})", &[float(draw, depth, kind)]),
            _ => same("CAST({0} AS DOUBLE PRECISION)", &[string(draw, 0)]),
        };
    }
    match draw.pick(12) {
        9 => same("power({0}, 2)", &[float(draw, 0, kind)]),
        10 => same("exp({0})", &[plain(draw.of(&["5e-1", "0e0", "e", "-2e0"]))]),
        11 => same("log2(abs({0}) + 1)", &[int(draw, depth, kind)]),
        0 => same(
            "{0} + {1}",
            &[float(draw, depth, kind), number(draw, depth, kind)],
        ),
        1 => same(
            "{0} - {1}",
            &[float(draw, depth, kind), float(draw, depth, kind)],
        ),
        2 => same("{0} * {1}", &[float(draw, 0, kind), number(draw, 0, kind)]),
        3 => same("- {0}", &[float(draw, depth, kind)]),
        4 => same(
            "CAST({0} AS DOUBLE PRECISION)",
            &[number(draw, depth, kind)],
        ),
        5 => {
            let word = draw.of(&["abs", "ceil", "floor", "trunc"]);
            same(&format!("{word}({{0}})"), &[float(draw, depth, kind)])
        }
        6 if kind == Kind::Safe => same("cbrt({0})", &[float(draw, depth, kind)]),
        7 if kind == Kind::Safe => {
            let parts = [
                bool(draw, depth, kind),
                float(draw, depth, kind),
                float(draw, depth, kind),
            ];
            same("CASE WHEN {0} THEN {1} ELSE {2} END", &parts)
        }
        _ if kind == Kind::Safe => {
            let parts = [float(draw, depth, kind), float(draw, depth, kind)];
            either(
                draw,
                &[
                    "coalesce({0}, {1})",
                    "nullif({0}, {1})",
                    "greatest({0}, {1})",
                    "least({0}, {1})",
                ],
                parts,
            )
        }
        _ => float(draw, depth, kind),
    }
}

/// Quotients of decimals, which DuckDB gives as floats.
fn division(draw: &mut Draw) -> Case {
    form(
        "{0} / {1}",
        "{0} / {1}",
        &[
            decimal(draw, 1, Kind::Failing),
            decimal(draw, 0, Kind::Failing),
        ],
    )
}

fn string(draw: &mut Draw, depth: u32) -> Case {
    if depth == 0 {
        return match draw.pick(3) {
            0 => plain(format!("'{}'", draw.of(&TEXTS).replace('\'', "''"))),
            _ => plain("s"),
        };
    }
    let depth = depth - 1;
    let text = string(draw, depth);
    match draw.pick(3) {
        0 => part(draw, text),
        _ => changed(draw, depth, text),
    }
}

/// Texts by position and length.
fn part(draw: &mut Draw, text: Case) -> Case {
    let (one, two) = (draw.pick(6) + 1, draw.pick(6));
    match draw.pick(7) {
        0 => same(&format!("substr({{0}}, {one}, {two})"), &[text]),
        1 => same(&format!("left({{0}}, {})", two as i64 - 2), &[text]),
        2 => same(&format!("right({{0}}, {})", two as i64 - 2), &[text]),
        3 => same(&format!("lpad({{0}}, {}, 'xy')", one * two), &[text]),
        4 => same(&format!("rpad({{0}}, {}, 'xy')", one * two), &[text]),
        5 => same(&format!("split_part({{0}}, ',', {one})"), &[text]),
        _ => same(&format!("repeat({{0}}, {})", two / 2), &[text]),
    }
}

/// Texts of texts and of other things.
fn changed(draw: &mut Draw, depth: u32, text: Case) -> Case {
    match draw.pick(16) {
        0 => form("chr(65 + n)", "chr(CAST(65 + n AS INTEGER))", &[]),
        1 => form(
            "to_hex({0})",
            "lower(to_hex({0}))",
            &[int(draw, depth, Kind::Safe)],
        ),
        2 => form(
            "regexp_extract({0}, '([a-z]+)', 1)",
            "nullif(regexp_extract({0}, '([a-z]+)', 1), '')",
            &[text],
        ),
        3 => same(
            "CASE {0} WHEN 'a' THEN 'one' WHEN 'b' THEN 'two' ELSE {0} END",
            &[text],
        ),
        4 => same("CAST({0} AS VARCHAR)", &[time(draw, depth)]),
        5 => form("btrim({0}, 'a ')", "trim({0}, 'a ')", &[text]),
        6 => same("{0} || {1}", &[text, string(draw, depth)]),
        7 => {
            let word = draw.of(&["upper", "lower", "trim", "ltrim", "rtrim", "reverse"]);
            same(&format!("{word}({{0}})"), &[text])
        }
        8 => same("replace({0}, 'a', 'oo')", &[text]),
        9 => same("concat({0}, {1})", &[text, string(draw, depth)]),
        10 => same("concat_ws('-', {0}, {1})", &[text, string(draw, depth)]),
        11 => same("translate({0}, 'abü', 'xy')", &[text]),
        12 => {
            let flags = draw.of(&["", ", 'g'"]);
            same(
                &format!("regexp_replace({{0}}, '[aü]', '<\\0>'{flags})")
                    .replace("\\0", "\\1")
                    .replace("[aü]", "([aü])"),
                &[text],
            )
        }
        13 => {
            let value = match draw.pick(4) {
                0 => bool(draw, depth, Kind::Safe),
                1 => decimal(draw, 0, Kind::Safe),
                _ => int(draw, depth, Kind::Safe),
            };
            same("CAST({0} AS VARCHAR)", &[value])
        }
        14 => {
            let parts = [bool(draw, depth, Kind::Safe), text, string(draw, depth)];
            same("CASE WHEN {0} THEN {1} ELSE {2} END", &parts)
        }
        _ => either(
            draw,
            &[
                "coalesce({0}, {1})",
                "nullif({0}, {1})",
                "greatest({0}, {1})",
                "least({0}, {1})",
            ],
            [text, plain("s")],
        ),
    }
}

fn time(draw: &mut Draw, depth: u32) -> Case {
    if depth == 0 {
        return plain(draw.of(&[
            "t",
            "t",
            "TIMESTAMP '2024-02-29 12:34:56'",
            "TIMESTAMP '1969-12-31'",
        ]));
    }
    let inner = time(draw, depth - 1);
    match draw.pick(7) {
        4 => same(
            "make_timestamp(2000 + n, 1 + n % 12, 1 + n % 28, n % 24, n % 60, 7)",
            &[],
        ),
        5 => form(
            "to_timestamp({0})",
            "CAST(to_timestamp({0}) AS TIMESTAMP)",
            &[int(draw, 0, Kind::Safe)],
        ),
        6 => form(
            "date_bin('15 minutes', {0}, TIMESTAMP '2001-01-01')",
            "time_bucket(INTERVAL '15 minutes', {0}, TIMESTAMP '2001-01-01')",
            &[inner],
        ),
        0 => {
            let unit = draw.of(&[
                "second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade",
            ]);
            let text = format!("date_trunc('{unit}', {{0}})");
            form(&text, &format!("CAST({text} AS TIMESTAMP)"), &[inner])
        }
        1 => {
            let by = draw.of(&[
                "1 month",
                "13 months",
                "1 day",
                "90 minutes",
                "2 years",
                "5 seconds",
            ]);
            let sign = draw.of(&["+", "-"]);
            same(&format!("{{0}} {sign} INTERVAL '{by}'"), &[inner])
        }
        2 => {
            let parts = [inner, time(draw, depth - 1)];
            either(
                draw,
                &[
                    "coalesce({0}, {1})",
                    "greatest({0}, {1})",
                    "least({0}, {1})",
                    "nullif({0}, {1})",
                ],
                parts,
            )
        }
        _ => {
            let parts = [
                bool(draw, depth - 1, Kind::Safe),
                inner,
                time(draw, depth - 1),
            ];
            same("CASE WHEN {0} THEN {1} ELSE {2} END", &parts)
        }
    }
}
