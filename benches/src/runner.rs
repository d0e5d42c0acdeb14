//! Rounds: every engine once, then every engine again.

use crate::benchmark::{Benchmark, Engine, Expected, Goal, Sample};
use crate::statistics::Summary;

/// What came out for one engine, in nanoseconds per item.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) engine: &'static str,
    pub(crate) ours: bool,
    pub(crate) count: u64,
    pub(crate) time: Summary,
    /// The highest peak of all rounds, in KiB.
    pub(crate) peak_kib: Option<u64>,
}

/// What came out for one benchmark.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) model: &'static str,
    pub(crate) items: u64,
    pub(crate) bytes: Option<u64>,
    pub(crate) goal: Goal,
    pub(crate) lines: Vec<Line>,
    pub(crate) notes: Vec<String>,
}

/// Runs each engine once with little work and checks its answer; returns how many there were.
pub(crate) fn smoke(benchmark: &mut Benchmark) -> Result<usize, String> {
    let mut judge = Judge::new(benchmark, benchmark.smoke_items);
    for engine in &mut benchmark.engines {
        judge.round(engine, benchmark.smoke_items)?;
    }
    Ok(benchmark.engines.len())
}

/// Runs `rounds` rounds after one to warm up.
pub(crate) fn measure(benchmark: &mut Benchmark, rounds: usize) -> Result<Measured, String> {
    let mut judge = Judge::new(benchmark, benchmark.items);
    let engines = &mut benchmark.engines;
    let mut samples = vec![Vec::new(); engines.len()];
    for number in 0..=rounds {
        for step in 0..engines.len() {
            // Nobody always follows the same neighbour's caches.
            let index = (number + step) % engines.len();
            let sample = judge.round(&mut engines[index], benchmark.items)?;
            if number > 0 {
                samples[index].push(sample);
            }
        }
    }
    let lines = engines.iter().zip(&samples);
    let lines = lines.map(|(engine, samples)| line(engine, samples, benchmark.items));
    Ok(Measured {
        lines: lines.collect(),
        name: benchmark.name.clone(),
        model: benchmark.model,
        items: benchmark.items,
        bytes: benchmark.bytes,
        goal: benchmark.goal,
        notes: benchmark.notes.clone(),
    })
}

/// Sums up the rounds of one engine; there is at least one.
fn line(engine: &Engine, samples: &[Sample], items: u64) -> Line {
    let time = |sample: &Sample| sample.elapsed.as_nanos() as f64 / items as f64;
    let times: Vec<f64> = samples.iter().map(time).collect();
    Line {
        engine: engine.name,
        ours: engine.ours,
        count: samples.first().map_or(0, |sample| sample.count),
        time: Summary::of(&times),
        peak_kib: samples.iter().filter_map(|sample| sample.peak_kib).max(),
    }
}

/// Holds every answer against the right one.
struct Judge {
    benchmark: String,
    /// The right count and whose it is, once known.
    right: Option<(u64, &'static str)>,
}

impl Judge {
    fn new(benchmark: &Benchmark, items: u64) -> Self {
        let right = match benchmark.expected {
            Expected::Rule(rule) => Some((rule(items), "the rule")),
            Expected::Agreement => None,
        };
        Self {
            benchmark: benchmark.name.clone(),
            right,
        }
    }

    /// One round of one engine.
    fn round(&mut self, engine: &mut Engine, items: u64) -> Result<Sample, String> {
        let (name, benchmark) = (engine.name, &self.benchmark);
        let sample = (engine.work)(items).map_err(|why| format!("{benchmark}: {name}: {why}"))?;
        let (right, whose) = *self.right.get_or_insert((sample.count, name));
        if sample.count != right {
            let count = sample.count;
            return Err(format!(
                "{benchmark}: {name} counted {count}, {whose} {right}"
            ));
        }
        Ok(sample)
    }
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

    /// The most nanoseconds per item that meet the goal; none when the peer it names is absent, or
    /// the goal is no time.
    pub(crate) fn limit(&self) -> Option<f64> {
        match self.goal {
            Goal::None => None,
            Goal::Nanoseconds(limit) => Some(limit),
            Goal::Best(times) => self.best_peer().map(|line| line.time.median * times),
            Goal::Peer(name, times) => {
                let named = self.lines.iter().find(|line| line.engine == name);
                named.map(|line| line.time.median * times)
            }
            Goal::PeakKib(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::benchmark::Sample;

    fn takes(nanoseconds: u64) -> impl Fn(u64) -> Sample {
        move |items| Sample::new(Duration::from_nanos(nanoseconds * items), items)
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
            (Goal::PeakKib(9), None),
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
        assert_eq!(fault, "group/name: ours counted 256, the rule 257");
    }
}
