//! An engine inside a program: orders come in one by one, are checked, priced and handed on, while
//! figures are read.
//!
//! ```text
//! cargo run --release --example embedded
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what comes out")]

use std::error::Error;
use std::thread;

use pelton::Engine;
use pelton::embed::{Priority, Submitter, now_ns};

const ORDERS: u64 = 100_000;

fn main() -> Result<(), Box<dyn Error>> {
    let (engine, submitter, receiver) = Engine::embedded()
        .memory_limit("64MB")
        .field("quantity", "int64")
        .field("price", "decimal(10,2)")
        // Built-in stages: SQL over the fields of the payload, which is a line of JSON.
        .filter("quantity > 0")
        .derive("total", "quantity * price")
        // A stage of our own, which may fail.
        .try_update("size", |record| match record.payload.len() {
            ..=128 => Ok(()),
            bytes => Err(format!("{bytes} bytes are too many for the wire")),
        })
        .start()?;

    let submitting = thread::spawn(move || submit(submitter));
    let (mut bytes, mut refused) = (0, 0);
    for processed in receiver {
        match processed.failure() {
            None => bytes += processed.record.payload.len(),
            Some(failure) => {
                refused += 1;
                if refused == 1 {
                    println!("order {} was refused: {failure}", processed.record.id);
                }
            }
        }
    }
    submitting.join().expect("no panic")?;

    // The submitter is gone, and all is received: the engine has ended by itself.
    let report = engine.join();
    println!("{report}");
    println!("{bytes} bytes handed on, {refused} orders refused");
    if let Some(latency) = report.stats.latency {
        println!("half of them in {} us", latency.p50_ns / 1000);
    }
    Ok(())
}

fn submit(mut submitter: Submitter) -> Result<(), pelton::pool::OverBudget> {
    for id in 0..ORDERS {
        let (quantity, price) = (id % 5, id % 90 + 10);
        let note = if id % 1000 == 999 {
            "x".repeat(100)
        } else {
            String::new()
        };
        let order = format!(r#"{{"quantity":{quantity},"price":{price}.50,"note":"{note}"}}"#);
        let mut record = submitter.record(id, now_ns(), order.as_bytes())?;
        if id % 100 == 0 {
            record = record.with_priority(Priority::High);
        }
        if submitter.submit_blocking(record).is_err() {
            break; // The engine was stopped; the record came back.
        }
    }
    Ok(())
}
