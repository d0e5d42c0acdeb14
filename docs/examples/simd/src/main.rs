//! The mean price in a CSV text, found without looking at a byte by itself.

use pelton_simd::column::sum_i64;
use pelton_simd::csv::{Dialect, Structure, scan};
use pelton_simd::number::i64_column;
use pelton_simd::view::View;
use pelton_simd::{ascii, lines};

fn main() {
    let rows = (0..100_000).map(|row| format!("{row},\"item, {row}\",{}\n", row % 100));
    let text = "id,name,price\n".to_owned() + &rows.collect::<String>();
    let text = text.as_bytes();
    assert!(ascii::is_ascii(text));
    println!("{} lines of ASCII", lines::count(text));

    let mut structure = Structure::new();
    scan(text, Dialect::CSV, &mut structure);
    let prices: Vec<View> = (1..structure.records())
        .map(|record| structure.field(record, 2).expect("three fields"))
        .map(|field| View {
            start: field.start as u32,
            len: field.len() as u32,
        })
        .collect();

    let (mut values, mut valid) = (Vec::new(), Vec::new());
    i64_column(text, &prices, &mut values, &mut valid);
    let sum = sum_i64(&values, Some(&valid));
    println!("mean price {}", sum as f64 / values.len() as f64);
    assert_eq!(sum, 4_950_000);
}
