//! Readers that block, as standard input does.

use std::io::Cursor;
use std::sync::Arc;

use pelton_connect::net::{Address, ListenOptions, Listener, Stop};
use pelton_format::Text;
use proptest::prelude::*;

use crate::intake::Memory;
use crate::on_runtime;

/// Gives what it has in pieces of the sizes it is told.
struct Pieces {
    bytes: Cursor<Vec<u8>>,
    sizes: Vec<usize>,
}

impl std::io::Read for Pieces {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let size = self.sizes.pop().unwrap_or(usize::MAX).min(room.len());
        self.bytes.read(&mut room[..size])
    }
}

fn read(reader: impl std::io::Read + Send + 'static) -> Vec<u8> {
    on_runtime(async {
        let options = ListenOptions::new(Address::Stdin, Arc::new(Text::default()));
        let intake = Arc::new(Memory::new());
        let (_stopper, stop) = Stop::new();
        Listener::reader(options, reader)
            .run(intake.clone(), stop)
            .await;
        intake.bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_reader_is_read_to_its_end_whatever_it_gives_at_once(
        lines in proptest::collection::vec("[a-z]{0,9000}", 0..40),
        sizes in proptest::collection::vec(1usize..20_000, 0..60),
    ) {
        let bytes = lines.join("\n").into_bytes();
        let pieces = Pieces { bytes: Cursor::new(bytes.clone()), sizes };
        prop_assert_eq!(read(pieces), bytes);
    }
}

#[test]
fn stopping_does_not_wait_for_a_reader_that_blocks() {
    on_runtime(async {
        let (reader, _writer) = std::io::pipe().unwrap();
        let options = ListenOptions::new(Address::Stdin, Arc::new(Text::default()));
        let (stopper, stop) = Stop::new();
        let run = Listener::reader(options, reader).run(Arc::new(Memory::new()), stop);
        let task = tokio::spawn(run);
        stopper.stop();
        task.await.unwrap();
    });
}
