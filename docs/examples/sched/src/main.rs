//! The Mandelbrot set on all cores: rows take very different times, and stealing evens that out.

use std::sync::OnceLock;

use pelton_sched::{Error, Scheduler};

const WIDTH: usize = 72;
const HEIGHT: usize = 28;

fn main() -> Result<(), Error> {
    let scheduler = Scheduler::builder().build()?;
    let rows = [const { OnceLock::new() }; HEIGHT];
    scheduler.parallel_for(0..HEIGHT, |y| {
        let row: String = (0..WIDTH).map(|x| shade(x, y)).collect();
        assert!(rows[y].set(row).is_ok(), "each row is drawn once");
    });
    for row in &rows {
        println!("{}", row.get().expect("every row is drawn"));
    }
    for (index, worker) in scheduler.stats().workers.iter().enumerate() {
        println!(
            "worker {index}: {} tasks, busy {:?}",
            worker.run, worker.busy
        );
    }
    Ok(())
}

/// How soon the point escapes.
fn shade(x: usize, y: usize) -> char {
    let (re, im) = (x as f64 / 24.0 - 2.2, y as f64 / 12.0 - 1.13);
    let (mut a, mut b) = (0.0_f64, 0.0_f64);
    for step in 0..100_000 {
        if a * a + b * b > 4.0 {
            return [' ', '.', ':', '-', '=', '+', '*', '%'][(step / 2).min(7)];
        }
        (a, b) = (a * a - b * b + re, 2.0 * a * b + im);
    }
    '@'
}
