//! What an answer comes to, whatever the spelling.

use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{BufReader, Read as _};
use std::path::Path;

/// What an output file holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shape {
    /// CSV with a header, rows in order; numbers are compared to the cent.
    Rows,
    /// The same, rows in any order.
    Groups,
    /// Bytes, compared as they are.
    Bytes,
    /// The first three numbers, whatever stands between.
    Numbers,
}

/// A number that is the same for equal answers, and practically never for different ones.
///
/// Reads the file in pieces: the bench must stay small, because a child is charged for the
/// memory of its parent until it runs its own program.
pub(super) fn digest(path: &Path, shape: Shape) -> Result<u64, String> {
    let fault = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file = BufReader::new(File::open(path).map_err(fault)?);
    let mut digest = Digest::new(shape);
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = file.read(&mut piece).map_err(fault)?;
        if length == 0 {
            return Ok(digest.finish());
        }
        digest.take(&piece[..length]);
    }
}

struct Digest {
    shape: Shape,
    hasher: DefaultHasher,
    /// The sum over the rows seen, in the shape that forgets their order.
    rows: u64,
    field: Vec<u8>,
    quoted: bool,
    /// The header's names are the engine's own business.
    in_header: bool,
    /// Numbers seen, in the shape that counts them.
    numbers: usize,
}

impl Digest {
    fn new(shape: Shape) -> Self {
        Self {
            shape,
            hasher: DefaultHasher::new(),
            rows: 0,
            field: Vec::new(),
            quoted: false,
            in_header: true,
            numbers: 0,
        }
    }

    fn take(&mut self, piece: &[u8]) {
        match self.shape {
            Shape::Bytes => self.hasher.write(piece),
            Shape::Rows | Shape::Groups => piece.iter().for_each(|byte| self.row_byte(*byte)),
            Shape::Numbers => piece.iter().for_each(|byte| self.number_byte(*byte)),
        }
    }

    /// A doubled quote opens and closes at once and so vanishes, for everybody alike.
    fn row_byte(&mut self, byte: u8) {
        match byte {
            b'"' => self.quoted = !self.quoted,
            b'\r' if !self.quoted => {}
            b',' | b'\n' if !self.quoted => {
                self.end_field();
                if byte == b'\n' {
                    self.end_row();
                }
            }
            other => self.field.push(other),
        }
    }

    fn end_row(&mut self) {
        self.in_header = false;
        self.hasher.write_u8(b'\n');
        if self.shape == Shape::Groups {
            let row = std::mem::take(&mut self.hasher);
            self.rows = self.rows.wrapping_add(row.finish());
        }
    }

    fn end_field(&mut self) {
        if !self.in_header {
            match (cents(&self.field), instant(&self.field)) {
                (Some(cents), _) => cents.hash(&mut self.hasher),
                (None, Some(instant)) => instant.hash(&mut self.hasher),
                (None, None) => self.field.hash(&mut self.hasher),
            }
        }
        self.field.clear();
    }

    fn number_byte(&mut self, byte: u8) {
        if byte.is_ascii_digit() {
            self.field.push(byte);
        } else if !self.field.is_empty() {
            if self.numbers < 3 {
                self.field.hash(&mut self.hasher);
            }
            self.numbers += 1;
            self.field.clear();
        }
    }

    fn finish(mut self) -> u64 {
        if !self.field.is_empty() {
            self.row_byte(b'\n');
        }
        self.hasher.finish().wrapping_add(self.rows)
    }
}

/// A field that is a number, in hundredths.
fn cents(field: &[u8]) -> Option<i64> {
    let first = field.first()?;
    if !first.is_ascii_digit() && !b"-+.".contains(first) {
        return None;
    }
    let number: f64 = std::str::from_utf8(field).ok()?.parse().ok()?;
    let cents = number * 100.0;
    if cents.abs() < FLOAT_CENTS_MAX {
        return Some(cents.round() as i64);
    }
    let unit = 10f64.powi(cents.abs().log10() as i32 - 7);
    Some((cents / unit).round() as i64)
}

/// Beyond this a sum of floats, which is what the peers make of decimals, does not hold the cent:
/// eight digits are compared.
const FLOAT_CENTS_MAX: f64 = 1e12;

/// A field that is a date with a time, without the letters and the fraction's last zeros: what
/// remains is the same whether it was written as text or read and written as a time stamp.
fn instant(field: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(field).ok()?;
    let (date, time) = text.split_at_checked(10)?;
    let digits = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-')
    };
    let time = time.strip_prefix(['T', ' '])?;
    if !digits(date) || !time.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let time = time.trim_end_matches('Z').trim_end_matches("+00");
    let time = match time.contains('.') {
        true => time.trim_end_matches('0').trim_end_matches('.'),
        false => time,
    };
    Some([date.as_bytes(), time.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, shape: Shape) -> u64 {
        let mut digest = Digest::new(shape);
        digest.take(text.as_bytes());
        digest.finish()
    }

    #[test]
    fn spelling_does_not_count() {
        let plain = of("a,b\nx,1.50\ny,2\n", Shape::Rows);
        for same in [
            "A,B\r\n\"x\",1.5\r\n\"y\",2.0000000001\r\n",
            "a,b\nx,1.499999999\ny,2",
        ] {
            assert_eq!(of(same, Shape::Rows), plain, "{same}");
        }
    }

    #[test]
    fn values_order_and_shape_do() {
        let plain = of("a,b\nx,1.50\ny,2\n", Shape::Rows);
        for other in [
            "a,b\nx,1.51\ny,2\n",
            "a,b\ny,2\nx,1.50\n",
            "a,b\nx,1.50\n",
            "a\nx\n1.5\ny\n2",
        ] {
            assert_ne!(of(other, Shape::Rows), plain, "{other}");
        }
    }

    #[test]
    fn groups_come_in_any_order() {
        let plain = of("a,b\nx,1\ny,2\n", Shape::Groups);
        assert_eq!(of("a,b\ny,2\nx,1\n", Shape::Groups), plain);
        assert_ne!(of("a,b\nx,2\ny,1\n", Shape::Groups), plain);
    }

    #[test]
    fn time_stamps_may_be_spelled_in_several_ways() {
        let plain = of("a\n2031-05-09T10:20:30Z\n", Shape::Rows);
        for same in [
            "2031-05-09 10:20:30",
            "2031-05-09T10:20:30.000",
            "2031-05-09 10:20:30+00",
        ] {
            assert_eq!(of(&format!("a\n{same}\n"), Shape::Rows), plain, "{same}");
        }
        assert_ne!(of("a\n2031-05-09T10:20:31Z\n", Shape::Rows), plain);
    }

    #[test]
    fn commas_and_newlines_in_quotes_are_text() {
        assert_ne!(of("a\n\"x,y\"\n", Shape::Rows), of("a\nx,y\n", Shape::Rows));
        assert_eq!(
            of("a\n\"x\ny\"\n", Shape::Rows),
            of("a\r\n\"x\ny\"\r\n", Shape::Rows)
        );
    }

    #[test]
    fn three_numbers_are_enough() {
        let mawk = of("10 20 300\n", Shape::Numbers);
        assert_eq!(of("  10  20  300 data/4.log\n", Shape::Numbers), mawk);
        assert_eq!(of("lines,words,bytes\n10,20,300\n", Shape::Numbers), mawk);
        assert_ne!(of("10 20 301\n", Shape::Numbers), mawk);
    }
}
