//! How far the machine goes: reading a file, finding its newlines, and passing over memory, on all
//! cores, in the same run as the jobs. These are no engines: they answer no question.

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use crate::benchmark::{Benchmark, Goal, Sample};

/// What is read at once: a block that stays in a cache.
const BLOCK_BYTES: usize = 512 << 10;
/// More than a cache holds. It is given back at once: what this process holds when it starts
/// another counts as the other's peak.
const MEMORY_BYTES: usize = 256 << 20;

/// What is done with each block of the file.
type Pass = fn(&[u8]) -> u64;

/// The machine's own figures for `input`, a file of so many bytes.
pub(super) fn benchmark(bare: Benchmark, input: &Path, bytes: u64) -> Result<Benchmark, String> {
    let newlines = on_file(input, bytes, newlines)?.1;
    let path: Rc<Path> = input.into();
    let read = {
        let path = path.clone();
        move |_| on_file(&path, bytes, |_| 0).map(|(elapsed, _)| Sample::new(elapsed, bytes))
    };
    let count = move |_| match on_file(&path, bytes, self::newlines)? {
        (elapsed, found) if found == newlines => Ok(Sample::new(elapsed, bytes)),
        (_, found) => Err(format!("{found} newlines, and {newlines} the first time")),
    };
    let pass = move |_| Ok(Sample::new(on_memory(bytes), bytes));
    Ok(bare
        .on_bytes(bytes)
        .process("memory", false, Box::new(pass))
        .process("read", false, Box::new(read))
        .process("read, count newlines", false, Box::new(count)))
}

/// The job without its engines.
pub(super) fn bare() -> Benchmark {
    let model = "what the machine can do with as many bytes: pass over memory, read a file from \
                 the page cache, count its newlines; all cores";
    Benchmark::new("files/roofline", model, 1, Goal::None)
}

fn newlines(block: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', block).count() as u64
}

fn workers() -> u64 {
    thread::available_parallelism().map_or(1, |cores| cores.get() as u64)
}

/// Reads the file block by block on all cores; how long it took, and the sum of what `pass` said.
fn on_file(path: &Path, bytes: u64, pass: Pass) -> Result<(Duration, u64), String> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (workers, began) = (workers(), Instant::now());
    let sums: std::io::Result<Vec<u64>> = thread::scope(|scope| {
        let file = &file;
        let part = |worker| scope.spawn(move || on_part(file, bytes, (worker, workers), pass));
        let parts: Vec<_> = (0..workers).map(part).collect();
        let joined = parts.into_iter().map(|part| part.join().expect("no panic"));
        joined.collect()
    });
    let sums = sums.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok((began.elapsed(), sums.iter().sum()))
}

/// Every so many'th block.
fn on_part(
    file: &File,
    bytes: u64,
    (worker, workers): (u64, u64),
    pass: Pass,
) -> std::io::Result<u64> {
    let mut block = vec![0; BLOCK_BYTES];
    let (mut at, mut sum) = (worker * BLOCK_BYTES as u64, 0);
    while at < bytes {
        let length = (bytes - at).min(BLOCK_BYTES as u64) as usize;
        file.read_exact_at(&mut block[..length], at)?;
        sum += pass(black_box(&block[..length]));
        at += workers * BLOCK_BYTES as u64;
    }
    Ok(sum)
}

/// Adds up so many bytes of memory on all cores.
fn on_memory(bytes: u64) -> Duration {
    let memory = vec![1_u64; MEMORY_BYTES / size_of::<u64>()];
    let (words, began) = (bytes as usize / size_of::<u64>(), Instant::now());
    let share = words / workers() as usize;
    thread::scope(|scope| {
        for part in memory.chunks(memory.len() / workers() as usize) {
            scope.spawn(move || {
                let mut left = share;
                while left > 0 {
                    let piece = &part[..left.min(part.len())];
                    black_box(
                        piece
                            .iter()
                            .fold(0, |sum: u64, word| sum.wrapping_add(*word)),
                    );
                    left -= piece.len();
                }
            });
        }
    });
    began.elapsed()
}
