//! Two threads hand a ball back and forth, each asleep while the other has it.

use pelton_sync::{CachePadded, Parker, Unparker, atomic::AtomicU32, atomic::Ordering, thread};

const ROUNDS: u32 = 10_000;

fn main() {
    // Each on a line of its own, so that a hit on one side does not slow the other.
    let hits = [0, 1].map(|_| CachePadded::new(AtomicU32::new(0)));
    let (ping, pong) = (Parker::new(), Parker::new());
    let (to_ping, to_pong) = (ping.unparker(), pong.unparker());
    to_ping.unpark(); // the serve: a token left early is kept

    let began = std::time::Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| play(&ping, &to_pong, &hits[0]));
        scope.spawn(|| play(&pong, &to_ping, &hits[1]));
    });
    let [left, right] = hits.each_ref().map(|hits| hits.load(Ordering::Relaxed));
    println!("{left} : {right} after {:?}", began.elapsed());
    assert_eq!((left, right), (ROUNDS, ROUNDS));
}

fn play(mine: &Parker, other: &Unparker, hits: &AtomicU32) {
    for _ in 0..ROUNDS {
        mine.park();
        hits.fetch_add(1, Ordering::Relaxed);
        other.unpark();
    }
}
