//! Sort keys whose bytes have the order of the values.

use pelton_record::{Column, Values};

use super::SortKey;

/// Ends a text; a zero within it is followed by `INNER` instead.
const TEXT_END: u8 = 0;
const INNER: u8 = 0xFF;

/// Writes the key of `row` of `column` behind `out`: a byte that says where nulls stand, and the
/// value, all bits turned over when it is descending.
pub(super) fn write(key: SortKey, column: &Column, row: usize, out: &mut Vec<u8>) {
    if column.is_null(row) {
        out.push(if key.nulls_first { 0 } else { 2 });
        return;
    }
    out.push(1);
    let start = out.len();
    match column.values() {
        Values::Bool(bits) => out.push(u8::from(bits.get(row))),
        Values::Int64(values) | Values::Timestamp(values) => {
            let shifted = values[row] as u64 ^ 1 << 63;
            out.extend_from_slice(&shifted.to_be_bytes());
        }
        Values::Float64(values) => out.extend_from_slice(&float(values[row]).to_be_bytes()),
        Values::Decimal { mantissas, .. } => {
            let shifted = mantissas[row] as u128 ^ 1 << 127;
            out.extend_from_slice(&shifted.to_be_bytes());
        }
        Values::String(strings) | Values::Bytes(strings) => text(strings.get(row), out),
        other => unreachable!("no order of {}", other.data_type()),
    }
    if key.descending {
        out[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}

/// Bits that have the order of floats: both zeros are one, and NaN is above all.
const fn float(value: f64) -> u64 {
    if value.is_nan() {
        return u64::MAX;
    }
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 0 {
        bits | 1 << 63
    } else {
        !bits
    }
}

fn text(value: &[u8], out: &mut Vec<u8>) {
    let mut parts = value.split(|&byte| byte == TEXT_END);
    out.extend_from_slice(parts.next().unwrap_or_default());
    for part in parts {
        out.extend_from_slice(&[TEXT_END, INNER]);
        out.extend_from_slice(part);
    }
    out.extend_from_slice(&[TEXT_END, TEXT_END]);
}
