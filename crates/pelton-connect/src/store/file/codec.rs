//! Compressed frames: each is whole in itself, and one may follow the other.

use std::io;

use super::FileStoreOptions;
use crate::Compression;

/// How frames are compressed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Codec {
    #[cfg_attr(
        not(feature = "compression"),
        expect(dead_code, reason = "nothing is compressed")
    )]
    gzip: bool,
    #[cfg_attr(
        not(feature = "compression"),
        expect(dead_code, reason = "nothing is compressed")
    )]
    level: u32,
}

impl Codec {
    /// What `options` ask for; the error says why that cannot be.
    pub(super) fn of(options: &FileStoreOptions) -> Result<Option<Self>, String> {
        let compression = match options.compression {
            Compression::Auto => Compression::of_path(&options.path),
            given => given,
        };
        let (usual, levels) = match compression {
            Compression::Gzip => (6, 0..=9),
            Compression::Zstd => (3, 1..=19),
            _ => return Ok(None),
        };
        if cfg!(not(feature = "compression")) {
            let message = "needs pelton built with its feature `compression`";
            return Err(format!("{compression} {message}"));
        }
        let level = options.level.unwrap_or(usual);
        if !levels.contains(&level) {
            let (low, high) = (levels.start(), levels.end());
            return Err(format!(
                "there is no {compression} level {level}, expected {low} to {high}"
            ));
        }
        let gzip = compression == Compression::Gzip;
        Ok(Some(Self { gzip, level }))
    }

    /// `parts`, one after the other, as one frame.
    #[cfg(feature = "compression")]
    pub(super) fn frame(self, parts: [&[u8]; 2]) -> io::Result<Vec<u8>> {
        use std::io::Write;
        if self.gzip {
            let level = flate2::Compression::new(self.level);
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            parts.iter().try_for_each(|part| encoder.write_all(part))?;
            return encoder.finish();
        }
        let mut encoder = zstd::Encoder::new(Vec::new(), self.level.cast_signed())?;
        encoder.include_checksum(true)?;
        parts.iter().try_for_each(|part| encoder.write_all(part))?;
        encoder.finish()
    }

    /// Never called: [`of`](Self::of) makes none.
    #[cfg(not(feature = "compression"))]
    pub(super) fn frame(self, _: [&[u8]; 2]) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
