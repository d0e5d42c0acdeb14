//! A table of three columns, filtered by one of them and printed.

use pelton_record::{Batch, Bitmap, Column, DataType, Schema, Value};

fn main() {
    let schema = Schema::of([
        ("city", DataType::String),
        ("people", DataType::Int64),
        ("area", DataType::Decimal { scale: 2 }),
    ]);
    let columns = vec![
        Column::strings(["Oslo", "Bern", "Wien"]),
        Column::int64([717_710, 134_794, 2_005_760]),
        Column::decimal([45_403, 5_162, 41_465], 2), // 454.03 and so on, exact
    ];
    let mut batch = Batch::from_columns(schema.into(), columns);
    show(&batch);

    let large = Bitmap::from_fn(batch.rows(), |row| {
        batch.column(1).value(row) > Value::Int64(500_000)
    });
    batch.retain(&large);
    println!();
    show(&batch);
    assert_eq!(batch.rows(), 2);
}

fn show(batch: &Batch) {
    println!("{}", batch.schema());
    for row in 0..batch.rows() {
        let values = batch
            .columns()
            .iter()
            .map(|column| column.value(row).to_string());
        println!(
            "{}",
            values
                .map(|value| format!("{value:>10}"))
                .collect::<String>()
        );
    }
}
