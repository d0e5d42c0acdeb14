//! One frame of Zstandard after the other.

use pelton_pool::{Budget, Reservation};
use zstd::stream::raw::{DParameter, Decoder, Operation};

use super::unpack::{Member, Step};

/// What the decoder holds beside the window: its tables, and a block on either side.
const STATE_BYTES: u64 = 512 << 10;
/// The largest window that is ever taken, two to the power of this, as with the command line tool.
const WINDOW_LOG_MAX: u32 = 27;
/// The part of the memory limit that a window may take.
const WINDOW_SHARE: u64 = 4;

pub(super) struct ZstdFrame {
    /// None until the first frame.
    decoder: Option<Decoder<'static>>,
    budget: Budget,
    /// Pays for the decoder and the largest window so far.
    memory: Option<Reservation>,
}

impl ZstdFrame {
    pub(super) fn new(budget: &Budget) -> Self {
        Self {
            decoder: None,
            budget: budget.clone(),
            memory: None,
        }
    }

    /// Takes the memory that a frame with this window needs.
    fn pay(&mut self, window: u64) -> Result<(), String> {
        let largest = (1 << WINDOW_LOG_MAX).min(self.budget.limit() / WINDOW_SHARE);
        if window > largest {
            return Err(format!(
                "needs {window} bytes to be unpacked, more than the {largest} that a window may \
                 take (a quarter of engine.memory_limit, at most 128 MiB); raise the limit, or \
                 compress with a smaller window (`zstd --long=N`)"
            ));
        }
        let wanted = window + STATE_BYTES;
        let held = self.memory.as_ref().map_or(0, Reservation::bytes);
        if held < wanted {
            let more = self.budget.reserve(wanted);
            let more = more.map_err(|error| {
                format!("needs {wanted} bytes to be unpacked: {error}; raise engine.memory_limit")
            })?;
            self.memory = Some(more);
        }
        Ok(())
    }
}

impl Member for ZstdFrame {
    fn begin(&mut self, head: &[u8]) -> Result<(), String> {
        self.pay(window(head))?;
        if self.decoder.is_none() {
            let mut decoder = Decoder::new().map_err(|error| error.to_string())?;
            let cap = DParameter::WindowLogMax(WINDOW_LOG_MAX);
            decoder
                .set_parameter(cap)
                .map_err(|error| error.to_string())?;
            self.decoder = Some(decoder);
        }
        Ok(())
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, String> {
        let Some(decoder) = &mut self.decoder else {
            return Err("no frame has begun".to_owned());
        };
        let status = decoder.run_on_buffers(input, output);
        let status = status.map_err(|error| error.to_string().to_lowercase())?;
        Ok(Step {
            read: status.bytes_read,
            written: status.bytes_written,
            ended: status.remaining == 0,
        })
    }

    fn name(&self) -> &'static str {
        "zstd frame"
    }
}

/// The bytes that must be kept to unpack the frame that begins with `head` (RFC 8878, 3.1.1.1); 0
/// for one that is to be skipped, and for one that is too short to tell.
fn window(head: &[u8]) -> u64 {
    const SINGLE_SEGMENT: u8 = 1 << 5;
    let Some((&descriptor, rest)) = head
        .strip_prefix(&[0x28, 0xb5, 0x2f, 0xfd])
        .and_then(<[u8]>::split_first)
    else {
        return 0;
    };
    if descriptor & SINGLE_SEGMENT == 0 {
        let byte = rest.first().copied().unwrap_or(0);
        let base = 1_u64 << (10 + (byte >> 3));
        return base + base / 8 * u64::from(byte & 7);
    }
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let width = 1 << (descriptor >> 6);
    let mut size = [0; 8];
    if let Some(bytes) = rest.get(dictionary..dictionary + width) {
        size[..width].copy_from_slice(bytes);
    }
    u64::from_le_bytes(size) + if width == 2 { 256 } else { 0 }
}
