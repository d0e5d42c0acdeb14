//! A pipeline as data.
//!
//! A [`Plan`] says what to do and nothing about how. It is read from a file or from SQL, built in
//! code, sent over a wire, written down again: plain serde data whose expressions are SQL text.

mod environment;
mod interval;
mod locate;
mod parse;
mod read;
mod serve;
mod size;
mod text;

use std::collections::BTreeMap;
use std::fmt;

use pelton_connect::{Compression, Io};
use pelton_format::Ragged;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};

pub use interval::Interval;
pub(crate) use locate::{Locator, Place, first_word};
pub use parse::{OnBad, ParsePlan};
pub use read::PlanError;
pub use serve::{
    FlowPlan, LaneKind, LanePlan, LimitsPlan, Overflow, Pressure, RetryPlan, ServePlan, SpoolPlan,
    SpoolSync, TlsPlan,
};
pub use size::ByteSize;

/// A pipeline: where records come from, what is done with them, where they go.
///
/// ```
/// use pelton::plan::Plan;
///
/// let plan: Plan = Plan::from_toml(r#"
///     [source]
///     path = "orders.csv"
///     [[stage]]
///     filter = "quantity > 5"
///     [sink]
///     path = "-"
/// "#)?;
/// assert_eq!(plan.stages.len(), 1);
/// # Ok::<(), pelton::plan::PlanError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Where records come from.
    pub source: SourcePlan,
    /// What is done with them, in order.
    #[serde(default, rename = "stage", skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StagePlan>,
    /// Where they go; not there when branches say so.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sink: SinkPlan,
    /// Ways that all of them take side by side after the stages, each to a sink of its own.
    #[serde(default, rename = "branch", skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<BranchPlan>,
    /// Ways of their own for some of the records of a pipeline without an end.
    #[serde(default, rename = "lane", skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<LanePlan>,
    /// How it is run.
    #[serde(default)]
    pub engine: EnginePlan,
    /// How records without an end flow.
    #[serde(default, skip_serializing_if = "is_default")]
    pub flow: FlowPlan,
    /// How a pipeline without an end is served.
    #[serde(default, skip_serializing_if = "is_default")]
    pub serve: ServePlan,
    /// Where refused records go, with `on_error = "dead_letter"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<DeadLetterPlan>,
}

impl Plan {
    /// The sinks: those of the branches, or the one.
    pub(crate) fn sinks(&self) -> impl Iterator<Item = &SinkPlan> {
        let one = self.branches.is_empty().then_some(&self.sink);
        let branches = self.branches.iter().map(|branch| &branch.sink);
        one.into_iter().chain(branches)
    }
}

/// Where records come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourcePlan {
    /// A file, a directory, a pattern (`logs/*.csv`), or `-` for standard input.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Addresses to listen on, for a pipeline without an end: `tcp://127.0.0.1:9000`,
    /// `unix:///run/app.sock`, `udp://…`, `http://…`, `acked://…`, `tail:///var/log/app.log`,
    /// `stdin`. An address without a host is that of this machine alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listen: Vec<String>,
    /// What listeners demand of those who connect.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: LimitsPlan,
    /// The log on the disk that what nobody can send again is written to before it is taken; it
    /// goes straight on unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spool: Option<SpoolPlan>,
    /// With which certificate `tcp://`, `http://` and `acked://` speak TLS; plainly unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsPlan>,
    /// The bearer token that HTTP requests must carry; `${NAME}` takes it from the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The format; by the path's extension unless given, and CSV for standard input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<FormatName>,
    /// Types of fields that are not to be inferred, by name: `{ price = "decimal(18,4)" }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub schema: BTreeMap<String, String>,
    /// CSV: what stands between two fields, one byte. A comma unless given, a tab for TSV.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// CSV: what encloses a field, one byte, or nothing where a quote is a byte like others. A
    /// double quote unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// CSV: what makes the byte after it stand for itself between quotes, one byte. None unless
    /// given; doubled quotes are quotes in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escape: Option<char>,
    /// CSV: lines that begin with this byte are no records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<char>,
    /// CSV: what becomes of records with more or fewer fields than the header: `reject` (unless
    /// given), `pad`, `truncate`, or `fit`, which is both.
    #[serde(default, with = "text", skip_serializing_if = "is_default")]
    pub ragged: Ragged,
    /// CSV: whether the first record names the fields. True unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// Logs: `combined` (unless given), `common`, `syslog`, `syslog-bsd`, `logfmt`, a dissect
    /// pattern such as `%{host} [%{ts}] %{message}`, or a regular expression with named groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Which fields must read as their types for a record to be whole.
    #[serde(default, skip_serializing_if = "is_default")]
    pub check: Check,
    /// How the input is compressed: `auto`, by its first bytes, unless given.
    #[serde(default, with = "text", skip_serializing_if = "is_default")]
    pub compression: Compression,
    /// How files come into memory: `read`, `mmap`, or what is faster, `auto`.
    #[serde(default, with = "text", skip_serializing_if = "is_default")]
    pub io: Io,
}

