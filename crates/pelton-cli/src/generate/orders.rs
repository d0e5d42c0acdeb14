//! Orders of a shop, as CSV.

use super::{Fault, Maker, Random, push_cents, push_instant, push_number};

/// `order_id, ordered_at, customer, country, status, product, quantity, unit_price, note`
pub(super) struct Orders;

const HEADER: &[u8] =
    b"order_id,ordered_at,customer,country,status,product,quantity,unit_price,note\n";
const COUNTRIES: [&str; 32] = [
    "DE", "US", "FR", "GB", "NL", "IT", "ES", "PL", "CH", "AT", "BE", "SE", "NO", "DK", "FI", "CZ",
    "PT", "IE", "HU", "RO", "GR", "BG", "HR", "SK", "SI", "LT", "LV", "EE", "LU", "MT", "CY", "IS",
];
const STATUSES: [&str; 5] = ["shipped", "delivered", "pending", "cancelled", "returned"];
const NAMES: [&str; 16] = [
    "Anna", "Björn", "Chloé", "Dmitri", "Elif", "Farid", "Greta", "Håkon", "Ines", "José", "Kaya",
    "Lena", "Mikołaj", "Nora", "Otto", "Priya",
];
const PRODUCTS: [&str; 12] = [
    "desk lamp",
    "notebook",
    "chair",
    "mug",
    "backpack",
    "headphones",
    "keyboard",
    "poster",
    "rug",
    "shelf",
    "water bottle",
    "umbrella",
];
const NOTES: [&str; 8] = [
    "gift wrap",
    "leave at the door",
    "call before delivery",
    "fragile",
    "express",
    "second floor",
    "return label inside",
    "birthday present",
];
const FIRST_ORDER: u64 = 1_672_531_200; // 2023-01-01
const SECONDS: u64 = 2 * 365 * 86_400;

impl Maker for Orders {
    fn header(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(HEADER);
    }

    fn row(&self, index: u64, random: &mut Random, out: &mut Vec<u8>) {
        begin(index, random, out);
        quantity_and_price(random, out);
        note(random, out);
        out.push(b'\n');
    }

    fn broken_row(&self, index: u64, fault: Fault, random: &mut Random, out: &mut Vec<u8>) {
        begin(index, random, out);
        match fault {
            Fault::FieldCount if random.below(2) == 0 => push_number(out, 1),
            Fault::FieldCount => out.extend_from_slice(b"1,9.99,,one too many"),
            Fault::Value if random.below(2) == 0 => out.extend_from_slice(b"a few,9.99,"),
            Fault::Value => out.extend_from_slice(b"3,EUR 9,"),
            Fault::Utf8 => out.extend_from_slice(b"3,9.99,caf\xe9"),
            Fault::Quote => out.extend_from_slice(b"3,9.99,\"please deliver before noon"),
            Fault::TooLarge | Fault::Syntax => {
                out.extend_from_slice(b"3,9.99,");
                out.resize(out.len() + (1 << 20), b'x');
            }
        }
        out.push(b'\n');
    }

    fn faults(&self) -> &'static [Fault] {
        &[Fault::FieldCount, Fault::Value, Fault::Utf8, Fault::Quote]
    }
}

/// Everything before the quantity.
fn begin(index: u64, random: &mut Random, out: &mut Vec<u8>) {
    push_number(out, 1_000_000 + index);
    out.push(b',');
    push_instant(out, FIRST_ORDER + random.below(SECONDS));
    out.push(b',');
    out.extend_from_slice(random.pick(&NAMES).as_bytes());
    out.push(b' ');
    push_number(out, random.skewed(100_000));
    for text in [
        random.pick_skewed(&COUNTRIES),
        random.pick_skewed(&STATUSES),
        random.pick(&PRODUCTS),
    ] {
        out.push(b',');
        out.extend_from_slice(text.as_bytes());
    }
    out.push(b',');
}

fn quantity_and_price(random: &mut Random, out: &mut Vec<u8>) {
    push_number(out, 1 + random.skewed(20));
    out.push(b',');
    push_cents(out, 99 + random.skewed(50_000));
    out.push(b',');
}

/// Mostly empty; some plain, some with what CSV must quote.
fn note(random: &mut Random, out: &mut Vec<u8>) {
    let text = random.pick(&NOTES).as_bytes();
    match random.below(100) {
        0..70 => {}
        70..90 => out.extend_from_slice(text),
        90..95 => quoted(&[text, b", thank you"], out),
        95..98 => quoted(&[text, b" says \"\"Anna\"\""], out),
        _ => quoted(&[text, b"\nsecond line, with a comma"], out),
    }
}

fn quoted(parts: &[&[u8]], out: &mut Vec<u8>) {
    out.push(b'"');
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out.push(b'"');
}
