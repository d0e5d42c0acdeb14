//! Lines, words and bytes against the standard library's.

use std::sync::Arc;

use pelton_pool::Budget;
use pelton_record::{Batch, Block, Column, DataType, Schema, Strings, Value, Values, View};
use pelton_stage::{Fold, WordCount};
use proptest::prelude::*;

fn schema() -> Arc<Schema> {
    Schema::of([("line", DataType::String)]).into()
}

/// Lines, words and bytes of the rows of `columns`, folded into two states by turns.
fn counted(columns: Vec<Column>) -> [Value<'static>; 3] {
    let count = WordCount::new("line", &schema()).expect("a column of text");
    let budget = Budget::unlimited();
    let mut states = [count.state(&budget), count.state(&budget)];
    for (index, column) in columns.into_iter().enumerate() {
        let mut batch = Batch::from_columns(schema(), vec![column]);
        states[index % 2].fold(&mut batch).expect("it has no limit");
    }
    let [mut one, other] = states;
    one.merge(other).expect("states of one fold");
    let batch = one.finish().expect("one row").next().expect("one batch");
    let batch = batch.expect("one row");
    [0, 1, 2].map(|index| match batch.column(index).value(0) {
        Value::Int64(figure) => Value::Int64(figure),
        other => panic!("{other:?}"),
    })
}

fn expected<'a>(lines: impl Iterator<Item = &'a str> + Clone) -> [Value<'static>; 3] {
    let words: usize = lines
        .clone()
        .map(|line| line.split_whitespace().count())
        .sum();
    let bytes: usize = lines.clone().map(|line| line.len() + 1).sum();
    [lines.count(), words, bytes].map(|figure| Value::Int64(figure as i64))
}

/// The lines of `text`, as views into it.
fn in_block(text: &str) -> Column {
    let start = text.as_ptr() as usize;
    let view = |line: &str| {
        let at = (line.as_ptr() as usize - start) as u32;
        View::between(at, at + line.len() as u32)
    };
    let views = text.lines().map(view).collect();
    let block = Block::new(text.as_bytes().to_vec());
    Column::new(Values::String(Strings::in_block(block, views)), None)
}

const LETTERS: &str = "[a \u{a0}ß\r\n]{0,40}";

proptest! {
    #[test]
    fn lines_of_a_block_and_lines_alone(texts in prop::collection::vec(LETTERS, 1..4)) {
        let lines = texts.iter().flat_map(|text| text.lines());
        let blocks = texts.iter().map(|text| in_block(text)).collect();
        prop_assert_eq!(counted(blocks), expected(lines.clone()));
        let alone = Column::strings(lines.clone());
        prop_assert_eq!(counted(vec![alone]), expected(lines));
    }
}

#[test]
fn lines_that_share_or_skip_bytes_are_counted_one_by_one() {
    let views = [(0, 3), (4, 5), (0, 3), (2, 5)];
    let views = views.map(|(start, end)| View::between(start, end)).to_vec();
    let strings = Strings::in_heap(b"a b\nc\nd".to_vec(), views);
    let lines = ["a b", "c", "a b", "b\nc"];
    let column = Column::new(Values::String(strings), None);
    assert_eq!(counted(vec![column]), expected(lines.into_iter()));
}

#[test]
fn null_is_an_empty_line() {
    let valid = [true, false].into_iter().collect();
    let column = Column::strings(["one two", "gone"]).with_validity(valid);
    assert_eq!(counted(vec![column]), expected(["one two", ""].into_iter()));
}

#[test]
fn no_rows_are_three_zeros() {
    assert_eq!(counted(Vec::new()), [0, 0, 0].map(Value::Int64));
}

#[test]
fn numbers_have_no_words() {
    let schema = Schema::of([("n", DataType::Int64)]).into();
    let refused = WordCount::new("n", &schema).expect_err("not text");
    assert_eq!(refused.message(), "`n` is int64, not text");
    assert!(WordCount::new("m", &schema).is_err());
}
