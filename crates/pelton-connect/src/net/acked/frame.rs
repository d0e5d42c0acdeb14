//! The frames of the protocol, to bytes and back.

use std::fmt;

use super::{BATCH_BYTES_MAX, CLIENT_BYTES_MAX, VERSION};

const MAGIC: [u8; 4] = *b"PLTN";
/// Bytes of a hello before the client's name.
pub(crate) const HELLO_BYTES: usize = 8;
/// Bytes of a batch before its payload.
pub(crate) const HEADER_BYTES: usize = 24;
/// Bytes of a reply before its text.
pub(crate) const REPLY_BYTES: usize = 24;
/// The longest text of a fault that is believed, in bytes.
const TEXT_BYTES_MAX: usize = 1024;

const WELCOME: u8 = 1;
const ACK: u8 = 2;
const FAULT: u8 = 3;

/// Why a server hangs up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// What came is not this protocol.
    Protocol,
    /// The server speaks another version.
    Version,
    /// The client's name is empty, too long, or has characters that cannot be shown.
    Client,
    /// A batch does not begin where the one before it ended.
    Gap,
    /// A batch is damaged.
    Checksum,
    /// A batch is empty or too long.
    Length,
    /// The server is stopping, or has no room: later it may go well.
    Busy,
    /// Another connection goes on in this client's name.
    Replaced,
    /// A code that this version does not know.
    Unknown,
}

/// Every fault with its code.
const FAULTS: [(Fault, u16); 8] = [
    (Fault::Protocol, 1),
    (Fault::Version, 2),
    (Fault::Client, 3),
    (Fault::Gap, 4),
    (Fault::Checksum, 5),
    (Fault::Length, 6),
    (Fault::Busy, 7),
    (Fault::Replaced, 8),
];

impl Fault {
    fn code(self) -> u16 {
        let found = FAULTS.iter().find(|(fault, _)| *fault == self);
        found.map_or(0, |(_, code)| *code)
    }

    fn of(code: u16) -> Self {
        let found = FAULTS.iter().find(|(_, other)| *other == code);
        found.map_or(Self::Unknown, |(fault, _)| *fault)
    }

    /// True when the same may go well later.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Busy | Self::Checksum)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Protocol => "not the acknowledged protocol",
            Self::Version => "another version of the protocol",
            Self::Client => "not a name for a client",
            Self::Gap => "a batch is missing",
            Self::Checksum => "a batch is damaged",
            Self::Length => "a batch is empty or too long",
            Self::Busy => "no room now",
            Self::Replaced => "another connection has this client's name",
            Self::Unknown => "a fault of a later version",
        })
    }
}

/// What a client begins with.
pub(crate) struct Hello {
    /// Length of the client's name, which follows.
    pub(crate) client_bytes: usize,
}

/// The hello of `client`.
pub(crate) fn hello(client: &str) -> Vec<u8> {
    let length = client.len() as u16;
    let parts = [&MAGIC[..], &VERSION.to_le_bytes(), &length.to_le_bytes()];
    [&parts.concat(), client.as_bytes()].concat()
}

impl Hello {
    pub(crate) fn read(bytes: &[u8; HELLO_BYTES]) -> Result<Self, Fault> {
        if bytes[..4] != MAGIC {
            return Err(Fault::Protocol);
        }
        if u16::from_le_bytes([bytes[4], bytes[5]]) != VERSION {
            return Err(Fault::Version);
        }
        let client_bytes = usize::from(u16::from_le_bytes([bytes[6], bytes[7]]));
        match (1..=CLIENT_BYTES_MAX).contains(&client_bytes) {
            true => Ok(Self { client_bytes }),
            false => Err(Fault::Client),
        }
    }
}

/// A client's name, if it is one.
pub(crate) fn client_name(bytes: Vec<u8>) -> Result<String, Fault> {
    let name = String::from_utf8(bytes).map_err(|_| Fault::Client)?;
    match name.is_empty() || name.len() > CLIENT_BYTES_MAX || name.contains(char::is_control) {
        true => Err(Fault::Client),
        false => Ok(name),
    }
}

/// What stands before a batch's payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    pub(crate) payload_bytes: usize,
    pub(crate) begin: u64,
    pub(crate) end: u64,
    seal: u32,
    sealed: [u8; 16],
}

/// The header of a batch with `payload`.
pub(crate) fn batch_header(payload: &[u8], begin: u64, end: u64) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..4].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    header[8..16].copy_from_slice(&begin.to_le_bytes());
    header[16..].copy_from_slice(&end.to_le_bytes());
    let seal = seal(&header[8..], payload);
    header[4..8].copy_from_slice(&seal.to_le_bytes());
    header
}

fn seal(positions: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(positions);
    hasher.update(payload);
    hasher.finalize()
}

impl Batch {
    pub(crate) fn read(bytes: &[u8; HEADER_BYTES]) -> Result<Self, Fault> {
        let mut sealed = [0; 16];
        sealed.copy_from_slice(&bytes[8..]);
        let batch = Self {
            payload_bytes: number(&bytes[..4]) as usize,
            seal: number(&bytes[4..8]) as u32,
            begin: number(&bytes[8..16]),
            end: number(&bytes[16..]),
            sealed,
        };
        let possible = (1..=BATCH_BYTES_MAX).contains(&batch.payload_bytes);
        match possible && batch.begin < batch.end {
            true => Ok(batch),
            false => Err(Fault::Length),
        }
    }

    /// True when `payload` is what was sent.
    pub(crate) fn seals(&self, payload: &[u8]) -> bool {
        seal(&self.sealed, payload) == self.seal
    }
}

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Everything before `committed` has its effect, everything before `received` need not be sent.
    /// With `anywhere` the server's sink keeps no positions and nothing is known of the client, who
    /// goes on where it knows that everything is committed.
    Welcome {
        committed: u64,
        received: u64,
        anywhere: bool,
    },
    /// Everything before the position has its effect.
    Ack(u64),
    /// The connection ends.
    Fault(Fault, String),
}

impl Reply {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let (kind, code, numbers, text) = match self {
            Self::Welcome {
                committed,
                received,
                ..
            } => (WELCOME, VERSION, [*committed, *received], ""),
            Self::Ack(position) => (ACK, 0, [*position; 2], ""),
            Self::Fault(fault, text) => (FAULT, fault.code(), [0; 2], text.as_str()),
        };
        let anywhere = matches!(self, Self::Welcome { anywhere: true, .. });
        let mut bytes = vec![kind, u8::from(anywhere)];
        bytes.extend_from_slice(&code.to_le_bytes());
        bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }

    /// The length of the text behind this header.
    pub(crate) fn text_bytes(header: &[u8; REPLY_BYTES]) -> Result<usize, Fault> {
        let bytes = number(&header[4..8]) as usize;
        match bytes <= TEXT_BYTES_MAX {
            true => Ok(bytes),
            false => Err(Fault::Protocol),
        }
    }

    pub(crate) fn read(header: &[u8; REPLY_BYTES], text: &[u8]) -> Result<Self, Fault> {
        let code = number(&header[2..4]) as u16;
        let (first, second) = (number(&header[8..16]), number(&header[16..]));
        match header[0] {
            WELCOME => Ok(Self::Welcome {
                committed: first,
                received: second,
                anywhere: header[1] & 1 != 0,
            }),
            ACK => Ok(Self::Ack(first)),
            FAULT => {
                let text = String::from_utf8_lossy(text).into_owned();
                Ok(Self::Fault(Fault::of(code), text))
            }
            _ => Err(Fault::Protocol),
        }
    }
}

/// Little-endian bytes, eight at most, as a number.
fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}
