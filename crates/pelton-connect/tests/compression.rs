//! What is compressed comes back, however it is cut; and what is damaged does not pass.
#![cfg(feature = "compression")]

use std::io::{Cursor, Read};
use std::sync::Arc;

use pelton_connect::{
    Compression, Error, Input, MemorySink, ReadOptions, ReadSource, Source, compressed,
};
use pelton_format::Text;
use pelton_pool::{Budget, BufferPool};
use proptest::prelude::*;

const CODECS: [Compression; 2] = [Compression::Gzip, Compression::Zstd];

fn pack(codec: Compression, pieces: &[Vec<u8>], level: Option<u32>) -> Vec<u8> {
    let memory = MemorySink::default();
    let inner = Box::new(memory.clone());
    let budget = Budget::unlimited();
    let mut sink = compressed("out", inner, codec, level, &budget).expect("a sink");
    for piece in pieces {
        sink.write(piece).expect("memory");
    }
    assert!(budget.used() > 0, "the encoder is paid for");
    sink.commit().expect("memory");
    drop(sink);
    assert_eq!(budget.used(), 0);
    memory.take()
}

/// Gives at most so many bytes at once.
struct Slow(Cursor<Vec<u8>>, usize);

impl Read for Slow {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let step = self.1.min(room.len());
        self.0.read(&mut room[..step])
    }
}

/// All lines of what `input` unpacks to, in a pool of that budget.
fn read(input: Input, budget: &Budget) -> Result<Vec<u8>, Error> {
    let pool = BufferPool::new(budget.clone());
    let options = ReadOptions {
        block_bytes: 1 << 12,
        ..ReadOptions::default()
    };
    let mut source = ReadSource::open(vec![input], Arc::new(Text::default()), pool, options)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = source.next_chunk()? {
        bytes.extend_from_slice(chunk.block.bytes());
    }
    Ok(bytes)
}

/// What `packed`, read in steps, unpacks to; or why not.
fn unpack(packed: Vec<u8>, step: usize) -> Result<Vec<u8>, String> {
    let input = Input::reader("packed", Slow(Cursor::new(packed), step));
    read(input, &Budget::new(64 << 20)).map_err(|error| error.to_string())
}

/// What the libraries' own readers make of it.
fn decoded(codec: Compression, packed: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let read = match codec {
        Compression::Zstd => zstd::Decoder::new(packed)
            .expect("a frame")
            .read_to_end(&mut out),
        _ => flate2::read::MultiGzDecoder::new(packed).read_to_end(&mut out),
    };
    read.expect("whole");
    out
}

fn lines() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec("([a-z]{0,300}\n){0,30}".prop_map(String::into_bytes), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn what_is_written_is_read_again(
        pieces in lines(),
        level in prop::option::of(1_u32..=9),
        step in 1_usize..5000,
    ) {
        for codec in CODECS {
            let packed = pack(codec, &pieces, level);
            prop_assert_eq!(decoded(codec, &packed), pieces.concat());
            prop_assert_eq!(unpack(packed, step), Ok(pieces.concat()));
        }
    }

    #[test]
    fn how_it_was_cut_does_not_show_in_the_bytes(pieces in lines()) {
        for codec in CODECS {
            let at_once = pack(codec, &[pieces.concat()], None);
            prop_assert_eq!(pack(codec, &pieces, None), at_once);
        }
    }

    #[test]
    fn damage_is_never_passed_over(
        pieces in lines(),
        at in any::<prop::sample::Index>(),
        flip in 1_u8..,
        cut in any::<bool>(),
    ) {
        for codec in CODECS {
            let mut packed = pack(codec, &pieces, None);
            // Without its first bytes it is not compressed at all, as far as one can tell.
            let at = 4 + at.index(packed.len() - 4);
            match cut {
                true => packed.truncate(at),
                false => packed[at] ^= flip,
            }
            // Some bits of a head say nothing about the text: its time, its system.
            if let Ok(text) = unpack(packed, 4096) {
                prop_assert_eq!(text, pieces.concat(), "{} at {}, cut: {}", codec, at, cut);
                prop_assert!(!cut);
            }
        }
    }
}

#[test]
fn a_window_is_paid_from_the_budget() {
    let text: Vec<u8> = (0..50_000)
        .flat_map(|i| format!("{i}\n").into_bytes())
        .collect();
    let packed = pack(Compression::Zstd, std::slice::from_ref(&text), Some(19));
    let enough = Budget::new(64 << 20);
    let unpacked = read(Input::memory("packed", packed.clone()), &enough).expect("room enough");
    assert!(unpacked == text);
    assert!(enough.high_water() > 8 << 20, "{}", enough.high_water());
    let tight = Budget::new(16 << 20);
    let error = read(Input::memory("packed", packed), &tight).expect_err("8 MiB of 16");
    let error = error.to_string();
    assert!(
        error.contains("needs 8388608 bytes") && error.contains("4194304"),
        "{error}"
    );
}

#[test]
fn a_level_that_is_none_is_refused() {
    for (codec, level) in [
        (Compression::Gzip, 10),
        (Compression::Zstd, 0),
        (Compression::None, 3),
    ] {
        let inner = Box::new(MemorySink::default());
        let sink = compressed("out", inner, codec, Some(level), &Budget::unlimited());
        assert!(sink.is_err(), "{codec} {level}");
    }
}

#[test]
fn an_encoder_that_does_not_fit_is_refused() {
    let (inner, tight) = (Box::new(MemorySink::default()), Budget::new(1 << 20));
    let sink = compressed("out.zst", inner, Compression::Auto, Some(19), &tight);
    let error = sink.err().expect("19 does not fit into 1 MiB").to_string();
    assert!(error.contains("lower the level"), "{error}");
}
