//! One member of gzip after the other, by zlib-rs.

use flate2::{Decompress, FlushDecompress, Status};
use pelton_pool::{Budget, OverBudget, Reservation};

use super::unpack::{Member, Step};

/// What the decoder holds: the window of 32 KiB and its tables.
const STATE_BYTES: u64 = 64 << 10;
/// Two to the power of this is the largest window of the format.
const WINDOW_BITS: u8 = 15;

pub(super) struct GzipMember {
    decoder: Decompress,
    /// Pays for the decoder.
    _memory: Reservation,
}

impl GzipMember {
    pub(super) fn new(budget: &Budget) -> Result<Self, OverBudget> {
        let memory = budget.reserve(STATE_BYTES)?;
        Ok(Self {
            decoder: Decompress::new_gzip(WINDOW_BITS),
            _memory: memory,
        })
    }
}

impl Member for GzipMember {
    fn begin(&mut self, _head: &[u8]) -> Result<(), String> {
        if self.decoder.total_in() > 0 {
            self.decoder = Decompress::new_gzip(WINDOW_BITS);
        }
        Ok(())
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, String> {
        let (read, written) = (self.decoder.total_in(), self.decoder.total_out());
        let status = self
            .decoder
            .decompress(input, output, FlushDecompress::None);
        let status = status.map_err(|error| {
            let reason = error.message().unwrap_or("its checksum does not fit");
            reason.to_owned()
        })?;
        Ok(Step {
            read: (self.decoder.total_in() - read) as usize,
            written: (self.decoder.total_out() - written) as usize,
            ended: status == Status::StreamEnd,
        })
    }

    fn name(&self) -> &'static str {
        "gzip member"
    }
}
