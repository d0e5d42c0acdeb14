//! Which format an input or output has.

use std::sync::Arc;

use pelton_connect::Input;
use pelton_format::{Binary, BinaryLayout, Csv, Format, Limits, Log, Ndjson, Text};

use crate::plan::{FormatName, PlanError, SinkPlan, SourcePlan};

/// Gives a source whose path names no format, a directory say, that of its first file.
pub(super) fn complete(source: &mut SourcePlan, inputs: &[Input]) {
    let named = source.format.is_some() || FormatName::of_path(&source.path).is_some();
    if let (false, Some(first)) = (named, inputs.first()) {
        source.format = FormatName::of_path(first.name());
    }
}

/// The format of a source: what it says, or what its path's extension says.
pub(super) fn input(
    source: &SourcePlan,
    record_bytes_max: usize,
) -> Result<Arc<dyn Format>, PlanError> {
    let limits = Limits { record_bytes_max };
    let name = name("source", source.format, &source.path)?;
    let dialect = source.delimiter.is_some() || source.quote.is_some() || source.header.is_some();
    if dialect && !matches!(name, FormatName::Csv | FormatName::Tsv) {
        return Err(PlanError::new(
            "source: delimiter, quote and header are for csv and tsv alone",
        ));
    }
    if source.pattern.is_some() && name != FormatName::Log {
        return Err(PlanError::new("source: pattern is for log alone"));
    }
    Ok(match name {
        FormatName::Csv | FormatName::Tsv => Arc::new(csv(source, name, limits)?),
        FormatName::Ndjson => Arc::new(Ndjson { limits }),
        FormatName::Text => Arc::new(Text { limits }),
        FormatName::Log => {
            let pattern = source.pattern.as_deref().unwrap_or("combined");
            let wrong = |error| PlanError::new(format!("source.pattern: {error}"));
            let pattern = pattern.parse().map_err(wrong)?;
            Arc::new(Log { pattern, limits })
        }
        FormatName::Frames => Arc::new(Binary {
            layout: BinaryLayout::Frames,
            limits,
        }),
        FormatName::Events => Arc::new(Binary {
            layout: BinaryLayout::Events,
            limits,
        }),
    })
}

fn csv(source: &SourcePlan, name: FormatName, limits: Limits) -> Result<Csv, PlanError> {
    let usual = if name == FormatName::Tsv { '\t' } else { ',' };
    let byte = |key: &str, letter: char| {
        let fits = letter.is_ascii() && !matches!(letter, '\n' | '\r');
        fits.then_some(letter as u8).ok_or_else(|| {
            PlanError::new(format!(
                "source.{key}: expected one ASCII character, found {letter:?}"
            ))
        })
    };
    let delimiter = byte("delimiter", source.delimiter.unwrap_or(usual))?;
    let quote = byte("quote", source.quote.unwrap_or('"'))?;
    if delimiter == quote {
        return Err(PlanError::new("source: delimiter and quote must differ"));
    }
    Ok(Csv {
        delimiter,
        quote: Some(quote),
        header: source.header.unwrap_or(true),
        limits,
    })
}

/// The format of a sink.
pub(super) fn output(sink: &SinkPlan) -> Result<Arc<dyn Format>, PlanError> {
    let limits = Limits::default();
    Ok(match name("sink", sink.format, &sink.path)? {
        FormatName::Csv => Arc::new(Csv::default()),
        FormatName::Tsv => Arc::new(Csv {
            delimiter: b'\t',
            ..Csv::default()
        }),
        FormatName::Ndjson => Arc::new(Ndjson { limits }),
        FormatName::Text => Arc::new(Text { limits }),
        FormatName::Log => {
            return Err(PlanError::new(
                "sink: log is a format to read, not to write",
            ));
        }
        FormatName::Frames => Arc::new(Binary {
            layout: BinaryLayout::Frames,
            limits,
        }),
        FormatName::Events => Arc::new(Binary {
            layout: BinaryLayout::Events,
            limits,
        }),
    })
}

fn name(side: &str, given: Option<FormatName>, path: &str) -> Result<FormatName, PlanError> {
    if let Some(name) = given {
        return Ok(name);
    }
    let streams = path.is_empty() || path == "-" || path.starts_with("/dev/");
    FormatName::of_path(path)
        .or(streams.then_some(FormatName::Csv))
        .ok_or_else(|| {
            let message = format!(
                "{side}: the extension of `{path}` names no format: set {side}.format to csv, tsv, \
             ndjson or text"
            );
            PlanError::new(message)
        })
}

/// True when records can be copied from source to sink as they are.
pub(super) fn same(source: &SourcePlan, sink: &SinkPlan) -> bool {
    let from = name("source", source.format, &source.path);
    let to = name("sink", sink.format, &sink.path);
    let usual =
        source.delimiter.is_none() && source.quote.is_none() && source.header != Some(false);
    matches!((from, to), (Ok(from), Ok(to)) if from == to) && usual
}
