//! A run over four times as many records allocates nothing more for a record, and for a block of
//! 512 KiB a handful of small things: 16 at the most, of a kilobyte together, which is a 500th of
//! the input. Counted over all threads, by an allocator of this test's own.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};

use pelton::connect::{Error, Input, Sink};
use pelton::{Engine, EngineBuilder};

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: the system's allocator does the work; counting touches no memory of the caller's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a worker takes in at once; the bounds below are for each.
const BLOCK_BYTES: u64 = 512 << 10;
const HEADER: &[u8] = b"id,country,status,quantity,unit_price,note\n";
/// Rows that come again and again.
const ROWS: [&[u8]; 4] = [
    b"1,DE,shipped,12,19.99,\n",
    b"2,US,pending,3,5.00,\"a, b\"\n",
    b"3,FR,shipped,7,120.50,caf\xc3\xa9\n",
    b"4,DE,returned,1,0.99,x\n",
];

/// So many rows, made as they are read.
struct Rows {
    rows: u64,
    next: u64,
    rest: &'static [u8],
}

impl Read for Rows {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let mut filled = 0;
        while filled < room.len() {
            if self.rest.is_empty() {
                if self.next == self.rows {
                    break;
                }
                self.rest = ROWS[(self.next % 4) as usize];
                self.next += 1;
            }
            let length = self.rest.len().min(room.len() - filled);
            room[filled..filled + length].copy_from_slice(&self.rest[..length]);
            (filled, self.rest) = (filled + length, &self.rest[length..]);
        }
        Ok(filled)
    }
}

struct Nowhere;

impl Sink for Nowhere {
    fn write(&mut self, _: &[u8]) -> Result<(), Error> {
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

type Stages = fn(EngineBuilder) -> EngineBuilder;

/// What a run has cost.
struct Cost {
    allocations: u64,
    bytes: u64,
    /// Bytes of the input.
    read: u64,
}

/// The cost of a run over so many rows.
fn cost(stages: Stages, rows: u64) -> Cost {
    let input = Rows {
        rows,
        next: 0,
        rest: HEADER,
    };
    let counted = || [&ALLOCATIONS, &BYTES].map(|count| count.load(Ordering::Relaxed));
    let before = counted();
    let builder = Engine::builder().inputs(vec![Input::reader("orders.csv", input)]);
    let report = stages(builder).sink_to(Nowhere).workers(1).run();
    let report = report.expect("it runs");
    assert_eq!(report.records.read, rows);
    let after = counted();
    Cost {
        allocations: after[0] - before[0],
        bytes: after[1] - before[1],
        read: report.read_bytes,
    }
}

// One test alone, because it counts what all threads do.
#[test]
fn a_record_allocates_nothing_and_a_block_a_handful() {
    let jobs: [(&str, Stages); 3] = [
        ("filter and compute", |builder| {
            builder
                .filter("status = 'shipped' AND quantity > 5")
                .derive("total", "quantity * unit_price")
        }),
        ("group", |builder| {
            builder.aggregate(
                ["country"],
                [("n", "count(*)"), ("spent", "sum(unit_price)")],
            )
        }),
        ("select", |builder| {
            builder.select(["upper(country)", "unit_price"])
        }),
    ];
    for (job, stages) in jobs {
        let (few, many) = (cost(stages, 400_000), cost(stages, 1_600_000));
        let blocks = (many.read - few.read) / BLOCK_BYTES;
        assert!(50 < blocks, "{job}: {blocks} blocks more");
        let allocations = many.allocations.saturating_sub(few.allocations);
        assert!(
            allocations <= 16 * blocks,
            "{job}: {allocations} allocations for {blocks} blocks more"
        );
        let bytes = many.bytes.saturating_sub(few.bytes);
        assert!(
            bytes <= 1024 * blocks,
            "{job}: {bytes} bytes for {blocks} blocks more"
        );
    }
}