/// Which fields of a record are checked against their types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Those that the pipeline uses; the others are never looked at.
    #[default]
    Used,
    /// All of them.
    All,
}

/// The formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FormatName {
    /// Comma-separated values.
    Csv,
    /// Tab-separated values: CSV with tabs.
    Tsv,
    /// A JSON object a line.
    Ndjson,
    /// Lines of text, in one column `line`.
    Text,
    /// Lines of a log, taken apart by `source.pattern`.
    Log,
    /// Binary: each record its length and its payload.
    Frames,
    /// Binary: each record its id, its time, its length and its payload.
    Events,
    /// For people, to be written alone: aligned columns below their names.
    Table,
}

impl FormatName {
    /// The format that the extension of `path` stands for, without that of a codec: that of
    /// `orders.csv.gz` is CSV.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        match Compression::base(path)
            .rsplit_once('.')?
            .1
            .to_ascii_lowercase()
            .as_str()
        {
            "csv" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "ndjson" | "jsonl" | "json" => Some(Self::Ndjson),
            "txt" | "text" | "log" | "md" => Some(Self::Text),
            _ => None,
        }
    }
}

/// One step. In a file a stage is a table with one key, the name of what it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StagePlan {
    /// Keeps the records for which the expression is true.
    Filter(String),
    /// Adds columns, in order; each may use those before it.
    Derive(Expressions),
    /// Keeps these columns in this order: names, or `expression AS name`.
    Select(Vec<String>),
    /// Leaves these columns out.
    Drop(Vec<String>),
    /// Renames columns, `{ old = "new" }`.
    Rename(Expressions),
    /// Refuses records for which a named rule is false.
    Validate(Expressions),
    /// Groups records and computes figures for each group.
    Aggregate(AggregatePlan),
    /// Groups records by stretches of their own time, and computes figures for each group.
    Window(WindowPlan),
    /// Orders records.
    Sort(Vec<String>),
    /// Leaves out the first records.
    Skip(u64),
    /// Keeps the first records.
    Limit(u64),
    /// Keeps the first record for each combination of these columns, or of all when empty.
    Distinct(Vec<String>),
    /// Keeps the first of the records with equal keys that come close upon each other.
    Dedup(DedupPlan),
    /// Changes a column of text, or counts its words.
    Text(TextPlan),
    /// Takes a column of text apart into columns.
    Parse(ParsePlan),
}

impl StagePlan {
    /// The key of the stage in a file.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Filter(_) => "filter",
            Self::Derive(_) => "derive",
            Self::Select(_) => "select",
            Self::Drop(_) => "drop",
            Self::Rename(_) => "rename",
            Self::Validate(_) => "validate",
            Self::Aggregate(_) => "aggregate",
            Self::Window(_) => "window",
            Self::Sort(_) => "sort",
            Self::Skip(_) => "skip",
            Self::Limit(_) => "limit",
            Self::Distinct(_) => "distinct",
            Self::Dedup(_) => "dedup",
            Self::Text(_) => "text",
            Self::Parse(_) => "parse",
        }
    }
}

/// Groups and what is computed for each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AggregatePlan {
    /// The columns or expressions that make a group; without any there is one group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// The figures by name: `{ orders = "count(*)", revenue = "sum(total)" }`.
    pub compute: Expressions,
}

/// What is done with a column of text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextPlan {
    /// The column; `line` unless given, which is what lines of text are called.
    #[serde(default = "line", skip_serializing_if = "is_line")]
    pub column: String,
    /// What is done, in order.
    pub apply: Vec<Processor>,
}

impl TextPlan {
    /// Does `processors` with the column `line`, one after the other.
    #[must_use]
    pub fn of_lines(processors: impl IntoIterator<Item = Processor>) -> Self {
        Self {
            column: line(),
            apply: processors.into_iter().collect(),
        }
    }
}

fn line() -> String {
    "line".to_owned()
}

fn is_line(column: &str) -> bool {
    column == "line"
}

/// What can be done with text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Processor {
    /// Capital letters.
    Uppercase,
    /// Small letters.
    Lowercase,
    /// Without the white space at both ends.
    Trim,
    /// The characters in reverse.
    Reverse,
    /// One record with the number of lines, words and bytes; nothing may follow it.
    Wordcount,
}

/// One of several ways that every record takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BranchPlan {
    /// What it is called in reports and errors; `branch 1`, `branch 2`, … unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is done with the records, in order.
    #[serde(default, rename = "stage", skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StagePlan>,
    /// Where they go.
    pub sink: SinkPlan,
}

