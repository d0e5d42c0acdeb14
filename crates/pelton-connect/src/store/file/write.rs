//! Which bytes go to which file, and how they get there.

use std::borrow::Cow;
use std::io::IoSlice;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::FileStore;
use super::codec::Codec;
use super::partition::{self, Encoded};
use super::tail::Tail;
use crate::store::{fatal, io_error};
use crate::stream::{Delivery, StoreError, StoreErrorKind};

/// What goes to one file.
pub(super) struct Piece<'a> {
    name: String,
    parts: Vec<Cow<'a, [u8]>>,
}

impl Piece<'_> {
    fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }
}

impl FileStore {
    /// Sorts `deliveries` by the file they go to.
    pub(super) fn pieces<'a>(
        &mut self,
        deliveries: &'a [Delivery],
    ) -> Result<Vec<Piece<'a>>, StoreError> {
        let path = self.target.given();
        let mut encoded = Encoded::new();
        let mut parts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            match (delivery, &mut self.encoder) {
                (Delivery::Bytes { bytes, .. }, None) => parts.push(Cow::Borrowed(&bytes[..])),
                (Delivery::Rows(batch), Some(encoder)) => {
                    let done = partition::encode(batch, &self.target, &mut **encoder, &mut encoded);
                    done.map_err(|message| {
                        StoreError::new(StoreErrorKind::Refused, format!("{path}: {message}"))
                    })?;
                }
                (Delivery::Bytes { .. }, Some(_)) => {
                    return Err(fatal(path, "takes columns, was given encoded records"));
                }
                (Delivery::Rows(_), None) => {
                    return Err(fatal(path, "takes encoded records, was given columns"));
                }
            }
        }
        parts.retain(|part| !part.is_empty());
        let mut pieces = Vec::with_capacity(1);
        if !parts.is_empty() {
            let name = self.target.only_name();
            pieces.push(Piece { name, parts });
        }
        pieces.extend(encoded.into_iter().map(|(name, bytes)| Piece {
            name,
            parts: vec![Cow::Owned(bytes)],
        }));
        Ok(pieces)
    }

    /// Sees to it that there is a file for `piece`, the next one if the present one is full.
    pub(super) fn place(&mut self, piece: &Piece<'_>) -> Result<(), StoreError> {
        let number = match self.tails.get(&piece.name) {
            Some(tail) if !self.is_due(tail, piece.bytes()) => None,
            Some(tail) => Some(tail.number + 1),
            None => Some(0),
        };
        if let Some(number) = number {
            let tail = match number {
                0 => self.open_newest(&piece.name)?,
                number => self.open_tail(&piece.name, number)?,
            };
            let before = self.tails.insert(piece.name.clone(), tail);
            if let (Some(mut before), Some(tail)) = (before, self.tails.get_mut(&piece.name)) {
                tail.inherit(&mut before);
                self.sync_tail(&mut before)?;
            }
        }
        let crowded = self.tails.len() > self.options.open_files_max;
        if let Some(tail) = self.tails.get_mut(&piece.name) {
            tail.used = self.puts;
            if crowded {
                tail.close();
            }
        }
        Ok(())
    }

    /// True when `tail` takes no `bytes` more.
    fn is_due(&self, tail: &Tail, bytes: u64) -> bool {
        // How small it becomes shows when it is compressed.
        let bytes = if self.codec.is_some() { 0 } else { bytes };
        let full = |max| !tail.is_new() && tail.good + bytes > max;
        let over = |every| period(SystemTime::now(), every) != tail.begun_s;
        self.options.rotate_bytes.is_some_and(full) || self.options.rotate_every.is_some_and(over)
    }

    pub(super) fn write(&mut self, pieces: &[Piece<'_>]) -> Result<(), StoreError> {
        let crowded = self.tails.len() > self.options.open_files_max;
        for piece in pieces {
            let Some(tail) = self.tails.get_mut(&piece.name) else {
                continue;
            };
            let header = (tail.is_new() && !self.options.header.is_empty())
                .then(|| IoSlice::new(&self.options.header));
            let parts = piece.parts.iter().map(|part| IoSlice::new(part));
            let mut parts: Vec<IoSlice<'_>> = header.into_iter().chain(parts).collect();
            let appended = tail.append(&mut parts);
            appended.map_err(|error| io_error(&tail.path.display().to_string(), &error))?;
            if crowded {
                tail.close();
            }
        }
        Ok(())
    }

    /// Keeps `pieces` in memory; true when it is time to compress what is held.
    pub(super) fn hold(&mut self, pieces: &[Piece<'_>]) -> bool {
        for piece in pieces {
            if let Some(tail) = self.tails.get_mut(&piece.name) {
                piece
                    .parts
                    .iter()
                    .for_each(|part| tail.held.extend_from_slice(part));
            }
        }
        let most = self.options.frame_bytes;
        let full = self.tails.values().any(|tail| tail.held.len() >= most);
        full || self.tails.len() > self.options.open_files_max
    }

    /// Writes what is held as a frame for each file.
    pub(super) fn pack(&mut self, codec: Codec) -> Result<(), StoreError> {
        let crowded = self.tails.len() > self.options.open_files_max;
        for tail in self.tails.values_mut().filter(|tail| !tail.held.is_empty()) {
            let header = match tail.is_new() {
                true => &self.options.header[..],
                false => &[],
            };
            let frame = codec.frame([header, &tail.held]);
            let packed = frame.and_then(|frame| tail.append(&mut [IoSlice::new(&frame)]));
            packed.map_err(|error| io_error(&tail.path.display().to_string(), &error))?;
            tail.packed = true;
            if crowded {
                tail.close();
            }
        }
        Ok(())
    }
}

/// The beginning of the period that `time` lies in, in seconds since 1970.
pub(super) fn period(time: SystemTime, every: Duration) -> u64 {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    seconds - seconds % every.as_secs().max(1)
}
