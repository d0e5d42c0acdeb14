//! The streaming stages: which rows and columns leave them, what is refused and why.

use std::sync::Arc;

use pelton_record::{Batch, Bitmap, Block, Column, DataType, RejectedKind, Schema, Value, View};
use pelton_stage::{Derive, Dropped, ErrorKind, Expression, Filter, Select, Stage, Text, Validate};

fn schema() -> Arc<Schema> {
    Schema::of([("x", DataType::Int64), ("s", DataType::String)]).into()
}

/// Four rows with a block behind them; the third has a null.
fn batch() -> Batch {
    let block = Block::new(b"1,one\n0,two\n,three\n4,four\n".to_vec());
    let views = |pairs: [(u32, u32); 4]| pairs.map(|(from, to)| View::between(from, to)).to_vec();
    let extents = views([(0, 5), (6, 11), (12, 18), (19, 25)]);
    let text = views([(2, 5), (8, 11), (13, 18), (21, 25)]);
    let text = pelton_record::Strings::in_block(block.clone(), text);
    let numbers = Column::int64([1, 0, 9, 4]).with_validity(Bitmap::from_fn(4, |row| row != 2));
    let columns = vec![
        numbers,
        Column::new(pelton_record::Values::String(text), None),
    ];
    Batch::decoded(schema(), columns, block, extents)
}

fn parse(text: &str) -> Expression {
    Expression::parse(text).expect("an expression")
}

fn apply(stage: &dyn Stage) -> Batch {
    let mut batch = batch();
    stage.apply(&mut batch).expect("no limit to exceed");
    assert_eq!(batch.schema(), stage.output(), "the columns promised");
    batch
}

fn texts(batch: &Batch, column: usize) -> Vec<String> {
    (0..batch.rows())
        .map(|row| batch.column(column).value(row).to_string())
        .collect()
}

fn reasons(batch: &Batch) -> Vec<(RejectedKind, String)> {
    let reason = |rejected: &pelton_record::Rejected| (rejected.kind, rejected.reason.clone());
    batch.rejected().iter().map(reason).collect()
}

#[test]
fn filter_keeps_what_is_true() {
    let filter = Filter::new(&parse("x > 0"), &schema()).unwrap();
    let left = apply(&filter);
    assert_eq!(texts(&left, 1), ["one", "four"]);
    assert_eq!(left.rejected(), []);
    assert_eq!(filter.dropped(), Dropped::Filtered);
    assert_eq!(filter.name(), "filter");
    assert_eq!(filter.named("filter 2").name(), "filter 2");
}

#[test]
fn filter_refuses_what_fails_and_keeps_its_bytes() {
    let left = apply(&Filter::new(&parse("8 / x > 2"), &schema()).unwrap());
    assert_eq!(texts(&left, 1), ["one"]);
    let failed = (
        RejectedKind::Expression,
        "8 / x > 2: division by zero".to_owned(),
    );
    assert_eq!(reasons(&left), [failed]);
    assert_eq!(left.rejected()[0].extent.of(left.block()), b"0,two");
}

#[test]
fn filter_wants_a_condition() {
    let error = Filter::new(&parse("x + 1"), &schema()).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Type);
    assert_eq!(
        error.to_string(),
        "line 1, column 1: `x + 1` is int64, not a condition"
    );
}

#[test]
fn derive_adds_and_replaces_in_order() {
    let columns = [
        ("double", parse("x * 2")),
        ("x", parse("double + 1")),
        ("t", parse("x")),
    ];
    let derive = Derive::new(columns, &schema()).unwrap();
    assert_eq!(
        derive.output().to_string(),
        "x int64, s string, double int64, t int64"
    );
    let left = apply(&derive);
    assert_eq!(texts(&left, 0), ["3", "1", "null", "9"]);
    assert_eq!(texts(&left, 3), ["3", "1", "null", "9"]);
}

#[test]
fn derive_refuses_a_row_once_with_its_first_reason() {
    let columns = [
        ("a", parse("1 / x")),
        ("b", parse("2 / x")),
        ("c", parse("s::bigint")),
    ];
    let left = apply(&Derive::new(columns, &schema()).unwrap());
    let mut reasons = reasons(&left);
    reasons.sort_by(|a, b| a.1.cmp(&b.1));
    let reasons: Vec<&str> = reasons.iter().map(|(_, reason)| reason.as_str()).collect();
    assert_eq!(left.rows(), 0);
    assert_eq!(
        reasons,
        [
            "1 / x: division by zero",
            "CAST(s AS bigint): \"four\" does not read as int64",
            "CAST(s AS bigint): \"one\" does not read as int64",
            "CAST(s AS bigint): \"three\" does not read as int64",
        ]
    );
}

#[test]
fn derive_of_an_unknown_column_names_the_nearest() {
    let schema = Arc::new(Schema::of([("country", DataType::String)]));
    let error = Derive::new([("c", parse("upper(contry)"))], &schema).unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::UnknownColumn {
            name: "contry".to_owned()
        }
    );
    assert_eq!(
        error.to_string(),
        "line 1, column 7: unknown column `contry`; did you mean `country`?"
    );
}

