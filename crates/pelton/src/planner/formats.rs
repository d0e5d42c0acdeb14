//! Which format an input or output has.

use std::sync::Arc;

use pelton_connect::{Compression, Input, ReadOptions};
use pelton_format::{
    Binary, BinaryLayout, Csv, Format, Limits, Log, LogPattern, Ndjson, Ragged, Text,
};
use pelton_pool::BufferPool;

use crate::plan::{FormatName, PlanError, SinkPlan, SourcePlan};

/// Gives a source whose path names no format, a directory say, that of its first file.
pub(super) fn complete(source: &mut SourcePlan, inputs: &[Input]) {
    let named = source.format.is_some() || FormatName::of_path(&source.path).is_some();
    if let (false, Some(first)) = (named, inputs.first()) {
        source.format = FormatName::of_path(first.name());
    }
}

/// Bytes in which the first lines of a log are looked for.
const LOG_BYTES: usize = 64 << 10;

/// Gives a source called `.log` the log format when it has a pattern, or is an access log by its
/// first lines; it is text otherwise.
pub(super) fn recognize(
    source: &mut SourcePlan,
    inputs: &[Input],
    options: &ReadOptions,
    pool: &BufferPool,
) -> Result<(), pelton_connect::Error> {
    let Some(first) = inputs.first() else {
        return Ok(());
    };
    let name = Compression::base(first.name()).to_ascii_lowercase();
    if source.format.is_some() || !name.ends_with(".log") {
        return Ok(());
    }
    let pattern = match &source.pattern {
        Some(_) => None,
        None => {
            let beginning = first.beginning(LOG_BYTES, options, pool)?;
            let pattern = beginning.and_then(|bytes| LogPattern::recognize(&bytes));
            let Some(pattern) = pattern else {
                return Ok(());
            };
            Some(pattern.to_string())
        }
    };
    source.format = Some(FormatName::Log);
    source.pattern = source.pattern.take().or(pattern);
    Ok(())
}

/// The format of a source: what it says, or what its path's extension says.
pub(super) fn input(
    source: &SourcePlan,
    record_bytes_max: usize,
) -> Result<Arc<dyn Format>, PlanError> {
    let limits = Limits { record_bytes_max };
    let name = name("source", source.format, &source.path)?;
    let dialect = source.delimiter.is_some()
        || source.quote.is_some()
        || source.escape.is_some()
        || source.comment.is_some()
        || source.header.is_some()
        || source.ragged != Ragged::Reject;
    if dialect && !matches!(name, FormatName::Csv | FormatName::Tsv) {
        return Err(PlanError::new(
            "source: delimiter, quote, escape, comment, header and ragged are for csv and tsv \
             alone",
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
        FormatName::Table => {
            return Err(PlanError::new(
                "source: table is a format to write, not to read",
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

fn csv(source: &SourcePlan, name: FormatName, limits: Limits) -> Result<Csv, PlanError> {
    let quote = match source.quote.as_deref().map(str::chars) {
        None => Some('"'),
        Some(mut letters) => match (letters.next(), letters.next()) {
            (first, None) => first,
            (first, _) => first.map(|_| '\n'),
        },
    };
    let key = |key: &'static str, letter| byte("source", key, letter);
    let csv = Csv {
        delimiter: key("delimiter", source.delimiter)?.unwrap_or(usual_delimiter(name)),
        quote: key("quote", quote)?,
        escape: key("escape", source.escape)?.filter(|&byte| Some(byte as char) != quote),
        comment: key("comment", source.comment)?,
        header: source.header.unwrap_or(true),
        ragged: source.ragged,
        limits,
        ..Csv::default()
    };
    told_apart("source", &csv)
}

/// CSV without a header, in a column of text.
pub(super) fn fields(
    name: FormatName,
    delimiter: Option<char>,
    limits: Limits,
) -> Result<Csv, PlanError> {
    let delimiter = byte("parse", "delimiter", delimiter)?;
    let csv = Csv {
        delimiter: delimiter.unwrap_or(usual_delimiter(name)),
        header: false,
        limits,
        ..Csv::default()
    };
    told_apart("parse", &csv)
}

fn csv_output(sink: &SinkPlan, name: FormatName) -> Result<Csv, PlanError> {
    let key = |key: &'static str, letter| byte("sink", key, letter);
    let csv = Csv {
        delimiter: key("delimiter", sink.delimiter)?.unwrap_or(usual_delimiter(name)),
        quote: Some(key("quote", sink.quote)?.unwrap_or(b'"')),
        escape: key("escape", sink.escape)?.filter(|&byte| Some(byte as char) != sink.quote),
        header: sink.header.unwrap_or(true),
        crlf: sink.crlf,
        ..Csv::default()
    };
    told_apart("sink", &csv)
}

fn usual_delimiter(name: FormatName) -> u8 {
    if name == FormatName::Tsv { b'\t' } else { b',' }
}

/// The byte of a key of `side` that takes one character.
fn byte(side: &str, key: &str, letter: Option<char>) -> Result<Option<u8>, PlanError> {
    let Some(letter) = letter else {
        return Ok(None);
    };
    let fits = letter.is_ascii() && !matches!(letter, '\n' | '\r');
    let byte = fits.then_some(Some(letter as u8));
    byte.ok_or_else(|| PlanError::new(format!("{side}.{key}: expected one ASCII character")))
}

/// Bytes with a meaning of their own differ.
fn told_apart(side: &str, csv: &Csv) -> Result<Csv, PlanError> {
    let special = [
        ("delimiter", Some(csv.delimiter)),
        ("quote", csv.quote),
        ("escape", csv.escape),
        ("comment", csv.comment),
    ];
    for (index, (first, byte)) in special.iter().enumerate() {
        let same = special[..index]
            .iter()
            .find(|(_, other)| byte.is_some() && other == byte);
        if let Some((second, _)) = same {
            let message = format!("{side}: {second} and {first} must differ");
            return Err(PlanError::new(message));
        }
    }
    Ok(*csv)
}

/// The format of a sink.
pub(super) fn output(sink: &SinkPlan) -> Result<Arc<dyn Format>, PlanError> {
    let limits = Limits::default();
    let name = name("sink", sink.format, &sink.path)?;
    let dialect = sink.delimiter.is_some()
        || sink.quote.is_some()
        || sink.escape.is_some()
        || sink.header.is_some()
        || sink.crlf;
    if dialect && !matches!(name, FormatName::Csv | FormatName::Tsv) {
        return Err(PlanError::new(
            "sink: delimiter, quote, escape, header and crlf are for csv and tsv alone",
        ));
    }
    Ok(match name {
        FormatName::Csv | FormatName::Tsv => Arc::new(csv_output(sink, name)?),
        // Drawn from CSV by the sink itself, which sees more than a block at a time.
        FormatName::Table => Arc::new(Csv::default()),
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
    let (Ok(from), Ok(to)) = (from, to) else {
        return false;
    };
    if !matches!(from, FormatName::Csv | FormatName::Tsv) {
        return from == to;
    }
    let both = (csv(source, from, Limits::default()), csv_output(sink, to));
    let (Ok(from), Ok(to), FormatName::Csv | FormatName::Tsv) = (both.0, both.1, to) else {
        return false;
    };
    let dialect = |csv: &Csv| (csv.delimiter, csv.quote, csv.escape);
    dialect(&from) == dialect(&to) && from.header && from.ragged == Ragged::Reject
}
