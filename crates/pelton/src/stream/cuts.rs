//! Where arrivals were cut before a restart.
//!
//! Lanes do not all come equally far, and a window's output goes further than its position. When a
//! stream is read again from where all of it is known, an arrival may reach beyond what a lane
//! has: it is cut there, so that each part is one that the lane has or has not.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::Excluded;

use pelton_connect::Content;
use pelton_connect::stream::{Arrival, Positions, Receipt};
use pelton_record::Block;

use super::tail::PUT;

/// The positions at which lanes stood when the service began, by stream.
#[derive(Debug, Default)]
pub(super) struct Cuts {
    streams: BTreeMap<String, BTreeSet<u64>>,
}

impl Cuts {
    /// Adds what the store of a lane had, marks of windows included.
    pub(super) fn add(&mut self, recovered: &Positions) {
        for (name, position) in recovered {
            let stream = name.strip_prefix(PUT).unwrap_or(name);
            let positions = self.streams.entry(stream.to_owned()).or_default();
            positions.insert(*position);
        }
    }

    /// The part of `arrival` before the first cut inside of it, and what is left behind it: all of
    /// it and nothing where there is none.
    pub(super) fn split(&self, arrival: Arrival) -> (Arrival, Option<Arrival>) {
        match self.first(&arrival) {
            Some((length, receipt)) => {
                let (before, behind) = arrival.block.split_at(length);
                let first = Arrival {
                    block: Block::new(before.to_vec()),
                    receipt: Some(receipt),
                    ..arrival.clone()
                };
                let rest = Arrival {
                    block: Block::new(behind.to_vec()),
                    byte: arrival.byte + length as u64,
                    ..arrival
                };
                (first, Some(rest))
            }
            None => (arrival, None),
        }
    }

    /// How many bytes of the arrival stand before the first cut, and what is reached with them.
    fn first(&self, arrival: &Arrival) -> Option<(usize, Receipt)> {
        let receipt = arrival.receipt.as_ref()?;
        let cuts = self.streams.get(receipt.stream.name())?;
        if arrival.content != Content::Records || !receipt.stream.counts_bytes() {
            return None;
        }
        let begin = receipt.position.checked_sub(arrival.block.len() as u64)?;
        let inside = (Excluded(begin), Excluded(receipt.position));
        let position = *cuts.range(inside).next()?;
        let stream = receipt.stream.clone();
        Some(((position - begin) as usize, Receipt { stream, position }))
    }
}