#[test]
fn select_orders_repeats_and_computes() {
    let columns = [
        ("s", parse("s")),
        ("y", parse("x + 1")),
        ("again", parse("s")),
    ];
    let select = Select::new(columns, &schema()).unwrap();
    assert_eq!(
        select.output().to_string(),
        "s string, y int64, again string"
    );
    let left = apply(&select);
    assert_eq!(texts(&left, 0), ["one", "two", "three", "four"]);
    assert_eq!(texts(&left, 1), ["2", "1", "null", "5"]);
    assert_eq!(texts(&left, 2), texts(&left, 0));
    let twice = Select::new([("a", parse("x")), ("a", parse("s"))], &schema());
    assert_eq!(
        twice.unwrap_err().message(),
        "two columns would be called `a`"
    );
}

#[test]
fn rename_and_drop() {
    let rename = Select::rename([("x", "n")], &schema()).unwrap();
    assert_eq!(
        (rename.name(), rename.output().to_string().as_str()),
        ("rename", "n int64, s string")
    );
    assert_eq!(texts(&apply(&rename), 0), ["1", "0", "null", "4"]);
    let drop = Select::without(["x"], &schema()).unwrap();
    assert_eq!(
        (drop.name(), drop.output().to_string().as_str()),
        ("drop", "s string")
    );
    assert_eq!(texts(&apply(&drop), 0)[3], "four");
    let error = Select::without(["z"], &schema()).unwrap_err();
    assert_eq!(error.message(), "unknown column `z`");
    assert!(Select::rename([("x", "s")], &schema()).is_err());
}

#[test]
fn a_batch_whose_columns_are_all_dropped_keeps_its_rows() {
    let left = apply(&Select::without(["x", "s"], &schema()).unwrap());
    assert_eq!((left.rows(), left.columns().len()), (4, 0));
}

#[test]
fn validate_refuses_by_rule_and_null_passes() {
    let rules = [
        ("positive", parse("x > 0")),
        ("short", parse("length(s) < 4")),
    ];
    let left = apply(&Validate::new(rules, &schema()).unwrap());
    assert_eq!(texts(&left, 1), ["one"]);
    assert_eq!(
        reasons(&left),
        [
            (RejectedKind::Rule, "positive".to_owned()),
            (RejectedKind::Rule, "short".to_owned()),
            (RejectedKind::Rule, "short".to_owned()),
        ]
    );
}

#[test]
fn a_rule_that_fails_refuses_as_an_expression() {
    let left = apply(&Validate::new([("sane", parse("4 / x < 4"))], &schema()).unwrap());
    assert_eq!(texts(&left, 1), ["three", "four"]);
    assert_eq!(
        reasons(&left),
        [
            (
                RejectedKind::Expression,
                "4 / x < 4: division by zero".to_owned()
            ),
            (RejectedKind::Rule, "sane".to_owned()),
        ]
    );
}

#[test]
fn text_changes_a_column_by_a_chain() {
    let chain = ["uppercase".parse().unwrap(), "reverse".parse().unwrap()];
    let text = Text::new("s", chain, &schema()).unwrap();
    assert_eq!(text.name(), "text");
    assert_eq!(texts(&apply(&text), 1), ["ENO", "OWT", "EERHT", "RUOF"]);
    assert!(Text::new("x", chain, &schema()).is_err());
    let error = "uppercas".parse::<pelton_stage::Transform>().unwrap_err();
    assert_eq!(
        error.message(),
        "unknown transform `uppercas`; did you mean `uppercase`?"
    );
}

#[test]
fn text_knows_unicode() {
    let schema: Arc<Schema> = Schema::of([("s", DataType::String)]).into();
    let check = |transform: &str, from: &str, to: &str| {
        let text = Text::new("s", [transform.parse().unwrap()], &schema).unwrap();
        // Beside a plain value, so that both paths are taken by one column.
        let mut batch = Batch::from_columns(schema.clone(), vec![Column::strings([from, "Ab "])]);
        text.apply(&mut batch).unwrap();
        assert_eq!(batch.column(0).value(0), Value::String(to), "{transform}");
    };
    check("uppercase", "straße ǆ ﬁ", "STRASSE Ǆ FI");
    check("lowercase", "ÀÉÎ İ", "àéî i\u{307}");
    check("trim", "\u{a0}\u{3000} x \t\u{2003}", "x");
    check("reverse", "añ→😀", "😀→ña");
}

#[test]
fn empty_batches_pass() {
    let schema = schema();
    let empty = || {
        let columns = vec![Column::int64([]), Column::strings([])];
        Batch::from_columns(schema.clone(), columns)
    };
    let stages: [Box<dyn Stage>; 4] = [
        Box::new(Filter::new(&parse("x > 0 AND s LIKE 'a%'"), &schema).unwrap()),
        Box::new(
            Derive::new([("y", parse("CASE WHEN x > 0 THEN upper(s) END"))], &schema).unwrap(),
        ),
        Box::new(Validate::new([("r", parse("x IN (1, 2, NULL)"))], &schema).unwrap()),
        Box::new(Select::new([("y", parse("x / 2"))], &schema).unwrap()),
    ];
    for stage in stages {
        let mut batch = empty();
        stage.apply(&mut batch).unwrap();
        assert_eq!(batch.rows(), 0, "{}", stage.name());
    }
}
