//! About how many different values.

use pelton_record::{Column, Values};

use super::accumulator::{Rows, Scratch, Summary, collect};
use super::{Function, take};
use crate::Error;
use crate::fold::keys::Seed;

/// Bits of the hash that choose a register.
const PRECISION: u32 = 12;
const REGISTERS: usize = 1 << PRECISION;
/// The largest rank: all other bits of the hash are zero.
const RANK_MAX: usize = 64 - PRECISION as usize + 1;
/// With more registers in use than this, all of them take less memory.
const SPARSE_MAX: usize = 512;

/// HyperLogLog (Flajolet et al., 2007) with 4096 registers and the estimator of Ertl ("New
/// cardinality estimation algorithms for HyperLogLog sketches", 2017), which needs no tables and
/// no other formula for few values. Few registers in use are kept as a sorted list.
pub(crate) enum Cardinality {
    Sparse(Vec<(u16, u8)>),
    Dense(Box<[u8; REGISTERS]>),
}

impl Default for Cardinality {
    fn default() -> Self {
        Self::Sparse(Vec::new())
    }
}

impl Cardinality {
    fn extra(&self) -> usize {
        match self {
            Self::Sparse(used) => used.capacity() * size_of::<(u16, u8)>(),
            Self::Dense(_) => REGISTERS,
        }
    }

    fn add(&mut self, hash: u64) -> usize {
        let register = (hash >> (64 - PRECISION)) as u16;
        let rank = (hash << PRECISION).leading_zeros().min(RANK_MAX as u32 - 1) as u8 + 1;
        self.raise(register, rank)
    }

    /// Raises a register to `rank`; gives the bytes by which the heap has grown.
    fn raise(&mut self, register: u16, rank: u8) -> usize {
        let used = match self {
            Self::Dense(registers) => {
                let known = &mut registers[usize::from(register)];
                *known = rank.max(*known);
                return 0;
            }
            Self::Sparse(used) => used,
        };
        match used.binary_search_by_key(&register, |&(register, _)| register) {
            Ok(index) => {
                used[index].1 = rank.max(used[index].1);
                0
            }
            Err(index) => self.insert(index, register, rank),
        }
    }

    fn insert(&mut self, index: usize, register: u16, rank: u8) -> usize {
        let before = self.extra();
        if let Self::Sparse(used) = self {
            used.insert(index, (register, rank));
            if used.len() > SPARSE_MAX {
                let mut registers = Box::new([0; REGISTERS]);
                for &(register, rank) in used.iter() {
                    registers[usize::from(register)] = rank;
                }
                *self = Self::Dense(registers);
            }
        }
        self.extra().saturating_sub(before)
    }

    /// How many registers there are of each rank.
    fn ranks(&self) -> [u32; RANK_MAX + 1] {
        let mut ranks = [0; RANK_MAX + 1];
        match self {
            Self::Dense(registers) => registers.iter().for_each(|&r| ranks[usize::from(r)] += 1),
            Self::Sparse(used) => {
                used.iter()
                    .for_each(|&(_, rank)| ranks[usize::from(rank)] += 1);
                ranks[0] = (REGISTERS - used.len()) as u32;
            }
        }
        ranks
    }

    fn estimate(&self) -> i64 {
        let (ranks, registers) = (self.ranks(), REGISTERS as f64);
        let mut z = registers * tau(1.0 - f64::from(ranks[RANK_MAX]) / registers);
        for &count in ranks[1..RANK_MAX].iter().rev() {
            z = 0.5 * (z + f64::from(count));
        }
        z += registers * sigma(f64::from(ranks[0]) / registers);
        (registers * registers / (2.0 * std::f64::consts::LN_2 * z)).round() as i64
    }
}

/// What registers that are empty add.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        let before = z;
        x *= x;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

/// What registers that are full add.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        let before = z;
        x = x.sqrt();
        y *= 0.5;
        z -= (1.0 - x).powi(2) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

impl Summary for Cardinality {
    fn update(states: &mut [Self], rows: &Rows<'_>, scratch: &mut Scratch) -> usize {
        let (keys, len) = (&mut scratch.keys, rows.groups.len());
        keys.encode(
            std::iter::once(rows.argument()),
            rows.start,
            len,
            Seed::fixed(),
        );
        let mut grown = 0;
        rows.each_valid(states, |state, index| {
            grown += state.add(keys.hashes[index])
        });
        grown
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut one = |register: u16, rank: u8| {
            out.extend_from_slice(&register.to_le_bytes());
            out.push(rank);
        };
        match self {
            Self::Sparse(used) => used
                .iter()
                .for_each(|&(register, rank)| one(register, rank)),
            Self::Dense(registers) => {
                let used = registers.iter().enumerate().filter(|(_, rank)| **rank > 0);
                used.for_each(|(register, &rank)| one(register as u16, rank));
            }
        }
        one(END, 0);
    }

    fn read(&mut self, input: &mut &[u8]) -> usize {
        let mut grown = 0;
        loop {
            let register = u16::from_le_bytes(take(input));
            let [rank] = take(input);
            if register == END {
                return grown;
            }
            grown += self.raise(register, rank);
        }
    }

    fn finish(
        states: &mut [Self],
        groups: &[u32],
        _: Function,
        _: &Values,
    ) -> Result<Column, Error> {
        Ok(collect(
            states,
            groups,
            |state| Some(state.estimate()),
            Values::Int64,
        ))
    }
}

/// Stands behind the last register that is written.
const END: u16 = u16::MAX;
