//! Random aggregates over groups.

use std::sync::Arc;

use pelton_pool::Budget;
use pelton_record::Batch;
use pelton_stage::{Aggregate, Call, Fold, Function};
use serde_json::{Value as Json, json};

use crate::table::text;
use crate::{Case, Draw};

/// A call of an aggregate in both spellings, and the key to group by.
pub(crate) struct Grouped {
    call: Case,
    key: Option<&'static str>,
    function: Function,
    distinct: bool,
    column: &'static str,
}

/// Functions, their names in DuckDB, and what columns they take.
const CALLS: [(&str, &str, &str); 17] = [
    ("count", "count({0})", "bijdefst"),
    ("sum", "sum({0})", "ijde"),
    ("avg", "avg({0})", "ijde"),
    ("min", "min({0})", "bijdefst"),
    ("max", "max({0})", "bijdefst"),
    ("first", "arg_min_null({0}, n)", "bijdest"),
    ("last", "arg_max_null({0}, n)", "bijdest"),
    ("var_pop", "var_pop({0})", "ijde"),
    ("var_samp", "var_samp({0})", "ijde"),
    ("stddev_pop", "stddev_pop({0})", "ijde"),
    ("stddev_samp", "stddev_samp({0})", "ijde"),
    ("median", "quantile_cont(CAST({0} AS DOUBLE), 0.5)", "ijde"),
    (
        "quantile",
        "quantile_cont(CAST({0} AS DOUBLE), 0.9)",
        "ijde",
    ),
    ("bool_and", "bool_and({0})", "b"),
    ("bool_or", "bool_or({0})", "b"),
    ("count", "count(DISTINCT {0})", "bijdest"),
    ("sum", "sum(DISTINCT {0})", "ijde"),
];

const COLUMNS: [&str; 8] = ["b", "i", "j", "d", "e", "f", "s", "t"];

pub(crate) fn case(draw: &mut Draw) -> Grouped {
    let (name, duckdb, takes) = draw.of(&CALLS);
    let takes: Vec<&'static str> = COLUMNS
        .into_iter()
        .filter(|name| takes.contains(name))
        .collect();
    let column = draw.of(&takes);
    let distinct = duckdb.contains("DISTINCT");
    let mut function = Function::parse(name).expect("a name of the table");
    if name == "quantile" {
        function = function.at(0.9).expect("between 0 and 1");
    }
    let word = if distinct { "DISTINCT " } else { "" };
    Grouped {
        call: Case {
            pelton: format!("{name}({word}{column})"),
            duckdb: duckdb.replace("{0}", column),
        },
        key: draw.of(&[None, Some("b"), Some("s"), Some("e"), Some("f"), Some("j")]),
        function,
        distinct,
        column,
    }
}

/// What Pelton says: groups in the order of their first rows.
pub(crate) fn answer(case: &Grouped, batch: &Batch) -> Json {
    let schema: Arc<_> = batch.schema().clone();
    let index = |name: &str| schema.index_of(name).expect("a column of the table");
    let by: Vec<usize> = case.key.iter().map(|key| index(key)).collect();
    let call = Call::new(case.function, index(case.column), "figure");
    let call = if case.distinct { call.distinct() } else { call };
    let aggregate = Aggregate::new(by, vec![call], &schema).expect("it takes the column");
    let mut state = aggregate.state(&Budget::unlimited());
    state.fold(&mut batch.clone()).expect("memory has no limit");
    let groups = state
        .finish()
        .expect("it has a result")
        .next()
        .expect("there are rows");
    let groups = groups.expect("sums fit");
    let figures = groups.columns().last().expect("a figure");
    let values: Vec<Json> = (0..groups.rows())
        .map(|row| text(&figures.value(row)))
        .collect();
    let key = case
        .key
        .map_or(String::new(), |key| format!(" GROUP BY {key}"));
    json!({
        "pelton": format!("{}{key}", case.call.pelton),
        "duckdb": case.call.duckdb,
        "group": case.key,
        "type": figures.data_type().to_string(),
        "values": values,
    })
}
