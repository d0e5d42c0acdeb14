//! Ten columns of numbers, as CSV.

use super::{Fault, Maker, Random, push_cents, push_number};

/// `a` to `e` are whole numbers, `f` to `j` have two digits after the point.
pub(super) struct Numbers;

const COLUMNS: usize = 10;
const BOUNDS: [u64; COLUMNS] = [
    100,
    10_000,
    1_000_000,
    1_000_000_000,
    10,
    1_000,
    100_000,
    10_000_000,
    500,
    50_000,
];

impl Maker for Numbers {
    fn header(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"a,b,c,d,e,f,g,h,i,j\n");
    }

    fn row(&self, _index: u64, random: &mut Random, out: &mut Vec<u8>) {
        fields(COLUMNS, random, out);
        out.push(b'\n');
    }

    fn broken_row(&self, _index: u64, fault: Fault, random: &mut Random, out: &mut Vec<u8>) {
        match fault {
            Fault::FieldCount => fields(COLUMNS - 3, random, out),
            Fault::TooLarge => out.resize(out.len() + (1 << 20) + 1, b'7'),
            fault => {
                fields(COLUMNS - 1, random, out);
                out.extend_from_slice(match fault {
                    Fault::Utf8 => b",\xff",
                    Fault::Quote => b",\"1",
                    _ => b",none",
                });
            }
        }
        out.push(b'\n');
    }

    fn faults(&self) -> &'static [Fault] {
        &[Fault::FieldCount, Fault::Value, Fault::Utf8, Fault::Quote]
    }
}

fn fields(columns: usize, random: &mut Random, out: &mut Vec<u8>) {
    for (index, &bound) in BOUNDS.iter().take(columns).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if random.below(8) == 0 {
            out.push(b'-');
        }
        let number = 1 + random.below(bound);
        if index < COLUMNS / 2 {
            push_number(out, number)
        } else {
            push_cents(out, number)
        }
    }
}
