//! Compressed bytes on the way in and on the way out.
//!
//! Both ways are streams: what is held is the codec's own state, which is paid from the budget
//! before it is made, and never what the bytes unpack to. A file that unpacks to a thousand times
//! its size costs time and no memory.

#[cfg(feature = "compression")]
mod gzip;
#[cfg(feature = "compression")]
mod pack;
#[cfg(feature = "compression")]
mod unpack;
#[cfg(feature = "compression")]
mod zstd;

use std::fmt;
use std::io::{Cursor, Read};
use std::str::FromStr;

use pelton_pool::{Budget, BufferPool};

use crate::{Error, ErrorKind, Sink};

/// How the bytes of an input or an output are compressed.
///
/// ```
/// use pelton_connect::Compression;
///
/// assert_eq!(Compression::of_path("orders.csv.gz"), Compression::Gzip);
/// assert_eq!(Compression::base("orders.csv.gz"), "orders.csv");
/// assert_eq!("zstd".parse(), Ok(Compression::Zstd));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// An input as its first bytes say, an output as the extension of its path says.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// Members of gzip, one after the other (RFC 1952).
    Gzip,
    /// Frames of Zstandard, one after the other (RFC 8878).
    Zstd,
}

const EXTENSIONS: [(&str, Compression); 3] = [
    (".gz", Compression::Gzip),
    (".zst", Compression::Zstd),
    (".zstd", Compression::Zstd),
];

/// Bytes that tell a codec from others.
const MAGIC_BYTES: usize = 4;

impl Compression {
    /// What the extension of `path` says: `.gz`, `.zst` and `.zstd` in any case, or none.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        split(path).map_or(Self::None, |(_, codec)| codec)
    }

    /// `path` without the extension of a codec.
    #[must_use]
    pub fn base(path: &str) -> &str {
        split(path).map_or(path, |(base, _)| base)
    }

    /// What the first bytes of an input say.
    fn of_magic(bytes: &[u8]) -> Self {
        match *bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or one that is to be skipped.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

fn split(path: &str) -> Option<(&str, Compression)> {
    EXTENSIONS.iter().find_map(|&(extension, codec)| {
        let at = path.len().checked_sub(extension.len())?;
        let matches = at > 0 && path.as_bytes()[at..].eq_ignore_ascii_case(extension.as_bytes());
        matches.then(|| (&path[..at], codec))
    })
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Auto, Self::None, Self::Gzip, Self::Zstd];
        let found = all.into_iter().find(|codec| codec.name() == text);
        found.ok_or_else(|| format!("expected auto, none, gzip or zstd, found `{text}`"))
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `reader` with its bytes unpacked, as `how` says; `name` is that of the input.
pub(crate) fn unpacked(
    name: &str,
    mut reader: Box<dyn Read + Send>,
    how: Compression,
    pool: &BufferPool,
) -> Result<Box<dyn Read + Send>, Error> {
    if how == Compression::None {
        return Ok(reader);
    }
    let mut magic = [0; MAGIC_BYTES];
    let seen =
        crate::source::fill(&mut *reader, &mut magic).map_err(|error| Error::io(name, &error))?;
    let found = Compression::of_magic(&magic[..seen]);
    let expected = match how {
        Compression::Auto => Compression::of_path(name),
        given => given,
    };
    let codec = if how == Compression::Auto { found } else { how };
    if seen > 0 && expected != Compression::None && expected != found {
        let message = format!(
            "does not begin as {expected}; set source.compression = \"none\" if it is not \
             compressed"
        );
        return Err(Error::new(ErrorKind::Format, name, message));
    }
    let whole = Box::new(Cursor::new(magic).take(seen as u64).chain(reader));
    match codec {
        _ if seen == 0 => Ok(whole),
        Compression::Auto | Compression::None => Ok(whole),
        codec => unpacker(name, whole, codec, pool),
    }
}

#[cfg(feature = "compression")]
fn unpacker(
    name: &str,
    reader: Box<dyn Read + Send>,
    codec: Compression,
    pool: &BufferPool,
) -> Result<Box<dyn Read + Send>, Error> {
    let unpacker = unpack::Unpacker::new(reader, codec, pool);
    let unpacker = unpacker.map_err(|error| Error::memory(name, &error))?;
    Ok(Box::new(unpacker))
}

#[cfg(not(feature = "compression"))]
fn unpacker(
    name: &str,
    _: Box<dyn Read + Send>,
    codec: Compression,
    _: &BufferPool,
) -> Result<Box<dyn Read + Send>, Error> {
    Err(unsupported(name, codec))
}

#[cfg(not(feature = "compression"))]
fn unsupported(name: &str, codec: Compression) -> Error {
    let message = format!("{codec} needs pelton built with its feature `compression`");
    Error::new(ErrorKind::Format, name, message)
}

/// A sink that compresses what is written and hands it to `inner`.
///
/// `name` is the path of the output, by whose extension [`Compression::Auto`] goes. `level` is the
/// codec's: 0 to 9 for gzip, of which 6 is usual, and 1 to 19 for Zstandard, of which 3 is usual.
/// One stream is written, so that the bytes do not depend on how they were cut.
///
/// # Errors
///
/// When there is no such level, `budget` has no room for the codec's state, or the codec is not
/// built in.
pub fn compressed(
    name: &str,
    inner: Box<dyn Sink>,
    how: Compression,
    level: Option<u32>,
    budget: &Budget,
) -> Result<Box<dyn Sink>, Error> {
    let codec = match how {
        Compression::Auto => Compression::of_path(name),
        given => given,
    };
    if codec != Compression::None {
        return packer(name, inner, codec, level, budget);
    }
    match level {
        Some(_) => {
            let message = "a compression level is given, but nothing is compressed: set \
                           sink.compression to gzip or zstd";
            Err(Error::new(ErrorKind::Format, name, message))
        }
        None => Ok(inner),
    }
}

#[cfg(feature = "compression")]
fn packer(
    name: &str,
    inner: Box<dyn Sink>,
    codec: Compression,
    level: Option<u32>,
    budget: &Budget,
) -> Result<Box<dyn Sink>, Error> {
    Ok(Box::new(pack::PackedSink::new(
        name, inner, codec, level, budget,
    )?))
}

#[cfg(not(feature = "compression"))]
fn packer(
    name: &str,
    _: Box<dyn Sink>,
    codec: Compression,
    _: Option<u32>,
    _: &Budget,
) -> Result<Box<dyn Sink>, Error> {
    Err(unsupported(name, codec))
}
