//! Stages of your own: a closure over each record, and a type that implements `Stage`.
//!
//! `cargo run --example own_stages` reads the sample of orders and prints what is left of it.

use std::sync::Arc;

use pelton::Engine;
use pelton::plan::OnError;
use pelton::prelude::Stage;
use pelton::record::{Batch, Column, DataType, Field, Schema, Value};
use pelton::stage::{Error, OnRecord};

/// Adds a column: how many letters the product's name has.
struct Letters {
    column: usize,
    output: Arc<Schema>,
}

impl Letters {
    fn new(input: &Arc<Schema>) -> Self {
        let mut fields = input.fields().to_vec();
        fields.push(Field {
            name: "letters".to_owned(),
            data_type: DataType::Int64,
        });
        Self {
            column: input.index_of("product").unwrap_or_default(),
            output: Schema::new(fields).into(),
        }
    }
}

impl Stage for Letters {
    fn name(&self) -> &str {
        "letters"
    }

    fn output(&self) -> &Arc<Schema> {
        &self.output
    }

    fn apply(&self, batch: &mut Batch) -> Result<(), Error> {
        let letters = |row| match batch.column(self.column).value(row) {
            Value::String(name) => name.chars().count() as i64,
            _ => 0,
        };
        let column = Column::int64((0..batch.rows()).map(letters));
        let mut columns = batch.take_columns();
        columns.push(column);
        batch.set_columns(self.output.clone(), columns);
        Ok(())
    }
}

fn main() -> Result<(), pelton::Error> {
    let report = Engine::builder()
        .source("data/orders.csv")
        .select(["order_id", "product", "quantity"])
        .custom_stage(|input| {
            Ok(OnRecord::new("few", input, |row| {
                match row.get("quantity") {
                    Some(Value::Int64(quantity)) if quantity < 1 => {
                        Err(format!("{quantity} ordered"))
                    }
                    Some(Value::Int64(quantity)) => Ok(quantity > 18),
                    _ => Ok(false),
                }
            }))
        })
        .custom_stage(|input| Ok(Letters::new(input)))
        .on_error(OnError::Skip)
        .sink("-")
        .run()?;
    assert!(report.records.balances());
    Ok(())
}
