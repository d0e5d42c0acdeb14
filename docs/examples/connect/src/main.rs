//! Lines from anything that reads, in blocks of whole lines, into a file that appears when it is
//! complete.

use std::sync::Arc;

use pelton_connect::{Error, FileSink, Input, ReadOptions, ReadSource, Sink, Source};
use pelton_format::Text;
use pelton_pool::{Budget, BufferPool};

fn main() -> Result<(), Error> {
    let text: String = (0..50_000)
        .map(|line| format!("this is line {line}\n"))
        .collect();
    let input = Input::reader("made up", std::io::Cursor::new(text.clone()));
    let options = ReadOptions {
        block_bytes: 256 << 10,
        ..ReadOptions::default()
    };
    let pool = BufferPool::new(Budget::new(8 << 20));
    let mut source = ReadSource::open(vec![input], Arc::new(Text::default()), pool, options)?;

    let path = std::env::temp_dir().join(format!("example-{}.txt", std::process::id()));
    let mut sink = FileSink::create(&path)?;
    while let Some(chunk) = source.next_chunk()? {
        let bytes = chunk.block.bytes();
        println!(
            "block {}: {} bytes, a whole last line",
            chunk.origin.sequence,
            bytes.len()
        );
        assert_eq!(bytes.last(), Some(&b'\n'));
        sink.write(bytes)?;
    }
    assert!(!path.exists(), "not before it is complete");
    sink.commit()?;
    let copied = std::fs::read(&path).unwrap_or_default();
    println!("{} bytes copied", copied.len());
    assert_eq!(copied, text.into_bytes());
    // A file that stays behind harms nobody.
    let _ = std::fs::remove_file(path);
    Ok(())
}
