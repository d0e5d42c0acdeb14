//! Made-up data: as large as wanted, the same bytes for the same seed.
//!
//! Row `n` is made from the seed and `n` alone, so that a longer file begins with a shorter one.

mod events;
mod log;
mod numbers;
mod orders;
mod random;
mod visits;

use std::collections::BTreeMap;
use std::io::{self, Write};

use clap::ValueEnum;

use random::Random;

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// CSV: orders of a shop, with quoted commas, quotes and newlines, skewed keys.
    Orders,
    /// NDJSON: events of users, nested, about 200 bytes each.
    Events,
    /// A web server's access log in the combined format.
    Log,
    /// CSV: ten columns of numbers.
    Numbers,
    /// CSV: visits with an id each, a tenth of which come again.
    Visits,
}

/// What can be wrong with a row; the names are those of a run's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// A field too few, or one too many.
    FieldCount,
    /// Letters where a number belongs.
    Value,
    /// A byte that no UTF-8 holds.
    Utf8,
    /// A quote that nobody closes.
    Quote,
    /// A record of more than a mebibyte.
    TooLarge,
    /// A line cut off in its middle.
    Syntax,
}

impl Fault {
    const fn name(self) -> &'static str {
        match self {
            Self::FieldCount => "field_count",
            Self::Value => "value",
            Self::Utf8 => "utf8",
            Self::Quote => "quote",
            Self::TooLarge => "too_large",
            Self::Syntax => "syntax",
        }
    }
}

/// How to make rows of one kind.
trait Maker {
    /// Appends what stands before the first row.
    fn header(&self, out: &mut Vec<u8>);

    /// Appends row `index` with its line end.
    fn row(&self, index: u64, random: &mut Random, out: &mut Vec<u8>);

    /// Appends row `index` with something wrong with it.
    fn broken_row(&self, index: u64, fault: Fault, random: &mut Random, out: &mut Vec<u8>);

    /// The faults that rows of this kind can have, but for the one of size.
    fn faults(&self) -> &'static [Fault];
}

/// How much to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub kind: Kind,
    pub seed: u64,
    /// Stop after so many rows.
    pub rows: Option<u64>,
    /// Stop after the row with which the output is at least so long.
    pub bytes: Option<u64>,
    /// Rows in a thousand that are broken.
    pub malformed_per_mille: u32,
}

/// What was made.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub(crate) struct Made {
    /// Rows, broken ones too.
    pub rows: u64,
    pub bytes: u64,
    /// Broken rows by kind.
    pub malformed: BTreeMap<&'static str, u64>,
}

impl Kind {
    fn maker(self) -> Box<dyn Maker> {
        match self {
            Self::Orders => Box::new(orders::Orders),
            Self::Events => Box::new(events::Events),
            Self::Log => Box::new(log::Log),
            Self::Numbers => Box::new(numbers::Numbers),
            Self::Visits => Box::new(visits::Visits),
        }
    }
}

/// Rows without a header, one after the other.
pub(crate) struct Rows {
    maker: Box<dyn Maker>,
    seed: u64,
    next: u64,
}

impl Rows {
    pub(crate) fn new(kind: Kind, seed: u64) -> Self {
        Self {
            maker: kind.maker(),
            seed,
            next: 0,
        }
    }

    /// Appends the next row with its line end.
    pub(crate) fn push(&mut self, out: &mut Vec<u8>) {
        let mut random = Random::of_row(self.seed, self.next);
        // Files draw a number here to decide whether a row is broken.
        random.next();
        self.maker.row(self.next, &mut random, out);
        self.next += 1;
    }
}

const CHUNK_BYTES: usize = 1 << 18;
/// One broken row in so many is too large: a few of them are enough.
const TOO_LARGE_EVERY: u64 = 500;

/// Makes what is ordered and writes it to `out`.
pub(crate) fn generate(order: Order, out: &mut dyn Write) -> io::Result<Made> {
    let maker = order.kind.maker();
    let mut made = Made::default();
    let mut chunk = Vec::with_capacity(2 * CHUNK_BYTES);
    maker.header(&mut chunk);
    while !order.is_filled(&made, chunk.len()) {
        let mut random = Random::of_row(order.seed, made.rows);
        if random.below(1000) < u64::from(order.malformed_per_mille) {
            let fault = pick_fault(&*maker, &made, &mut random);
            *made.malformed.entry(fault.name()).or_default() += 1;
            maker.broken_row(made.rows, fault, &mut random, &mut chunk);
        } else {
            maker.row(made.rows, &mut random, &mut chunk);
        }
        made.rows += 1;
        if chunk.len() >= CHUNK_BYTES {
            made.bytes += chunk.len() as u64;
            out.write_all(&chunk)?;
            chunk.clear();
        }
    }
    made.bytes += chunk.len() as u64;
    out.write_all(&chunk)?;
    out.flush()?;
    Ok(made)
}

fn pick_fault(maker: &dyn Maker, made: &Made, random: &mut Random) -> Fault {
    let broken: u64 = made.malformed.values().sum();
    if broken % TOO_LARGE_EVERY == TOO_LARGE_EVERY - 1 {
        return Fault::TooLarge;
    }
    *random.pick(maker.faults())
}

impl Order {
    fn is_filled(&self, made: &Made, pending: usize) -> bool {
        let rows_done = self.rows.is_some_and(|rows| made.rows >= rows);
        rows_done
            || self
                .bytes
                .is_some_and(|bytes| made.bytes + pending as u64 >= bytes)
    }
}

/// Appends `number` in decimal.
fn push_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = number;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// Appends `number` in decimal with at least `width` digits.
fn push_padded(out: &mut Vec<u8>, number: u64, width: usize) {
    let start = out.len();
    push_number(out, number);
    let missing = width.saturating_sub(out.len() - start);
    out.splice(start..start, std::iter::repeat_n(b'0', missing));
}

/// Appends `cents` as an amount with two digits after the point.
fn push_cents(out: &mut Vec<u8>, cents: u64) {
    push_number(out, cents / 100);
    out.push(b'.');
    out.extend_from_slice(&[b'0' + (cents / 10 % 10) as u8, b'0' + (cents % 10) as u8]);
}

/// The civil date of a day counted from 1970-01-01.
///
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn civil_date(day: u64) -> (u64, u64, u64) {
    let shifted = day + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_shifted + 2) / 5 + 1;
    let month = if month_shifted < 10 {
        month_shifted + 3
    } else {
        month_shifted - 9
    };
    (
        era * 400 + year_of_era + u64::from(month <= 2),
        month,
        day_of_month,
    )
}

/// Appends seconds since 1970 as `2024-01-31T12:34:56Z`.
fn push_instant(out: &mut Vec<u8>, seconds: u64) {
    let (year, month, day) = civil_date(seconds / 86_400);
    let rest = seconds % 86_400;
    let fields = [
        (year, 4, b'-'),
        (month, 2, b'-'),
        (day, 2, b'T'),
        (rest / 3600, 2, b':'),
    ];
    for (number, width, after) in fields {
        push_padded(out, number, width);
        out.push(after);
    }
    push_padded(out, rest / 60 % 60, 2);
    out.push(b':');
    push_padded(out, rest % 60, 2);
    out.push(b'Z');
}
