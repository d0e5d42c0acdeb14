//! A server's memory under pressure: requests lease buffers until the budget says no.

use pelton_pool::{Budget, BufferPool, OverBudget};

fn main() -> Result<(), OverBudget> {
    let budget = Budget::root("server", 1 << 20);
    let _told = budget.subscribe(|level| println!("  the level is {level:?}"));
    let buffers = BufferPool::new(budget.child("requests", None));

    let mut held = Vec::new();
    let refused = loop {
        match buffers.lease(100_000) {
            Ok(mut buffer) => {
                buffer.extend_from_slice(b"GET / HTTP/1.1\r\n")?;
                held.push(buffer);
                println!("{} requests hold {} KiB", held.len(), budget.used() >> 10);
            }
            Err(refused) => break refused,
        }
    };
    println!("refused: {refused}");

    held.clear(); // back to the pool, still paid for, ready for the next
    assert!(buffers.lease(100_000).is_ok());
    println!("released: {} KiB lie idle", budget.used() >> 10);
    buffers.trim();
    println!("trimmed: {} KiB", budget.used() >> 10);
    assert_eq!(budget.used(), 0);
    Ok(())
}
