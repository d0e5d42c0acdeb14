//! What is written down with an entry of the spool: everything about an arrival but its bytes.
//!
//! Numbers are little-endian: a version (1), the kind of content (0: records, 1: the beginning of a
//! record that is too large), its bytes, the byte at which it begins, the source, the peer's name.

use std::sync::Arc;

use pelton_connect::Content;
use pelton_connect::stream::{Arrival, Peer};
use pelton_record::Block;

const VERSION: u8 = 1;

pub(super) fn encode(arrival: &Arrival) -> Vec<u8> {
    let (kind, bytes) = match arrival.content {
        Content::Records => (0, 0),
        Content::TooLarge { bytes } => (1, bytes),
    };
    let mut note = vec![VERSION, kind];
    note.extend_from_slice(&bytes.to_le_bytes());
    note.extend_from_slice(&arrival.byte.to_le_bytes());
    note.extend_from_slice(&arrival.peer.source.to_le_bytes());
    note.extend_from_slice(arrival.peer.name.as_bytes());
    note
}

/// The arrival without its bytes; `None` when this is nothing that [`encode`] wrote.
pub(super) fn decode(note: &[u8]) -> Option<Arrival> {
    let (&[VERSION, kind], rest) = note.split_first_chunk()? else {
        return None;
    };
    let (bytes, rest) = rest.split_first_chunk()?;
    let (byte, rest) = rest.split_first_chunk()?;
    let (source, name) = rest.split_first_chunk()?;
    Some(Arrival {
        block: Block::default(),
        content: match kind {
            0 => Content::Records,
            _ => Content::TooLarge {
                bytes: u64::from_le_bytes(*bytes),
            },
        },
        peer: Arc::new(Peer {
            source: u32::from_le_bytes(*source),
            name: String::from_utf8(name.to_vec()).ok()?,
        }),
        byte: u64::from_le_bytes(*byte),
        receipt: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_is_read_again() {
        for content in [Content::Records, Content::TooLarge { bytes: 1 << 40 }] {
            let arrival = Arrival {
                block: Block::default(),
                content,
                peer: Arc::new(Peer {
                    source: 7,
                    name: "unix:///run/ä.sock".to_owned(),
                }),
                byte: u64::MAX,
                receipt: None,
            };
            let note = encode(&arrival);
            let read = decode(&note).unwrap();
            assert_eq!(read.content, content);
            assert_eq!((&read.peer, read.byte), (&arrival.peer, u64::MAX));
            for cut in 0..22 {
                assert!(decode(&note[..cut]).is_none(), "cut at {cut}");
            }
        }
    }
}
