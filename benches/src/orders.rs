//! The block that kernels are measured on: 512 KiB of made-up orders, as a run has it. The
//! benchmark `crates` and the example `kernels` include this file.

use std::fmt::Write;

use pelton_format::{Csv, Format};
use pelton_record::{Batch, Block, Origin, Schema};

/// The size of a block, but for what is left of the last order.
pub(crate) const BLOCK_BYTES: usize = 512 << 10;
/// The fields that are decoded: country, status, quantity and price.
pub(crate) const DECODED: &[usize] = &[3, 4, 6, 7];

const HEADER: &str = "id,at,customer,country,status,product,quantity,price,note\n";
/// When all orders were made.
const AT: &str = "2024-03-01T12:00:00Z";

/// A block of orders without a header, of which every eighth has a quoted field, and how many there
/// are.
pub(crate) fn orders() -> (String, usize) {
    let mut text = String::with_capacity(BLOCK_BYTES + 128);
    let mut rows = 0;
    while text.len() < BLOCK_BYTES {
        let country = ["DE", "US", "FR", "GB", "NL"][rows * 7 % 5];
        let status = ["shipped", "pending", "returned"][rows % 3];
        let name = ["Anna", "Zoë", "Jim", "Kim"][rows * 5 % 4];
        let note = if rows % 8 == 0 {
            "\"gift, wrapped\""
        } else {
            ""
        };
        let (quantity, cents) = (1 + rows * 13 % 20, 99 + rows * 7919 % 50_000);
        let written = writeln!(
            text,
            "{},{AT},{name} {rows},{country},{status},mug,{quantity},{}.{:02},{note}",
            1_000_000 + rows,
            cents / 100,
            cents % 100
        );
        written.expect("a string takes all");
        rows += 1;
    }
    (text, rows)
}

/// The schema, and the batch of country, status, quantity and price.
pub(crate) fn decoded(text: &str) -> (Schema, Batch) {
    let csv = Csv::default();
    let opened = csv.open(format!("{HEADER}{text}").as_bytes(), true);
    let schema = opened.expect("it has a header").schema;
    let block = Block::new(text.as_bytes().to_vec());
    let batch = csv
        .decoder(&schema, DECODED)
        .decode(block, Origin::default());
    (schema, batch)
}
