//! The options that say how an input is read, shared by the commands that take one.

use clap::Args;
use pelton::connect::{Compression, Io};
use pelton::format::Ragged;
use pelton::plan::{FormatName, SourcePlan};

#[derive(Debug, Args)]
#[command(next_help_heading = "How the input is read")]
pub(crate) struct Reading {
    /// Its format, where the extension does not say it: csv, tsv, ndjson, text, log, frames,
    /// events.
    #[arg(long, value_name = "FORMAT", value_parser = format_name)]
    input_format: Option<FormatName>,
    /// The pattern of log lines: combined, common, syslog, syslog-bsd, logfmt, a dissect pattern,
    /// or a regular expression.
    #[arg(long)]
    pattern: Option<String>,
    /// CSV: what stands between two fields.
    #[arg(long, short, value_name = "CHARACTER")]
    delimiter: Option<char>,
    /// CSV: what encloses a field; nothing where a quote is a character like others.
    #[arg(long, value_name = "CHARACTER")]
    quote: Option<String>,
    /// CSV: what makes the character after it stand for itself between quotes.
    #[arg(long, value_name = "CHARACTER")]
    escape: Option<char>,
    /// CSV: lines that begin with it are no records.
    #[arg(long, value_name = "CHARACTER")]
    comment: Option<char>,
    /// CSV: the first record names no fields; they are column_1, column_2, ...
    #[arg(long)]
    no_header: bool,
    /// CSV: records with more or fewer fields than the header: reject, pad, truncate, fit.
    #[arg(long, value_name = "POLICY", default_value_t)]
    ragged: Ragged,
    /// How it is compressed: auto, none, gzip, zstd.
    #[arg(long, value_name = "CODEC", default_value_t)]
    compression: Compression,
    /// How files come into memory: auto, read, mmap.
    #[arg(long, default_value_t)]
    io: Io,
}

/// A format by its name in a pipeline file.
fn format_name(text: &str) -> Result<FormatName, String> {
    let name = serde_json::from_value(text.into());
    name.map_err(|error: serde_json::Error| error.to_string())
}

impl Reading {
    /// Sets what was given.
    pub(crate) fn apply(&self, source: &mut SourcePlan) {
        source.format = self.input_format;
        source.pattern.clone_from(&self.pattern);
        source.delimiter = self.delimiter;
        source.quote.clone_from(&self.quote);
        source.escape = self.escape;
        source.comment = self.comment;
        source.header = self.no_header.then_some(false);
        source.ragged = self.ragged;
        source.compression = self.compression;
        source.io = self.io;
    }
}
