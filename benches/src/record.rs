//! Dated records: what was measured, where, and how it compares with before.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::machine;
use crate::runner::Measured;
use crate::{calendar, table};

const HEADER: &str = "name,model,engine,version,items,count,median_ns,mad_ns,min_ns,max_ns,\
    peak_kib";

/// Differences up to this share are noise, unless a record shows worse.
const NOISE: f64 = 0.05;

/// Writes `benches/record/<target>-<cpu>/<date>.csv` and the `.txt` beside it.
pub(crate) fn write(results: &[Measured]) -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("record");
    let folder = folder.join(machine::folder());
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let path = free(&folder, &calendar::today());
    put(&path, &csv(results))?;
    put(&path.with_extension("txt"), &machine::description())?;
    println!("recorded in {}", path.display());
    Ok(())
}

/// `<date>.csv`, or `<date>-2.csv` where that is taken, and so on.
fn free(folder: &Path, date: &str) -> PathBuf {
    let names = (2..).map(|number| format!("{date}-{number}.csv"));
    let mut paths = std::iter::once(format!("{date}.csv"))
        .chain(names)
        .map(|name| folder.join(name));
    paths.find(|path| !path.exists()).unwrap_or_default()
}

fn put(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn csv(results: &[Measured]) -> String {
    let mut text = format!("{HEADER}\n");
    for measured in results {
        for line in &measured.lines {
            let time = &line.time;
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{},\"{}\",{},{},{},{},{:.3},{:.3},{:.3},{:.3},{}",
                measured.name,
                measured.model,
                line.engine,
                version(line.engine),
                measured.items,
                line.count,
                time.median,
                time.mad,
                time.min,
                time.max,
                line.peak_kib
                    .map_or_else(String::new, |peak| peak.to_string()),
            );
        }
    }
    text
}

/// The version of the crate that an engine is named after, from the lock file.
fn version(engine: &str) -> &'static str {
    const LOCK: &str = include_str!("../../Cargo.lock");
    let name = engine.split(' ').next().unwrap_or_default();
    let entry = format!("name = \"{name}\"\nversion = \"");
    let after = LOCK.split_once(&entry).map(|(_, after)| after);
    after
        .and_then(|after| after.split('"').next())
        .unwrap_or("-")
}

/// Prints old, new and ratio for every line that both runs have.
pub(crate) fn compare(results: &[Measured], path: &Path) -> Result<(), String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    println!(
        "{:36} {:24} {:>10} {:>10}  new/old",
        "benchmark", "engine", "old", "new"
    );
    for measured in results {
        for line in &measured.lines {
            let Some(old) = recorded(&text, &measured.name, line.engine) else {
                continue;
            };
            let new = line.time.median;
            println!(
                "{:36} {:24} {:>10} {:>10}  {}",
                measured.name,
                line.engine,
                table::duration(old),
                table::duration(new),
                change(new / old),
            );
        }
    }
    Ok(())
}

/// The median of one engine in a record. The model is quoted and holds no quote.
fn recorded(text: &str, name: &str, engine: &str) -> Option<f64> {
    text.lines().find_map(|line| {
        let (found, rest) = line.split_once(",\"")?;
        let (_, rest) = rest.split_once("\",")?;
        let cells: Vec<&str> = rest.split(',').collect();
        let same = found == name && cells.first() == Some(&engine);
        same.then(|| cells.get(4)?.parse().ok()).flatten()
    })
}

fn change(ratio: f64) -> String {
    match (ratio - 1.0).abs() <= NOISE {
        true => "no change".to_owned(),
        false => format!("{ratio:.2}x"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::Goal;
    use crate::runner::Line;
    use crate::statistics::Summary;

    #[test]
    fn what_is_written_is_read_again() {
        let measured = Measured {
            name: "group/name".into(),
            model: "push, then pop",
            items: 10,
            bytes: None,
            notes: Vec::new(),
            goal: Goal::Best(1.0),
            lines: vec![Line {
                engine: "rtrb",
                ours: false,
                count: 10,
                time: Summary::of(&[1.5, 2.5, 3.5]),
                peak_kib: None,
            }],
        };
        let text = csv(&[measured]);
        assert_eq!(recorded(&text, "group/name", "rtrb"), Some(2.5));
        assert_eq!(recorded(&text, "group/name", "ringbuf"), None);
    }

    #[test]
    fn small_differences_are_no_change() {
        assert_eq!(change(1.04), "no change");
        assert_eq!(change(0.90), "0.90x");
    }

    #[test]
    fn versions_come_from_the_lock_file() {
        assert_ne!(version("rtrb"), "-");
        assert_eq!(version("no-such-crate"), "-");
    }
}
