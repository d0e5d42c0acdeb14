//! A shopping list priced by SQL expressions, a column at a time.

use std::sync::Arc;

use pelton_record::{Batch, Column, DataType, Schema};
use pelton_stage::{Derive, Error, Expression, Filter, Stage};

fn main() -> Result<(), Error> {
    let schema: Arc<Schema> = Schema::of([
        ("item", DataType::String),
        ("pieces", DataType::Int64),
        ("price", DataType::Decimal { scale: 2 }),
    ])
    .into();
    let filter = Filter::new(
        &Expression::parse("pieces > 0 AND item <> 'caviar'")?,
        &schema,
    )?;
    let columns = [
        ("label", Expression::parse("upper(item) || ' x' || pieces")?),
        ("total", Expression::parse("pieces * price")?),
        (
            "each_of_4",
            Expression::parse("round(pieces * price / 4, 2)")?,
        ),
    ];
    let derive = Derive::new(columns, filter.output())?;

    let mut batch = Batch::from_columns(
        schema,
        vec![
            Column::strings(["bread", "caviar", "milk", "tea"]),
            Column::int64([2, 1, 3, 0]),
            Column::decimal([349, 9_900, 129, 450], 2),
        ],
    );
    filter.apply(&mut batch)?;
    derive.apply(&mut batch)?;
    for row in 0..batch.rows() {
        let value = |column| batch.column(column).value(row).to_string();
        println!("{:<10} {:>6} {:>6}", value(3), value(4), value(5));
    }
    assert_eq!(batch.rows(), 2);
    Ok(())
}
