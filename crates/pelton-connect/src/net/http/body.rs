//! A request's body, to its end and unpacked, within a limit.

use std::io::{self, Read};

use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::{Body, Incoming};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::{PATIENCE, Problem};
use crate::net::unfinished::Unfinished;

/// Reads all of `body`.
pub(super) async fn read(
    mut body: Incoming,
    most: usize,
    unfinished: &mut Unfinished,
) -> Result<Vec<u8>, Problem> {
    if body.size_hint().lower() > most as u64 {
        return Err(too_large(most));
    }
    let mut bytes = Vec::new();
    loop {
        let frame = timeout(PATIENCE, body.frame()).await;
        let Ok(frame) = frame else {
            let message = "the body stopped coming";
            return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, message));
        };
        let Some(frame) = frame else {
            return Ok(bytes);
        };
        let frame = frame.map_err(|_| Problem::bad("the body broke off"))?;
        let piece = frame.into_data().unwrap_or_default();
        if bytes.len() + piece.len() > most {
            return Err(too_large(most));
        }
        bytes.extend_from_slice(&piece);
        unfinished.set(bytes.capacity())?;
    }
}

fn too_large(most: usize) -> Problem {
    let message = format!("a body has at most {most} bytes, unpacked; send several");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, message)
}

/// How a body is packed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Zstd,
}

impl Coding {
    /// The one that a header names.
    pub(super) fn of(header: &str) -> Result<Self, Problem> {
        match header.trim() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            _ => {
                let message = "expected Content-Encoding gzip, zstd or none";
                Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
            }
        }
    }

    /// What `bytes` unpack to.
    pub(super) async fn decode(self, bytes: Vec<u8>, most: usize) -> Result<Vec<u8>, Problem> {
        if matches!(self, Self::Identity) {
            return Ok(bytes);
        }
        let decoded = spawn_blocking(move || self.decode_up_to(&bytes, most)).await;
        let decoded = decoded.ok().and_then(Result::ok);
        match decoded {
            Some(bytes) if bytes.len() > most => Err(too_large(most)),
            Some(bytes) => Ok(bytes),
            None => Err(Problem::bad("the body is damaged: it cannot be unpacked")),
        }
    }

    /// One byte more than `most` says that there are too many.
    fn decode_up_to(self, bytes: &[u8], most: usize) -> io::Result<Vec<u8>> {
        let mut decoder: Box<dyn Read + '_> = match self {
            Self::Identity => Box::new(bytes),
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
            Self::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(bytes)?),
        };
        let mut decoded = Vec::new();
        decoder
            .by_ref()
            .take(most as u64 + 1)
            .read_to_end(&mut decoded)?;
        Ok(decoded)
    }
}
