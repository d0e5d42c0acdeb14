//! Standard input, or anything else that blocks, read in a thread of its own.

use std::io::{self, Read};
use std::sync::Arc;

use pelton_sync::thread;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::feed::{Feed, READ_BYTES};
use super::unfinished::Unfinished;
use super::{ListenOptions, Stop};
use crate::stream::{Intake, Peer};

/// Reads `reader` to its end, or until somebody says stop. A read that blocks goes on blocking its
/// thread then, and what it gives is dropped.
pub(super) async fn run(
    reader: Box<dyn Read + Send>,
    name: String,
    options: &ListenOptions,
    intake: Arc<dyn Intake>,
    stop: Stop,
) {
    let source = options.source;
    let unfinished = Unfinished::new(options.limits.unfinished_bytes_max);
    let feed = Feed::new(options, intake, Peer { source, name }, unfinished);
    let metrics = options.metrics.clone();
    let runtime = Handle::current();
    let (sender, ended) = oneshot::channel();
    let watch = stop.clone();
    let reading = thread::Builder::new()
        .name("pelton-stdin".to_owned())
        .spawn(move || {
            if read_all(reader, feed, &runtime, &watch).is_err() {
                metrics.failed.add(1);
            }
            // Nobody listens when it was stopped.
            let _ = sender.send(());
        });
    if reading.is_err() {
        options.metrics.failed.add(1);
        return;
    }
    tokio::select! {
        _ = ended => {}
        () = stop.stopped() => {}
    }
}

/// Feeds all that `reader` gives; an error is the reader's.
fn read_all(
    mut reader: impl Read,
    mut feed: Feed,
    runtime: &Handle,
    stop: &Stop,
) -> io::Result<()> {
    let mut last_read = READ_BYTES;
    while !stop.is_stopped() {
        let fed = if feed.wants_room(last_read) {
            let Ok(mut buffer) = runtime.block_on(feed.room()) else {
                return Ok(());
            };
            last_read = read(&mut reader, buffer.spare_mut())?;
            buffer.advance(last_read);
            runtime.block_on(async {
                match last_read {
                    0 => feed.finish().await,
                    _ => feed.push(buffer).await,
                }
            })
        } else {
            last_read = read_more(&mut reader, feed.growth())?;
            runtime.block_on(async {
                match last_read {
                    0 => feed.finish().await,
                    _ => feed.push_grown().await,
                }
            })
        };
        if fed.is_err() || last_read == 0 {
            break;
        }
    }
    Ok(())
}

/// Reads into the room behind `bytes`, which they grow by.
fn read_more(reader: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<usize> {
    let before = bytes.len();
    bytes.resize(bytes.capacity(), 0);
    let outcome = read(reader, &mut bytes[before..]);
    bytes.truncate(before + outcome.as_ref().copied().unwrap_or_default());
    outcome
}

fn read(reader: &mut impl Read, room: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(room) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}
