//! Hashes. They are the same in every version and on every machine.

use pelton_record::{DataType, Values};

use super::{Arguments, Function, call, function};
use crate::Error;
use crate::expression::node::Node;
use crate::expression::operand::Outcome;

pub(super) const FUNCTIONS: [Function; 1] = [function("hash64", 1, 1, hash64)];

/// XXH64 with seed 0 of the bytes of a text, or of the text of another value.
fn hash64(args: &mut Arguments<'_, '_>) -> Result<Node, Error> {
    let bytes = args.args[0].0.as_ref().and_then(super::Loose::data_type) == Some(DataType::Bytes);
    let operand = if bytes {
        args.typed(0, DataType::Bytes)?
    } else {
        args.written(0)?
    };
    Ok(call(vec![operand], DataType::Int64, |args| {
        let texts = args.operands[0].texts();
        let rows = args.context.rows();
        let hashes = texts
            .views
            .map(rows, |view| xxh64(view.of(texts.base)).cast_signed());
        Outcome::of(Values::Int64(hashes), args.validity.clone(), Vec::new())
    }))
}

const PRIMES: [u64; 5] = [
    0x9e37_79b1_85eb_ca87,
    0xc2b2_ae3d_27d4_eb4f,
    0x1656_67b1_9e37_79f9,
    0x85eb_ca77_c2b2_ae63,
    0x27d4_eb2f_1656_67c5,
];

/// Yann Collet's XXH64, as its specification has it, with seed 0.
fn xxh64(bytes: &[u8]) -> u64 {
    let [p1, p2, p3, p4, p5] = PRIMES;
    let (stripes, rest) = bytes.as_chunks::<32>();
    let mut hash = if stripes.is_empty() {
        p5
    } else {
        merged(stripes)
    };
    hash = hash.wrapping_add(bytes.len() as u64);
    let (words, rest) = rest.as_chunks::<8>();
    for word in words {
        hash ^= round(0, u64::from_le_bytes(*word));
        hash = hash.rotate_left(27).wrapping_mul(p1).wrapping_add(p4);
    }
    let (halves, rest) = rest.as_chunks::<4>();
    for half in halves {
        hash ^= u64::from(u32::from_le_bytes(*half)).wrapping_mul(p1);
        hash = hash.rotate_left(23).wrapping_mul(p2).wrapping_add(p3);
    }
    for byte in rest {
        hash ^= u64::from(*byte).wrapping_mul(p5);
        hash = hash.rotate_left(11).wrapping_mul(p1);
    }
    hash = (hash ^ hash >> 33).wrapping_mul(p2);
    hash = (hash ^ hash >> 29).wrapping_mul(p3);
    hash ^ hash >> 32
}

/// Four lanes over all stripes, then one.
fn merged(stripes: &[[u8; 32]]) -> u64 {
    let [p1, p2, _, p4, _] = PRIMES;
    let mut lanes = [p1.wrapping_add(p2), p2, 0, 0u64.wrapping_sub(p1)];
    for stripe in stripes {
        let (words, _) = stripe.as_chunks::<8>();
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane = round(*lane, u64::from_le_bytes(*word));
        }
    }
    let turns = [1, 7, 12, 18];
    let sum = lanes.iter().zip(turns);
    let hash = sum.fold(0u64, |sum, (lane, turn)| {
        sum.wrapping_add(lane.rotate_left(turn))
    });
    lanes.iter().fold(hash, |hash, lane| {
        (hash ^ round(0, *lane)).wrapping_mul(p1).wrapping_add(p4)
    })
}

fn round(lane: u64, word: u64) -> u64 {
    let [p1, p2, ..] = PRIMES;
    lane.wrapping_add(word.wrapping_mul(p2))
        .rotate_left(31)
        .wrapping_mul(p1)
}