/// Which records are the same, and how long one is remembered: for so many records, or for so long
/// before the latest time. All are remembered unless told otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DedupPlan {
    /// The columns that must be equal.
    pub key: Vec<String>,
    /// How many records kept are remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// How long before the latest `time` they are remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Interval>,
    /// The column that is a record's time, with `within`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

/// Stretches of time, and what is computed for each group of records in them.
///
/// A `size` alone makes windows one behind the other, with a `step` windows that overlap, and a
/// `gap` alone sessions: records that come with less than that between them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowPlan {
    /// The column or expression that is a record's time.
    pub time: String,
    /// How long a window is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Interval>,
    /// How long from the start of one window to that of the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Interval>,
    /// How long without a record ends a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Interval>,
    /// How much later than a later one a record may come; those that come after that are refused
    /// as late. In an input with an end nothing is late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lateness: Option<Interval>,
    /// The columns or expressions that make a group within a window.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// The figures by name.
    pub compute: Expressions,
}

/// Where records go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinkPlan {
    /// A file, or `-` for standard output.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Somewhere else, for a pipeline without an end: `sqlite:events.db`, `postgres://…`,
    /// `http://…`, `tcp://…`, `memory:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// HTTP: the bearer token of each request; `${NAME}` takes it from the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Databases: the table, which is made when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Databases: the columns that make two records the same; the first of them has its effect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// Databases: whether a record with the key of an earlier one replaces it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub replace: bool,
    /// Files of a pipeline without an end: a new one after so many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_size: Option<ByteSize>,
    /// Files of a pipeline without an end: a new one after so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_after: Option<Interval>,
    /// Memory: how many records are kept, the newest; 100,000 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_records: Option<u64>,
    /// Memory: how many bytes of records are kept, the newest; 16 MiB unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_bytes: Option<ByteSize>,
    /// How patiently a sink without an end is tried again.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retry: RetryPlan,
    /// The format; by the path's extension unless given, and CSV for standard output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<FormatName>,
    /// CSV: what stands between two fields, one byte. A comma unless given, a tab for TSV.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// CSV: what encloses a field that needs it, one byte. A double quote unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<char>,
    /// CSV: what stands before a quote between quotes, one byte. Another quote unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escape: Option<char>,
    /// CSV: whether the first record names the fields. True unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// CSV: whether a carriage return stands before each newline.
    #[serde(default, skip_serializing_if = "is_default")]
    pub crlf: bool,
    /// How the output is compressed: `auto`, by the path's extension, unless given.
    #[serde(default, with = "text", skip_serializing_if = "is_default")]
    pub compression: Compression,
    /// How hard to compress: 0 to 9 for gzip, of which 6 is usual, 1 to 19 for zstd, of which 3 is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u32>,
    /// Whether the run ends only when the disk has the output file; of a server, whether each put
    /// waits until the disk has it. It does not wait unless told.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sync: bool,
}

/// Where refused records go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterPlan {
    /// A file of NDJSON, a line for each record.
    pub path: String,
}

/// How a pipeline is run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EnginePlan {
    /// Threads that work; as many as there are processors unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<usize>,
    /// All memory that grows with the data must fit in here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<ByteSize>,
    /// What happens to a record that is refused.
    pub on_error: OnError,
    /// Bytes that are read and worked on at once; chosen by the memory limit unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_size: Option<ByteSize>,
    /// The longest record; longer ones are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_limit: Option<ByteSize>,
    /// Whether records leave in the order in which they came.
    pub ordered: bool,
    /// Whether each worker is bound to a processor.
    pub pin: bool,
    /// Whether state that outgrows the memory limit may be written to disk.
    pub spill: bool,
    /// The directory it is written to; the system's for temporary files unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spill_dir: Option<String>,
}

impl Default for EnginePlan {
    fn default() -> Self {
        Self {
            workers: None,
            memory_limit: None,
            on_error: OnError::Fail,
            block_size: None,
            record_limit: None,
            ordered: true,
            pin: false,
            spill: true,
            spill_dir: None,
        }
    }
}

/// What happens to a record that is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The run stops; there is no output.
    #[default]
    Fail,
    /// It is left out and counted.
    Skip,
    /// It is left out, counted, and written to the dead letter with its place and the reason.
    DeadLetter,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Names and expressions in the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expressions(pub Vec<(String, String)>);

impl<N: Into<String>, E: Into<String>> FromIterator<(N, E)> for Expressions {
    fn from_iter<I: IntoIterator<Item = (N, E)>>(entries: I) -> Self {
        Self(
            entries
                .into_iter()
                .map(|(name, text)| (name.into(), text.into()))
                .collect(),
        )
    }
}

impl Serialize for Expressions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, text) in &self.0 {
            map.serialize_entry(name, text)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Expressions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> de::Visitor<'de> for Entries {
            type Value = Expressions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of names and SQL expressions in quotes")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Expressions, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Expressions(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
