//! What the screen shows.

use crate::benchmark::Goal;
use crate::runner::{Line, Measured};

/// The most resident memory that a job on files may take, whatever the size of the file.
const PEAK_KIB: u64 = 50 * 1024;

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
            "  {mark} {:24} {:>13} {ratio:>8}  (mad {}, {} to {}){}",
            line.engine,
            duration(line.time.median),
            duration(line.time.mad),
            duration(line.time.min),
            duration(line.time.max),
            process(measured, line),
        );
    }
    measured
        .notes
        .iter()
        .for_each(|note| println!("    {note}"));
    match measured.goal {
        Goal::None => println!(),
        _ => println!("    goal {}: {}\n", goal(measured), verdict(measured).0),
    }
}

/// What a whole process is asked besides: input a second, and memory.
fn process(measured: &Measured, line: &Line) -> String {
    let mebibytes = line.peak_kib.map(|peak| peak.div_ceil(1024));
    let Some(bytes) = measured.bytes else {
        return mebibytes.map_or_else(String::new, |peak| format!("  peak {peak} MiB"));
    };
    let speed = bytes as f64 / line.time.median * 1e3;
    let (Some(peak), Some(mebibytes)) = (line.peak_kib, mebibytes) else {
        return format!("  {speed:.0} MB/s");
    };
    let large = if line.ours && PEAK_KIB < peak {
        ", over 50"
    } else {
        ""
    };
    format!("  {speed:.0} MB/s, peak {mebibytes} MiB{large}")
}

/// Prints one line a benchmark and how many goals were met.
pub(crate) fn print_verdict(results: &[Measured]) {
    println!(
        "{:36} {:>10} {:>10} {:>8}  goal",
        "benchmark", "ours", "best peer", "ratio"
    );
    let aims = |measured: &&Measured| !matches!(measured.goal, Goal::None);
    for measured in results.iter().filter(aims) {
        let ours = measured.ours().map(|line| line.time.median);
        let best = measured.best_peer().map(|line| line.time.median);
        let times = ours.zip(best).map(|(ours, best)| ratio(best / ours));
        let cell = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), duration);
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
    println!("{met} of {} goals met", results.iter().filter(aims).count());
}

fn verdict(measured: &Measured) -> (&'static str, bool) {
    let peak_kib = measured.ours().and_then(|line| line.peak_kib);
    if let (Goal::PeakKib(limit), Some(peak)) = (measured.goal, peak_kib) {
        let met = peak <= limit;
        return (if met { "met" } else { "missed" }, met);
    }
    match (measured.ours(), measured.limit()) {
        (None, _) => ("ours does not take part yet", false),
        (_, None) => ("the peer is not built in (--features peers)", false),
        (Some(ours), Some(limit)) if ours.time.median <= limit => ("met", true),
        _ => ("missed", false),
    }
}

fn goal(measured: &Measured) -> String {
    let limit = measured.limit().map_or_else(|| "?".to_owned(), duration);
    match measured.goal {
        Goal::None => "none".to_owned(),
        Goal::Nanoseconds(_) => format!("<= {limit}"),
        Goal::Best(times) => format!("<= {times:.2} x best = {limit}"),
        Goal::Peer(name, times) => format!("<= {times:.2} x {name} = {limit}"),
        Goal::PeakKib(limit) => format!("peak <= {:.0} MB", limit as f64 * 1.024e-3),
    }
}

/// How many times as long as ours: 1.00x is ours itself.
fn ratio(times: f64) -> String {
    format!("{times:.2}x")
}

/// Three digits and the unit that fits.
pub(crate) fn duration(nanoseconds: f64) -> String {
    let units = [(1e9, "s"), (1e6, "ms"), (1e3, "us")];
    let unit = units
        .into_iter()
        .find(|(size, _)| 1e3 <= nanoseconds * 1e3 / size);
    let (size, unit) = unit.unwrap_or((1.0, "ns"));
    let value = nanoseconds / size;
    let digits = if value < 10.0 {
        2
    } else {
        usize::from(value < 100.0)
    };
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_have_three_digits_and_a_unit() {
        for (nanoseconds, text) in [
            (0.294, "0.29 ns"),
            (18.66, "18.7 ns"),
            (305.4, "305 ns"),
            (12_340.0, "12.3 us"),
            (1.5e9, "1.50 s"),
        ] {
            assert_eq!(duration(nanoseconds), text);
        }
    }
}
