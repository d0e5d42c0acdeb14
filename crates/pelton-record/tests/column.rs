//! Columns against vectors of optional values.

use pelton_record::{Bitmap, Block, Column, DataType, Decimal, Strings, Value, Values, View};
use proptest::prelude::*;

/// One column of each type, all with the same nulls, and the values it is made of.
#[derive(Debug)]
struct Rows {
    values: Vec<(Option<i64>, String)>,
}

impl Rows {
    fn columns(&self) -> Vec<Column> {
        let numbers = || self.values.iter().map(|(number, _)| number.unwrap_or(-1));
        let texts = || self.values.iter().map(|(_, text)| text.as_str());
        let columns = [
            Column::int64(numbers()),
            Column::timestamps(numbers()),
            Column::float64(numbers().map(|number| number as f64)),
            Column::decimal(numbers().map(i128::from), 2),
            Column::bools(numbers().map(|number| number % 2 == 0)),
            Column::strings(texts()),
            Column::new(Values::Bytes(texts().collect()), None),
            self.in_a_block(),
        ];
        columns
            .map(|column| column.with_validity(self.validity()))
            .into()
    }

    /// The texts as views into a block.
    fn in_a_block(&self) -> Column {
        let (mut bytes, mut views) = (Vec::new(), Vec::new());
        for (_, text) in &self.values {
            let (start, len) = (bytes.len() as u32, text.len() as u32);
            bytes.extend_from_slice(text.as_bytes());
            views.push(View { start, len });
        }
        Column::new(
            Values::String(Strings::in_block(Block::new(bytes), views)),
            None,
        )
    }

    fn validity(&self) -> Bitmap {
        self.values
            .iter()
            .map(|(number, _)| number.is_some())
            .collect()
    }

    /// What stands in `row` of column `index` of [`columns`](Self::columns).
    fn value(&self, index: usize, row: usize) -> Value<'_> {
        let (Some(number), text) = &self.values[row] else {
            return Value::Null;
        };
        match index {
            0 => Value::Int64(*number),
            1 => Value::Timestamp(*number),
            2 => Value::Float64(*number as f64),
            3 => Value::Decimal(Decimal::new((*number).into(), 2)),
            4 => Value::Bool(number % 2 == 0),
            6 => Value::Bytes(text.as_bytes()),
            _ => Value::String(text),
        }
    }

    fn check(&self, columns: &[Column], rows: &[usize]) -> Result<(), TestCaseError> {
        for (index, column) in columns.iter().enumerate() {
            prop_assert_eq!(column.len(), rows.len());
            let nulls = rows
                .iter()
                .filter(|row| self.values[**row].0.is_none())
                .count();
            prop_assert_eq!(column.null_count(), nulls);
            prop_assert_eq!(column.validity().is_some(), nulls > 0);
            for (place, row) in rows.iter().enumerate() {
                prop_assert_eq!(column.value(place), self.value(index, *row));
                prop_assert_eq!(column.is_null(place), self.values[*row].0.is_none());
            }
        }
        Ok(())
    }
}

fn rows() -> impl Strategy<Value = Rows> {
    let value = (prop::option::weighted(0.9, -1000..1000_i64), ".{0,12}");
    prop::collection::vec(value, 1..150).prop_map(|values| Rows { values })
}

proptest! {
    #[test]
    fn columns_hold_what_was_put_in(rows in rows()) {
        let all: Vec<usize> = (0..rows.values.len()).collect();
        rows.check(&rows.columns(), &all)?;
    }

    #[test]
    fn retained_rows_keep_their_values_and_nulls(rows in rows(), seed in any::<u64>()) {
        let keep = Bitmap::from_fn(rows.values.len(), |row| seed.rotate_left(row as u32) & 1 == 1);
        let kept: Vec<usize> = keep.ones().collect();
        let mut columns = rows.columns();
        columns.iter_mut().for_each(|column| column.retain(&keep));
        rows.check(&columns, &kept)?;
    }

    #[test]
    fn rows_are_taken_in_any_order_and_more_than_once(
        rows in rows(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..80),
    ) {
        let picks: Vec<usize> = picks.iter().map(|pick| pick.index(rows.values.len())).collect();
        let places: Vec<u32> = picks.iter().map(|pick| *pick as u32).collect();
        let columns = rows.columns();
        let taken: Vec<Column> = columns.iter().map(|column| column.take(&places)).collect();
        rows.check(&taken, &picks)?;
    }

    #[test]
    fn a_text_that_is_pushed_behind_views_of_a_block_leaves_the_others(rows in rows()) {
        let mut texts = rows.in_a_block().as_strings().expect("text").clone();
        texts.push(b"one more");
        let expected = rows.values.iter().map(|(_, text)| text.as_bytes());
        prop_assert!(texts.iter().eq(expected.chain([b"one more".as_slice()])));
    }
}

#[test]
fn a_column_of_nulls_has_its_type_and_nothing_else() {
    let types = [
        DataType::Bool,
        DataType::Int64,
        DataType::Float64,
        DataType::Decimal { scale: 3 },
        DataType::String,
        DataType::Bytes,
        DataType::Timestamp,
    ];
    for data_type in types {
        let column = Column::nulls(data_type, 70);
        assert_eq!(column.data_type(), data_type);
        assert_eq!((column.len(), column.null_count()), (70, 70));
        assert!((0..70).all(|row| column.value(row).is_null()));
    }
}

#[test]
fn values_compare_within_their_type_alone() {
    assert!(Value::Int64(1) < Value::Int64(2));
    assert!(Value::String("a") < Value::String("b"));
    assert_eq!(Value::Int64(1).partial_cmp(&Value::Timestamp(1)), None);
    assert_eq!(Value::Null.partial_cmp(&Value::Int64(1)), None);
    assert_eq!(
        Value::Float64(f64::NAN).partial_cmp(&Value::Float64(0.0)),
        None
    );
}

#[test]
#[should_panic(expected = "a validity bit a value")]
fn validity_of_another_length_is_refused() {
    let _ = Column::int64([1, 2]).with_validity(Bitmap::new(3, true));
}
