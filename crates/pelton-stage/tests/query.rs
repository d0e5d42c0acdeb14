//! SELECT statements as data: what is read, what is refused and where.

use pelton_stage::{Expression, Item, Query};

fn parse(text: &str) -> Query {
    Query::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    assert_eq!(
        Query::parse(text).expect_err(text).to_string(),
        expected,
        "{text}"
    );
}

#[test]
fn all_clauses() {
    let query = parse(
        "select distinct a, b + 1 as c, count(*) from 'dir/data file.csv' where a is not null
         group by a, c having count(*) > 1 order by c desc nulls last, 1 limit 10 offset 5;",
    );
    assert!(query.distinct);
    assert_eq!(query.from, "dir/data file.csv");
    let names: Vec<_> = query.items.iter().filter_map(Item::name).collect();
    assert_eq!(names, ["a", "c", "count(*)"]);
    let keys: Vec<_> = query.group_by.iter().map(Expression::to_string).collect();
    assert_eq!(keys, ["a", "b + 1"], "an alias stands for its expression");
    let order: Vec<_> = query.order_by.iter().map(ToString::to_string).collect();
    assert_eq!(order, ["c DESC NULLS LAST", "a"]);
    assert_eq!((query.limit, query.offset), (Some(10), 5));
}

#[test]
fn text_form_reads_back() {
    for text in [
        "SELECT * FROM 'it''s.csv'",
        "SELECT DISTINCT \"order\", sum(x) FILTERED FROM data.csv",
        "SELECT a AS \"A B\" FROM t WHERE a ~ 'x' GROUP BY 1 HAVING sum(a) > 0 ORDER BY a DESC \
         NULLS LAST, \"A B\" NULLS FIRST LIMIT 0 OFFSET 7",
        "SELECT count(DISTINCT a) / count(*) FROM t",
    ] {
        let query = parse(text);
        assert_eq!(parse(&query.to_string()), query, "{query}");
    }
}

#[test]
fn nulls_are_the_greatest_unless_told() {
    let query = parse("SELECT * FROM t ORDER BY a, b DESC, c NULLS FIRST");
    let first: Vec<bool> = query
        .order_by
        .iter()
        .map(|order| order.nulls_first)
        .collect();
    assert_eq!(first, [false, true, true]);
}

#[test]
fn what_is_not_supported_is_said_at_its_place() {
    refused(
        "SELECT * FROM a, b",
        "line 1, column 15: not supported: joins",
    );
    refused(
        "SELECT * FROM a JOIN b ON true",
        "line 1, column 15: not supported: joins",
    );
    refused(
        "SELECT * FROM (SELECT 1)",
        "line 1, column 16: not supported: subqueries",
    );
    refused(
        "SELECT (SELECT 1) FROM a",
        "line 1, column 9: not supported: subqueries",
    );
    refused(
        "SELECT sum(x) OVER () FROM a",
        "line 1, column 8: not supported: window functions",
    );
    refused(
        "SELECT a FROM b WHERE x IN (SELECT 1)",
        "line 1, column 23: not supported: subqueries",
    );
    refused(
        "SELECT a FROM b UNION SELECT 1",
        "line 1, column 1: not supported: set operations such as UNION",
    );
    refused(
        "SELECT a FROM b GROUP BY 2",
        "line 1, column 26: there is no item 2, only 1",
    );
    refused(
        "SELECT a FROM b LIMIT x",
        "line 1, column 23: `x` is not a number of rows",
    );
    refused("SELECT a", "a FROM is missing");
    refused(
        "SELECT a FROM b WHERE",
        "line 1, column 22: expected: an expression, found the end",
    );
    refused(
        "DELETE FROM b",
        "line 1, column 1: not supported: anything but SELECT",
    );
}

#[test]
fn aggregates_are_split_off_once_each() {
    let is_aggregate = |name: &str| ["sum", "count", "max"].contains(&name);
    let mut calls = Vec::new();
    let split = |text: &str, calls: &mut Vec<_>| {
        let parsed = Expression::parse(text).expect("an expression");
        parsed.split_aggregates(&is_aggregate, calls)
    };
    let mean = split("sum(a + 1) / count(*) + upper(k)", &mut calls).unwrap();
    let having = split("COUNT(*) > 1 AND count(DISTINCT b) > max(c)", &mut calls).unwrap();
    assert_eq!(mean.columns(), ["sum(a + 1)", "count(*)", "k"]);
    assert_eq!(
        having.columns(),
        ["count(*)", "count(DISTINCT b)", "max(c)"]
    );
    let names: Vec<_> = calls.iter().map(ToString::to_string).collect();
    assert_eq!(
        names,
        ["sum(a + 1)", "count(*)", "count(DISTINCT b)", "max(c)"]
    );
    assert!(calls[2].distinct && calls[1].arguments.is_empty());
    let nested = split("1 + sum(count(*))", &mut calls).unwrap_err();
    assert_eq!(
        nested.to_string(),
        "line 1, column 5: `sum(count(*))`: an aggregate inside another"
    );
}

#[test]
#[cfg(feature = "serde")]
fn plans_are_data() {
    let query = parse("SELECT a FROM 'x' WHERE b = 'it''s'");
    let json = serde_json::to_string(&query).unwrap();
    assert_eq!(json, r#""SELECT a FROM 'x' WHERE b = 'it''s'""#);
    assert_eq!(serde_json::from_str::<Query>(&json).unwrap(), query);
    let expression = query.filter.unwrap();
    let json = serde_json::to_value(&expression).unwrap();
    assert_eq!(
        serde_json::from_value::<Expression>(json).unwrap(),
        expression
    );
    assert!(serde_json::from_str::<Expression>("\"1 +\"").is_err());
}

#[test]
fn names_that_need_quotes_get_them() {
    for name in [
        "a", "order", "A B", "select", "x\"y", "end", "über", "1st", "case", "date", "user", "",
    ] {
        let column = Expression::column(name);
        let text = format!("{column} = 1 AND {column} IS NOT NULL");
        let parsed = Expression::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(parsed.columns(), [name], "{text}");
    }
}

#[test]
fn long_and_deep_texts_are_refused_and_not_fatal() {
    let longer = vec!["1"; 5000].join(" + ");
    let chain = vec!["1"; 2000].join(" + ");
    let deep = format!("{}1{}", "(".repeat(3000), ")".repeat(3000));
    let nots = "NOT ".repeat(3000) + "true";
    for text in [chain, longer, deep, nots] {
        assert!(Expression::parse(&text).is_err());
    }
    let many = format!("x IN ({})", vec!["7"; 20_000].join(", "));
    assert!(Expression::parse(&many).is_ok());
    let rules = vec!["x > 1"; 300].join(" AND ");
    let rules = Expression::parse(&rules).expect("a chain of conditions");
    assert_eq!(Expression::parse(&rules.to_string()), Ok(rules.clone()));
    let schema = pelton_record::Schema::of([("x", pelton_record::DataType::Int64)]);
    assert!(rules.bind(&schema).is_ok());
    let sum = Expression::parse(&vec!["x"; 100].join(" + ")).expect("a sum");
    assert!(sum.bind(&schema).is_ok());
}
