//! Decompression: what the libraries' own readers make of any bytes, or an error; never more, and
//! never within more memory than allowed.
#![no_main]

use std::io::Read;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use pelton_connect::{Compression, Input, ReadOptions, ReadSource, Source};
use pelton_format::{Limits, Text};
use pelton_pool::{Budget, BufferPool};

const LIMIT: u64 = 32 << 20;
/// What is compared: a bomb need not be blown up in full.
const COMPARED: usize = 1 << 20;

fn ours(bytes: Vec<u8>, budget: &Budget) -> Result<Vec<u8>, String> {
    let pool = BufferPool::new(budget.clone());
    let options = ReadOptions {
        block_bytes: 1 << 14,
        ..ReadOptions::default()
    };
    let input = Input::memory("input", bytes);
    let limits = Limits {
        record_bytes_max: 1 << 30,
    };
    let source = ReadSource::open(vec![input], Arc::new(Text { limits }), pool, options);
    let mut source = source.map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    while let Some(chunk) = source.next_chunk().map_err(|error| error.to_string())? {
        text.extend_from_slice(chunk.block.bytes());
        if text.len() > COMPARED {
            break;
        }
    }
    Ok(text)
}

/// What the library makes of it, as far as it goes without an error.
fn library(codec: Compression, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let most = COMPARED as u64 + 1;
    match codec {
        Compression::Gzip => flate2::read::MultiGzDecoder::new(bytes)
            .take(most)
            .read_to_end(&mut text),
        _ => zstd::Decoder::new(bytes)
            .ok()?
            .take(most)
            .read_to_end(&mut text),
    }
    .ok()?;
    Some(text)
}

fuzz_target!(|input: (u8, bool, &[u8])| {
    let (kind, damage, text) = input;
    let codec = if kind & 1 == 1 {
        Compression::Gzip
    } else {
        Compression::Zstd
    };
    // Half of the inputs are compressed first, and maybe damaged then: random bytes alone would
    // hardly ever get past the head.
    let mut bytes = match (kind & 2 == 2, codec) {
        (false, Compression::Gzip) => [&[0x1f, 0x8b, 8], text].concat(),
        (false, _) => [&[0x28, 0xb5, 0x2f, 0xfd], text].concat(),
        (true, Compression::Gzip) => {
            let mut reader = flate2::read::GzEncoder::new(text, flate2::Compression::fast());
            let mut packed = Vec::new();
            reader.read_to_end(&mut packed).expect("memory");
            packed
        }
        (true, _) => zstd::encode_all(text, 1).expect("memory"),
    };
    if damage && bytes.len() > 4 {
        let at = 4 + usize::from(kind >> 2) % (bytes.len() - 4);
        bytes[at] ^= 1 << (kind % 8);
    }
    let budget = Budget::new(LIMIT);
    let found = ours(bytes.clone(), &budget);
    assert!(budget.high_water() <= LIMIT);
    assert_eq!(budget.used(), 0, "all is given back");
    if let Ok(found) = found {
        // The libraries pass over what stands behind the last gzip member, as does nobody else.
        let expected = library(codec, &bytes).expect("what is read here is read there");
        let long = found.len() > COMPARED;
        assert!(
            long || found == expected,
            "{} and {} bytes",
            found.len(),
            expected.len()
        );
    } else if kind & 2 == 2 && !damage {
        panic!("{found:?} of what is whole");
    }
});
