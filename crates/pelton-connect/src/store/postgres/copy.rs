//! Rows in the binary format of COPY.

use pelton_record::{Batch, Column, Values};

/// What a copy begins with: the signature, no flags, no extension.
pub(super) const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with: a row of -1 columns.
pub(super) const END: &[u8] = &(-1_i16).to_be_bytes();

const NULL: [u8; 4] = (-1_i32).to_be_bytes();
/// Microseconds from 1970, where Pelton counts from, to 2000, where Postgres does.
const EPOCH_US: i64 = 946_684_800_000_000;

/// Appends row `row`; `number` comes behind it as one more column, if there is one.
pub(super) fn write_row(batch: &Batch, row: usize, number: Option<i64>, out: &mut Vec<u8>) {
    let columns = batch.columns().len() + usize::from(number.is_some());
    // Postgres has at most 1600 columns, and says so when the table is made.
    out.extend_from_slice(&i16::try_from(columns).unwrap_or(i16::MAX).to_be_bytes());
    for column in batch.columns() {
        write_value(column, row, out);
    }
    if let Some(number) = number {
        sized(&number.to_be_bytes(), out);
    }
}

fn write_value(column: &Column, row: usize, out: &mut Vec<u8>) {
    if column.is_null(row) {
        out.extend_from_slice(&NULL);
        return;
    }
    match column.values() {
        Values::Bool(bits) => sized(&[bits.get(row).into()], out),
        Values::Int64(items) => sized(&items[row].to_be_bytes(), out),
        Values::Float64(items) => sized(&items[row].to_be_bytes(), out),
        Values::Decimal { mantissas, scale } => numeric(mantissas[row], *scale, out),
        Values::String(strings) | Values::Bytes(strings) => sized(strings.get(row), out),
        Values::Timestamp(items) => {
            let instant = items[row].div_euclid(1000) - EPOCH_US;
            sized(&instant.to_be_bytes(), out);
        }
        // A type that is added later is written as Postgres reads it from a person.
        _ => sized(column.value(row).to_string().as_bytes(), out),
    }
}

fn sized(bytes: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// A `numeric`: digits to the base of 10,000, of which the first has the weight of a power.
fn numeric(mantissa: i128, scale: u8, out: &mut Vec<u8>) {
    let scale = usize::from(scale);
    let digits = format!("{:0>1$}", mantissa.unsigned_abs(), scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let whole = format!("{whole:0>0$}", whole.len().next_multiple_of(4));
    let fraction = format!("{fraction:0<0$}", scale.next_multiple_of(4));
    let groups = [whole.as_bytes(), fraction.as_bytes()].concat();
    let groups = groups.chunks(4).map(|four| {
        let value = four
            .iter()
            .fold(0, |sum, digit| sum * 10 + i16::from(digit - b'0'));
        value.to_be_bytes()
    });
    let body: Vec<u8> = groups.flatten().collect();
    let short = |value: usize| i16::try_from(value).unwrap_or(i16::MAX).to_be_bytes();
    let sign: u16 = if mantissa < 0 { 0x4000 } else { 0 };
    let head = [
        short(body.len() / 2),
        short(whole.len() / 4 - 1),
        sign.to_be_bytes(),
        short(scale),
    ];
    sized(&[&head.concat()[..], &body].concat(), out);
}
