//! Rounds: every engine once, then every engine again.

use crate::benchmark::{Benchmark, Engine, Goal};
use crate::statistics::Summary;

/// What came out for one engine, in nanoseconds per item.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) engine: &'static str,
    pub(crate) ours: bool,
    pub(crate) count: u64,
    pub(crate) time: Summary,
}

/// What came out for one benchmark.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) model: &'static str,
    pub(crate) items: u64,
    pub(crate) goal: Goal,
    pub(crate) lines: Vec<Line>,
}

/// Runs each engine once with little work and checks its answer; returns how many there were.
pub(crate) fn smoke(benchmark: &mut Benchmark) -> Result<usize, String> {
    let expected = (benchmark.expected)(benchmark.smoke_items);
    for engine in &mut benchmark.engines {
        round(engine, &benchmark.name, benchmark.smoke_items, expected)?;
    }
    Ok(benchmark.engines.len())
}

/// Runs `rounds` rounds after one to warm up.
pub(crate) fn measure(benchmark: &mut Benchmark, rounds: usize) -> Result<Measured, String> {
    let expected = (benchmark.expected)(benchmark.items);
    let mut times = vec![Vec::new(); benchmark.engines.len()];
    for number in 0..=rounds {
        // Nobody always follows the same neighbour's caches.
        let first = number % benchmark.engines.len().max(1);
        for step in 0..benchmark.engines.len() {
            let index = (first + step) % benchmark.engines.len();
            let engine = &mut benchmark.engines[index];
            let time = round(engine, &benchmark.name, benchmark.items, expected)?;
            if number > 0 {
                times[index].push(time);
            }
        }
    }
    let lines = benchmark.engines.iter().zip(&times);
    let lines = lines.map(|(engine, times)| Line {
        engine: engine.name,
        ours: engine.ours,
        count: expected,
        time: Summary::of(times),
    });
    Ok(Measured {
        name: benchmark.name.clone(),
        model: benchmark.model,
        items: benchmark.items,
        goal: benchmark.goal,
        lines: lines.collect(),
    })
}

/// One round of one engine: its nanoseconds per item.
fn round(engine: &mut Engine, name: &str, items: u64, expected: u64) -> Result<f64, String> {
    let sample = (engine.work)(items);
    if sample.count != expected {
        let Engine { name: who, .. } = engine;
        return Err(format!(
            "{name}: {who} counted {} where {expected} is right",
            sample.count
        ));
    }
    Ok(sample.elapsed.as_nanos() as f64 / items as f64)
}

impl Measured {
    /// Our line, if ours takes part already.
    pub(crate) fn ours(&self) -> Option<&Line> {
        self.lines.iter().find(|line| line.ours)
    }

    /// The fastest peer, if there is one.
    pub(crate) fn best_peer(&self) -> Option<&Line> {
        let peers = self.lines.iter().filter(|line| !line.ours);
        peers.min_by(|one, two| one.time.median.total_cmp(&two.time.median))
    }

    /// The most nanoseconds per item that meet the goal; none when the peer it names is absent.
    pub(crate) fn limit(&self) -> Option<f64> {
        match self.goal {
            Goal::Nanoseconds(limit) => Some(limit),
            Goal::Best(times) => self.best_peer().map(|line| line.time.median * times),
            Goal::Peer(name, times) => {
                let named = self.lines.iter().find(|line| line.engine == name);
                named.map(|line| line.time.median * times)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::benchmark::Sample;

    fn takes(nanoseconds: u64) -> impl FnMut(u64) -> Sample {
        move |items| Sample {
            elapsed: Duration::from_nanos(nanoseconds * items),
            count: items,
        }
    }

    fn three(goal: Goal) -> Measured {
        let benchmark = Benchmark::new("group/name", "works", 100, goal);
        let benchmark = benchmark.ours("ours", takes(2));
        let mut benchmark = benchmark.peer("slow", takes(9)).peer("fast", takes(3));
        measure(&mut benchmark, 7).unwrap()
    }

    #[test]
    fn time_is_told_per_item() {
        let measured = three(Goal::Best(1.0));
        assert!((measured.ours().unwrap().time.median - 2.0).abs() < 1e-9);
        assert_eq!(measured.best_peer().unwrap().engine, "fast");
    }

    #[test]
    fn goals_are_limits() {
        for (goal, limit) in [
            (Goal::Best(0.5), Some(1.5)),
            (Goal::Peer("slow", 1.0), Some(9.0)),
            (Goal::Nanoseconds(4.0), Some(4.0)),
            (Goal::Peer("absent", 1.0), None),
        ] {
            assert_eq!(three(goal).limit(), limit);
        }
    }

    #[test]
    fn a_wrong_count_is_an_error() {
        let benchmark = Benchmark::new("group/name", "works", 100, Goal::Best(1.0));
        let mut benchmark = benchmark
            .ours("ours", takes(2))
            .expecting(|items| items + 1);
        let fault = smoke(&mut benchmark).unwrap_err();
        assert_eq!(fault, "group/name: ours counted 256 where 257 is right");
    }
}
