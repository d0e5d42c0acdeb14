//! A run over twice as many records allocates hardly more: counted over all threads, by an
//! allocator of this test's own.

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

/// Allocations and bytes of a run over so many rows.
fn cost(stages: Stages, rows: u64) -> (u64, u64) {
    let input = Rows {
        rows,
        next: 0,
        rest: HEADER,
    };
    let before = (
        ALLOCATIONS.load(Ordering::Relaxed),
        BYTES.load(Ordering::Relaxed),
    );
    let builder = Engine::builder().inputs(vec![Input::reader("orders.csv", input)]);
    let report = stages(builder).sink_to(Nowhere).workers(1).run();
    assert_eq!(report.expect("it runs").records.read, rows);
    let after = (
        ALLOCATIONS.load(Ordering::Relaxed),
        BYTES.load(Ordering::Relaxed),
    );
    (after.0 - before.0, after.1 - before.1)
}

// One test alone, because it counts what all threads do.
#[test]
fn a_record_allocates_nothing() {
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
        let (rows, more) = (400_000, 1_200_000);
        let few = cost(stages, rows);
        let many = cost(stages, rows + more);
        let (allocations, bytes) = (many.0 - few.0, many.1 - few.1);
        println!("{job}: {allocations} allocations, {bytes} bytes for {more} records");
    }
}
