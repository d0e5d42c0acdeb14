//! The main job, embedded: orders in, revenue by country out, bad records in a dead letter.
//!
//! `cargo run --release -p pelton --example by_country`

use pelton::Engine;

fn main() -> Result<(), pelton::Error> {
    let report = Engine::builder()
        .source("data/orders.csv")
        .filter("status = 'shipped' AND quantity > 5")
        .derive("total", "quantity * unit_price")
        .aggregate(
            ["country"],
            [("orders", "count(*)"), ("revenue", "sum(total)")],
        )
        .sort(["revenue DESC"])
        .sink("by_country.csv")
        .memory_limit("50MB")
        .dead_letter("rejected.ndjson")
        .run()?;
    assert!(report.records.balances());
    Ok(())
}
