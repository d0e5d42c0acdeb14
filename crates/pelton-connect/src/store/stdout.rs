//! Standard output as a store.

use std::io::{self, Write};

use super::{fatal, io_error};
use crate::stream::{Delivery, Positions, Shape, Store, StoreError};

/// Writes encoded records to standard output, and keeps no positions: at most once across
/// restarts, at least once within one.
#[derive(Debug, Default)]
pub struct StdoutStore {
    /// What stands before the first record, until it is written.
    header: Vec<u8>,
}

impl StdoutStore {
    /// A store that writes `header` before the first record: a CSV's names, or nothing.
    #[must_use]
    pub const fn new(header: Vec<u8>) -> Self {
        Self { header }
    }
}

impl Store for StdoutStore {
    fn shape(&self) -> Shape {
        Shape::Bytes
    }

    fn keeps_positions(&self) -> bool {
        false
    }

    fn positions(&mut self) -> Result<Positions, StoreError> {
        Ok(Positions::new())
    }

    fn put(&mut self, deliveries: &[Delivery], _: &Positions) -> Result<(), StoreError> {
        let mut out = io::stdout().lock();
        let mut written = out.write_all(&self.header);
        for delivery in deliveries {
            let Delivery::Bytes { bytes, .. } = delivery else {
                return Err(fatal("stdout", "takes encoded records, was given columns"));
            };
            written = written.and_then(|()| out.write_all(bytes));
        }
        let flushed = written.and_then(|()| out.flush());
        flushed.map_err(|error| io_error("stdout", &error))?;
        self.header.clear();
        Ok(())
    }
}
