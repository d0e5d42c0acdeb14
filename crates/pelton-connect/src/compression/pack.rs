//! Writing what is to be compressed.

use std::io::Write;

use flate2::write::GzEncoder;
use pelton_pool::{Budget, Reservation};
use zstd::stream::write::Encoder as ZstdEncoder;

use super::Compression;
use crate::{Error, ErrorKind, Sink};

/// Bytes that are compressed, and then handed on, at once.
const STEP_BYTES: usize = 64 << 10;
/// What gzip's encoder holds at any level.
const GZIP_BYTES: u64 = 512 << 10;
/// What Zstandard's encoder holds at levels 1 to 19, in KiB, by its own `ZSTD_estimateCStreamSize`.
#[rustfmt::skip]
const ZSTD_KIB: [u64; 19] = [
    1_400, 2_100, 3_700, 4_900, 5_900, 5_900, 9_000, 9_000, 17_200, 29_500,
    29_500, 54_000, 54_000, 54_000, 70_500, 70_500, 70_500, 70_500, 91_800,
];

enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(ZstdEncoder<'static, Vec<u8>>),
}

impl Encoder {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.write_all(bytes),
            Self::Zstd(encoder) => encoder.write_all(bytes),
        }
    }

    fn packed(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Gzip(encoder) => encoder.get_mut(),
            Self::Zstd(encoder) => encoder.get_mut(),
        }
    }

    fn finish(self) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

/// Compresses what is written, and hands it on.
pub(super) struct PackedSink {
    name: String,
    inner: Box<dyn Sink>,
    /// What the encoder has not seen yet, up to [`STEP_BYTES`]. An encoder may match other bytes
    /// when it is given the same ones in other pieces, so it is given pieces of one size.
    step: Vec<u8>,
    /// None after the commit.
    encoder: Option<Encoder>,
    /// Pays for the encoder.
    _memory: Reservation,
}

impl PackedSink {
    pub(super) fn new(
        name: &str,
        inner: Box<dyn Sink>,
        codec: Compression,
        level: Option<u32>,
        budget: &Budget,
    ) -> Result<Self, Error> {
        let (usual, levels) = match codec {
            Compression::Zstd => (3, 1..=19),
            _ => (6, 0..=9),
        };
        let level = level.unwrap_or(usual);
        if !levels.contains(&level) {
            let (low, high) = (levels.start(), levels.end());
            let message = format!("there is no {codec} level {level}, expected {low} to {high}");
            return Err(Error::new(ErrorKind::Format, name, message));
        }
        let encoder_bytes = match codec {
            Compression::Zstd => ZSTD_KIB[level as usize - 1] << 10,
            _ => GZIP_BYTES,
        };
        let memory = budget.reserve(encoder_bytes + STEP_BYTES as u64).map_err(|error| {
            let message = format!(
                "no memory to compress at {codec} level {level}: {error}; lower the level or raise \
                 engine.memory_limit"
            );
            Error::new(ErrorKind::Memory, name, message)
        })?;
        let room = Vec::with_capacity(STEP_BYTES);
        let encoder = match codec {
            Compression::Zstd => {
                let encoder = ZstdEncoder::new(room, level.cast_signed());
                let mut encoder = encoder.map_err(|error| Error::io(name, &error))?;
                let checked = encoder.include_checksum(true);
                checked.map_err(|error| Error::io(name, &error))?;
                Encoder::Zstd(encoder)
            }
            _ => Encoder::Gzip(GzEncoder::new(room, flate2::Compression::new(level))),
        };
        Ok(Self {
            name: name.to_owned(),
            inner,
            step: Vec::with_capacity(STEP_BYTES),
            encoder: Some(encoder),
            _memory: memory,
        })
    }
}

impl PackedSink {
    /// Compresses the step that has been gathered.
    fn encode_step(&mut self) -> Result<(), Error> {
        let Some(encoder) = &mut self.encoder else {
            return Ok(());
        };
        let written = encoder.write(&self.step);
        written.map_err(|error| Error::io(&self.name, &error))?;
        self.step.clear();
        let packed = encoder.packed();
        if packed.len() >= STEP_BYTES / 2 {
            self.inner.write(packed)?;
            packed.clear();
        }
        Ok(())
    }
}

impl Sink for PackedSink {
    fn write(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let room = STEP_BYTES - self.step.len();
            let (piece, rest) = bytes.split_at(room.min(bytes.len()));
            self.step.extend_from_slice(piece);
            bytes = rest;
            if self.step.len() == STEP_BYTES {
                self.encode_step()?;
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Error> {
        self.encode_step()?;
        if let Some(encoder) = self.encoder.take() {
            let rest = encoder.finish();
            let rest = rest.map_err(|error| Error::io(&self.name, &error))?;
            self.inner.write(&rest)?;
        }
        self.inner.commit()
    }
}
