//! What the screen shows.

use crate::benchmark::Goal;
use crate::runner::{Line, Measured};

/// Prints the engines of one benchmark, fastest first, and whether ours met its goal.
pub(crate) fn print(measured: &Measured) {
    println!("{}: {}", measured.name, measured.model);
    let mut lines: Vec<&Line> = measured.lines.iter().collect();
    lines.sort_by(|one, two| one.time.median.total_cmp(&two.time.median));
    let ours = measured.ours().map(|line| line.time.median);
    for line in lines {
        let mark = if line.ours { '>' } else { ' ' };
        let ratio = ours.map_or_else(String::new, |ours| ratio(line.time.median / ours));
        println!(
            "  {mark} {:24} {:>10} ns  {ratio:>8}  (mad {}, {} to {})",
            line.engine,
            figure(line.time.median),
            figure(line.time.mad),
            figure(line.time.min),
            figure(line.time.max),
        );
    }
    println!("    goal {}: {}\n", goal(measured), verdict(measured).0);
}

/// Prints one line a benchmark and how many goals were met.
pub(crate) fn print_verdict(results: &[Measured]) {
    println!(
        "{:36} {:>10} {:>10} {:>8}  goal",
        "benchmark", "ours ns", "best ns", "ratio"
    );
    for measured in results {
        let ours = measured.ours().map(|line| line.time.median);
        let best = measured.best_peer().map(|line| line.time.median);
        let times = ours.zip(best).map(|(ours, best)| ratio(best / ours));
        let cell = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), figure);
        println!(
            "{:36} {:>10} {:>10} {:>8}  {}: {}",
            measured.name,
            cell(ours),
            cell(best),
            times.unwrap_or_else(|| "-".to_owned()),
            goal(measured),
            verdict(measured).0,
        );
    }
    let met = results
        .iter()
        .filter(|measured| verdict(measured).1)
        .count();
    println!("{met} of {} goals met", results.len());
}

fn verdict(measured: &Measured) -> (&'static str, bool) {
    match (measured.ours(), measured.limit()) {
        (None, _) => ("ours does not take part yet", false),
        (_, None) => ("the peer is not built in (--features peers)", false),
        (Some(ours), Some(limit)) if ours.time.median <= limit => ("met", true),
        _ => ("missed", false),
    }
}

fn goal(measured: &Measured) -> String {
    let limit = measured.limit().map_or_else(|| "?".to_owned(), figure);
    match measured.goal {
        Goal::Nanoseconds(_) => format!("<= {limit} ns"),
        Goal::Best(times) => format!("<= {times} x best = {limit} ns"),
        Goal::Peer(name, times) => format!("<= {times} x {name} = {limit} ns"),
    }
}

/// How many times as long as ours: 1.00x is ours itself.
fn ratio(times: f64) -> String {
    format!("{times:.2}x")
}

/// Three digits, whatever the size.
pub(crate) fn figure(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}
