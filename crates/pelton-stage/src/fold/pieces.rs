//! Values as bytes that tell their own length, and back.
//!
//! A value is a byte that says null or how many bytes follow, then those bytes, without leading
//! zeros in numbers.

use pelton_record::{Bitmap, Column, DataType, Strings, Values};

/// The first byte of a text whose length takes four more bytes.
const LENGTH_FOLLOWS: u8 = 0xFF;
/// The longest text whose length is in its first byte.
const SHORT_TEXT: u32 = 0xFD;

/// Small absolute values become small numbers.
#[inline]
pub(super) const fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

#[inline]
pub(super) const fn wide_zigzag(value: i128) -> u128 {
    (value << 1 ^ value >> 127) as u128
}

/// One pattern for each value: both zeros are one, and so are all NaNs. Bytes are swapped because
/// it is the low ones that tend to be zero.
#[inline]
pub(super) const fn float_bits(value: f64) -> u64 {
    if value == 0.0 {
        0
    } else if value.is_nan() {
        f64::NAN.to_bits().swap_bytes()
    } else {
        value.to_bits().swap_bytes()
    }
}

/// Writes the piece of `row` of `column` behind `out`.
pub(crate) fn spell(column: &Column, row: usize, out: &mut Vec<u8>) {
    if column.is_null(row) {
        out.push(0);
        return;
    }
    match column.values() {
        Values::Bool(bits) => out.push(u8::from(bits.get(row)) + 1),
        Values::Int64(values) | Values::Timestamp(values) => {
            spell_number(u128::from(zigzag(values[row])), out);
        }
        Values::Float64(values) => spell_number(u128::from(float_bits(values[row])), out),
        Values::Decimal { mantissas, .. } => spell_number(wide_zigzag(mantissas[row]), out),
        Values::String(strings) | Values::Bytes(strings) => spell_text(strings.get(row), out),
        other => unreachable!("no keys of type {}", other.data_type()),
    }
}

fn spell_number(value: u128, out: &mut Vec<u8>) {
    let len = (128 - value.leading_zeros()).div_ceil(8) as usize;
    out.push(len as u8 + 1);
    out.extend_from_slice(&value.to_le_bytes()[..len]);
}

fn spell_text(value: &[u8], out: &mut Vec<u8>) {
    let len = value.len() as u32;
    if len <= SHORT_TEXT {
        out.push(len as u8 + 1);
    } else {
        out.push(LENGTH_FOLLOWS);
        out.extend_from_slice(&len.to_le_bytes());
    }
    out.extend_from_slice(value);
}

/// Builds a column from pieces.
#[derive(Debug)]
pub(crate) struct Decoder {
    values: Values,
    validity: Bitmap,
}

impl Decoder {
    /// For values of `data_type`.
    pub(crate) fn new(data_type: DataType) -> Self {
        let (values, validity) = Column::nulls(data_type, 0).into_parts();
        Self {
            values,
            validity: validity.unwrap_or_default(),
        }
    }

    /// Takes the first piece off `pieces` and adds its value.
    pub(crate) fn push(&mut self, pieces: &mut &[u8]) {
        let first = take(pieces, 1)[0];
        self.validity.push(first != 0);
        match &mut self.values {
            Values::Bool(bits) => bits.push(first == 2),
            Values::Int64(values) | Values::Timestamp(values) => {
                let value = take_number(first, pieces) as u64;
                values.push((value >> 1) as i64 ^ -((value & 1) as i64));
            }
            Values::Float64(values) => {
                let bits = take_number(first, pieces) as u64;
                values.push(f64::from_bits(bits.swap_bytes()));
            }
            Values::Decimal { mantissas, .. } => {
                let value = take_number(first, pieces);
                mantissas.push((value >> 1) as i128 ^ -((value & 1) as i128));
            }
            Values::String(strings) | Values::Bytes(strings) => {
                push_text(first, pieces, strings);
            }
            other => unreachable!("no keys of type {}", other.data_type()),
        }
    }

    /// The column.
    pub(crate) fn finish(self) -> Column {
        Column::new(self.values, Some(self.validity))
    }
}

/// Takes a value of `data_type` off `pieces`.
pub(crate) fn skip(pieces: &mut &[u8], data_type: DataType) {
    let first = take(pieces, 1)[0];
    match data_type {
        DataType::Bool => {}
        DataType::String | DataType::Bytes => {
            let len = text_len(first, pieces);
            take(pieces, len);
        }
        _ => {
            take(pieces, usize::from(first.saturating_sub(1)));
        }
    }
}

fn take<'a>(pieces: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (taken, rest) = pieces.split_at(len);
    *pieces = rest;
    taken
}

fn take_number(first: u8, pieces: &mut &[u8]) -> u128 {
    let len = usize::from(first.saturating_sub(1));
    let mut bytes = [0; 16];
    bytes[..len].copy_from_slice(take(pieces, len));
    u128::from_le_bytes(bytes)
}

fn text_len(first: u8, pieces: &mut &[u8]) -> usize {
    if first == LENGTH_FOLLOWS {
        u32::from_le_bytes(take(pieces, 4).try_into().unwrap_or_default()) as usize
    } else {
        usize::from(first.saturating_sub(1))
    }
}

fn push_text(first: u8, pieces: &mut &[u8], strings: &mut Strings) {
    let len = text_len(first, pieces);
    strings.push(take(pieces, len));
}
