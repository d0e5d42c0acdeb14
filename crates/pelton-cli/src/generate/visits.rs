//! Visits with an id each, some of which come again, as CSV.

use super::{Fault, Maker, Random, push_instant, push_number};

/// `id, visited_at, host, path, agent`: about 119 bytes a row, and a tenth of the rows with the id
/// of an earlier one.
pub(super) struct Visits;

const FIRST_VISIT: u64 = 1_704_067_200; // 2024-01-01
const FIRST_ID: u64 = 1_000_000_000_000;
const IDS: u64 = 1 << 40;

impl Maker for Visits {
    fn header(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"id,visited_at,host,path,agent\n");
    }

    fn row(&self, index: u64, random: &mut Random, out: &mut Vec<u8>) {
        push_number(out, id(index, random));
        rest(index, random, out);
        out.push(b'\n');
    }

    fn broken_row(&self, index: u64, fault: Fault, random: &mut Random, out: &mut Vec<u8>) {
        match fault {
            Fault::Value => out.extend_from_slice(b"none"),
            _ => push_number(out, id(index, random)),
        }
        match fault {
            Fault::FieldCount => {}
            Fault::TooLarge => out.resize(out.len() + (1 << 20) + 1, b','),
            _ => rest(index, random, out),
        }
        match fault {
            Fault::Utf8 => out.push(0xff),
            Fault::Quote => out.extend_from_slice(b",\"open"),
            _ => {}
        }
        out.push(b'\n');
    }

    fn faults(&self) -> &'static [Fault] {
        &[Fault::FieldCount, Fault::Value, Fault::Utf8, Fault::Quote]
    }
}

/// Ids of rows that end in nine are those of earlier rows that do not.
fn id(index: u64, random: &mut Random) -> u64 {
    let row = match index % 10 {
        9 => random.below(index / 10 + 1) * 10 + random.below(9),
        _ => index,
    };
    FIRST_ID + row.wrapping_mul(2_654_435_761) % IDS
}

fn rest(index: u64, random: &mut Random, out: &mut Vec<u8>) {
    out.push(b',');
    push_instant(out, FIRST_VISIT + index / 100);
    out.extend_from_slice(b",www");
    push_number(out, random.below(100));
    out.extend_from_slice(b".example.com,/articles/2024/the-quick-brown-fox?page=");
    push_number(out, 1_000 + random.below(9_000));
    out.extend_from_slice(b",curl/8.8.0");
}
