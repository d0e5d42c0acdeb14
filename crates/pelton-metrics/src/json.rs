//! Snapshots as JSON.

use std::fmt::{self, Display, Write};

use crate::{Family, HistogramSnapshot, Series, Snapshot, Unit, Value};

/// The percentiles that every histogram tells.
const PERCENTILES: [(&str, f64); 4] = [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p999", 99.9)];

pub(crate) fn write(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_list(&mut text, snapshot.families(), write_family);
    text
}

fn write_list<T>(
    text: &mut String,
    items: &[T],
    mut write_item: impl FnMut(&mut String, &T) -> fmt::Result,
) -> fmt::Result {
    text.push('[');
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        write_item(text, item)?;
    }
    text.push(']');
    Ok(())
}

fn write_family(text: &mut String, family: &Family) -> fmt::Result {
    let (name, help) = (Quoted(family.name()), Quoted(family.help()));
    let (kind, unit) = (family.kind().name(), family.unit());
    write!(text, r#"{{"name":{name},"help":{help},"kind":"{kind}","#)?;
    write!(text, r#""unit":"{}","series":"#, unit.name())?;
    write_list(text, family.series(), |text, series| {
        write_series(text, unit, series)
    })?;
    text.push('}');
    Ok(())
}

fn write_series(text: &mut String, unit: Unit, series: &Series) -> fmt::Result {
    text.push_str(r#"{"labels":{"#);
    for (place, (label, value)) in series.labels().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        write!(text, "{comma}{}:{}", Quoted(label), Quoted(value))?;
    }
    text.push_str(r#"},"value":"#);
    match series.value() {
        Value::Counter(count) => write!(text, "{}", unit.show(*count))?,
        Value::Gauge(level) => write!(text, "{}", unit.show(*level))?,
        Value::Histogram(seen) => write_histogram(text, unit, seen)?,
    }
    text.push('}');
    Ok(())
}

fn write_histogram(text: &mut String, unit: Unit, seen: &HistogramSnapshot) -> fmt::Result {
    let (count, sum) = (seen.count(), unit.show(seen.sum()));
    write!(text, r#"{{"count":{count},"sum":{sum}"#)?;
    let show = |value: u64| unit.show(value);
    write_member(text, "min", seen.min().map(show))?;
    write_member(text, "max", seen.max().map(show))?;
    write_member(text, "mean", seen.mean().map(|mean| unit.to_base(mean)))?;
    for (name, percent) in PERCENTILES {
        write_member(text, name, seen.percentile(percent).map(show))?;
    }
    text.push('}');
    Ok(())
}

fn write_member(text: &mut String, name: &str, value: Option<impl Display>) -> fmt::Result {
    match value {
        Some(value) => write!(text, r#","{name}":{value}"#),
        None => write!(text, r#","{name}":null"#),
    }
}

/// A JSON string.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for letter in self.0.chars() {
            match letter {
                '"' | '\\' => write!(f, "\\{letter}")?,
                control if control < ' ' => write!(f, "\\u{:04x}", u32::from(control))?,
                other => f.write_char(other)?,
            }
        }
        f.write_char('"')
    }
}
