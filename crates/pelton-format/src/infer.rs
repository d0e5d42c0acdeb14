//! Types from a sample of values.

use pelton_record::DataType;
use pelton_simd::number;

use crate::parse::parse_bool;

/// Digits that a sampled decimal may have in all, and after the point, and still be taken for a
/// decimal. More look like the digits of a float.
const DECIMAL_DIGITS_MAX: usize = 18;
const DECIMAL_SCALE_MAX: u8 = 9;

/// What the values of one field have looked like so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// Values that were there at all.
    values: usize,
    ints: usize,
    /// Whole numbers among them.
    decimals: usize,
    /// Whole numbers and decimals among them.
    floats: usize,
    bools: usize,
    timestamps: usize,
    /// The most digits after the point of any decimal.
    scale: u8,
}

/// A type, and the one that most values would have allowed when some did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub data_type: DataType,
    pub doubtful: Option<DataType>,
}

impl Evidence {
    /// Looks at one more value.
    pub(crate) fn add(&mut self, text: &[u8]) {
        let text = text.trim_ascii();
        if text.is_empty() {
            return;
        }
        self.values += 1;
        match text[0] {
            b'0'..=b'9' | b'-' | b'+' | b'.' => self.add_number(text),
            _ if text.len() > 1 && parse_bool(text).is_some() => self.bools += 1,
            _ if number::parse_f64(text).is_some() => self.floats += 1,
            _ => {}
        }
    }

    fn add_number(&mut self, text: &[u8]) {
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        // A leading zero marks an identifier: a postal code, a telephone number.
        let identifier = digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit();
        if identifier || text[0] == b'+' {
            return;
        }
        if number::parse_i64(text).is_some() {
            self.ints += 1;
            self.decimals += 1;
            self.floats += 1;
        } else if let Some(scale) = decimal_scale(text) {
            self.scale = self.scale.max(scale);
            self.decimals += 1;
            self.floats += 1;
        } else if number::parse_f64(text).is_some() {
            self.floats += 1;
        } else if number::parse_timestamp(text).is_some() {
            self.timestamps += 1;
        }
    }

    /// The type to read the field as.
    ///
    /// The narrowest type that as many values fit as fit any; a tenth may be misfits, which will
    /// be refused as bad values. With more misfits the field is a string, and the type that half
    /// of the values fit is doubtful. Without any values it is a string too, and as doubtful it is
    /// what holds any number.
    pub(crate) fn verdict(&self) -> Verdict {
        let (data_type, fit) = self.best();
        let certain = fit > 0 && (self.values - fit) * 10 <= self.values;
        let doubtful = match self.values {
            0 => Some(DataType::Float64),
            values => (!certain && fit > 0 && fit * 2 >= values).then_some(data_type),
        };
        Verdict {
            data_type: if certain { data_type } else { DataType::String },
            doubtful,
        }
    }

    fn best(&self) -> (DataType, usize) {
        let most = self.floats.max(self.bools).max(self.timestamps);
        let data_type = if most == self.ints {
            DataType::Int64
        } else if most == self.decimals {
            DataType::Decimal { scale: self.scale }
        } else if most == self.floats {
            DataType::Float64
        } else if most == self.timestamps {
            DataType::Timestamp
        } else {
            DataType::Bool
        };
        (data_type, most)
    }
}

/// The digits after the point of what looks like a decimal rather than a float.
fn decimal_scale(text: &[u8]) -> Option<u8> {
    let (_, scale) = number::parse_decimal(text)?;
    let fits = scale <= DECIMAL_SCALE_MAX && text.len() <= DECIMAL_DIGITS_MAX + 2;
    fits.then_some(scale)
}
