//! Any text is answered: with an expression that reads back from its own text and binds or says
//! why not, or with an error. Texts are drawn from the words of SQL, so that many of them parse.

use pelton_record::{Batch, Column, DataType, Decimal, Schema};
use pelton_stage::{Expression, Query};
use proptest::prelude::*;

const WORDS: [&str; 72] = [
    "a",
    "s",
    "t",
    "\"A b\"",
    "1",
    "-",
    "1.5",
    "1e3",
    "'x'",
    "'2024-01-01'",
    "null",
    "true",
    "+",
    "*",
    "/",
    "%",
    "^",
    "||",
    "=",
    "<>",
    "<",
    ">=",
    "~",
    "!~*",
    "->",
    "->>",
    "(",
    ")",
    "(",
    ")",
    ",",
    "and",
    "or",
    "not",
    "is",
    "is not",
    "distinct from",
    "between",
    "in",
    "like",
    "ilike",
    "escape",
    "case",
    "when",
    "then",
    "else",
    "end",
    "cast(",
    "try_cast(",
    "as",
    "bigint",
    "decimal(5,2)",
    "date",
    "text",
    "::",
    "interval '1 day'",
    "timestamp '2024-01-01'",
    "extract(",
    "year",
    "from",
    "upper(",
    "round(",
    "coalesce(",
    "nullif(",
    "greatest(",
    "substring(",
    "for",
    "count(*)",
    "trim(",
    "position(",
    "date_trunc('day',",
    ".",
];

fn batch() -> Batch {
    let schema = Schema::of([
        ("a", DataType::Int64),
        ("s", DataType::String),
        ("t", DataType::Timestamp),
        ("A b", DataType::Decimal { scale: 1 }),
    ]);
    let columns = vec![
        Column::int64([0, 1, i64::MIN]),
        Column::strings(["", "ü", "{\"a\": [1]}"]),
        Column::timestamps([0, i64::MAX, i64::MIN]),
        Column::decimal([0, i128::MAX, i128::MIN], 1),
    ];
    Batch::from_columns(schema.into(), columns)
}

/// Whatever `text` is, it is answered; what parses reads back.
fn answered(text: &str) -> Result<(), TestCaseError> {
    let Ok(expression) = Expression::parse(text) else {
        return Ok(());
    };
    let printed = expression.to_string();
    let again = Expression::parse(&printed);
    prop_assert_eq!(&again, &Ok(expression.clone()), "{} as {}", text, printed);
    let batch = batch();
    if let Ok(bound) = expression.bind(batch.schema()) {
        let evaluated = bound.eval(&batch);
        prop_assert_eq!(evaluated.column().len(), batch.rows());
        for failure in evaluated.failures() {
            prop_assert!(evaluated.column().is_null(failure.row as usize), "{}", text);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 3000 }))]

    #[test]
    fn words_of_sql(words in prop::collection::vec(prop::sample::select(&WORDS[..]), 1..14)) {
        answered(&words.join(" "))?;
    }

    #[test]
    fn a_good_expression_with_a_word_changed(
        good in prop::sample::select(&GOOD[..]),
        place in any::<prop::sample::Index>(),
        word in prop::sample::select(&WORDS[..]),
    ) {
        let mut words: Vec<&str> = good.split(' ').collect();
        let place = place.index(words.len());
        words[place] = word;
        answered(&words.join(" "))?;
    }

    #[test]
    fn characters(text in "\\PC{0,40}") {
        answered(&text)?;
        let _ = Query::parse(&format!("SELECT {text} FROM t"));
        let _ = Query::parse(&text);
    }
}

#[test]
fn a_function_of_any_name_is_printed_so_that_it_reads_the_same() {
    for text in ["\"A b\"( )", "\"a\"\"b\"(1)", "left('x', 1)", "\"1a\"()"] {
        answered(text).expect("it reads as it was printed");
    }
}

const GOOD: [&str; 8] = [
    "a + 1 * 2 - - a / 3 % 4 ^ 2",
    "not a = 1 and s like 'x' or t is not null",
    "case a when 1 then 'x' else s end || 'y' = s",
    "a between 1 and 2 and a not in ( 1 , 2 , null )",
    "cast( s as bigint ) :: text is not distinct from 'x'",
    "s -> 'a' ->> 0 ~ 'x'",
    "t + interval '1 day' - interval '1 day' > '2024-01-01'",
    "extract( year from t ) = round( 1.5 , 1 ) * \"A b\"",
];

#[test]
fn extreme_decimals_compare() {
    let most = Decimal::new(i128::MAX, 0);
    let text = format!("{most} > \"A b\" AND -({most}) - 1 < \"A b\"");
    answered(&text).expect("an answer");
}
