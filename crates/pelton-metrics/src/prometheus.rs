//! The Prometheus text exposition format, version 0.0.4.

use std::fmt::{self, Write};

use crate::{Family, HistogramSnapshot, Series, Snapshot, Unit, Value};

pub(crate) fn write(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    for family in snapshot.families() {
        // Writing to a string cannot fail.
        let _ = write_family(&mut text, family);
    }
    text
}

fn write_family(text: &mut String, family: &Family) -> fmt::Result {
    let name = family.name();
    let help = family.help().replace('\\', "\\\\").replace('\n', "\\n");
    writeln!(text, "# HELP {name} {help}")?;
    writeln!(text, "# TYPE {name} {}", family.kind().name())?;
    for series in family.series() {
        let unit = family.unit();
        match series.value() {
            Value::Counter(count) => {
                write_sample(text, name, series, None, unit.show(*count))?;
            }
            Value::Gauge(level) => write_sample(text, name, series, None, unit.show(*level))?,
            Value::Histogram(seen) => write_histogram(text, name, unit, series, seen)?,
        }
    }
    Ok(())
}

fn write_histogram(
    text: &mut String,
    name: &str,
    unit: Unit,
    series: &Series,
    seen: &HistogramSnapshot,
) -> fmt::Result {
    let buckets = format!("{name}_bucket");
    let mut filled = seen.buckets().peekable();
    let mut below = 0_u64;
    for end in ends(seen.layout().largest()) {
        while let Some((_, count)) = filled.next_if(|&(bucket_end, _)| bucket_end <= end) {
            below = below.wrapping_add(count);
        }
        let end = unit.show(end).to_string();
        write_sample(text, &buckets, series, Some(&end), below)?;
    }
    write_sample(text, &buckets, series, Some("+Inf"), seen.count())?;
    write_sample(
        text,
        &format!("{name}_sum"),
        series,
        None,
        unit.show(seen.sum()),
    )?;
    write_sample(text, &format!("{name}_count"), series, None, seen.count())
}

/// One less than each power of two up to `largest`: every layout has a bucket that ends there.
fn ends(largest: u64) -> impl Iterator<Item = u64> {
    let powers = (0..=u64::BITS).map(|bits| u64::MAX.checked_shr(u64::BITS - bits).unwrap_or(0));
    powers.take_while(move |&end| end <= largest)
}

fn write_sample(
    text: &mut String,
    name: &str,
    series: &Series,
    le: Option<&str>,
    value: impl fmt::Display,
) -> fmt::Result {
    text.push_str(name);
    let mut separator = '{';
    for (label, value) in series.labels().chain(le.map(|end| ("le", end))) {
        write!(text, "{separator}{label}=\"")?;
        push_escaped(text, value);
        text.push('"');
        separator = ',';
    }
    let close = if separator == ',' { "}" } else { "" };
    writeln!(text, "{close} {value}")
}

fn push_escaped(text: &mut String, value: &str) {
    for letter in value.chars() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
}
