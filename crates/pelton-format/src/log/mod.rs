//! Logs: a record a line, taken apart by a pattern.
//!
//! A line must match its pattern exactly, from its first byte to its last, or it is refused as
//! `syntax` with the byte where it leaves the pattern. Blank lines are no records. A part without
//! characters is null.

mod access;
mod decoder;
mod dissect;
mod expression;
mod logfmt;
mod pattern;
mod syslog;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use pelton_record::{DataType, Field, Schema};

use crate::infer::{Evidence, Verdict};
use crate::lines::LineFramer;
use crate::text::TextEncoder;
use crate::{Decoder, Encoder, Error, Format, Framer, Limits, Opened};

use decoder::LogDecoder;
use pattern::{Name, Part, Pattern};

/// The log format: a pattern that every line must match.
///
/// Written are the values of all columns, with a space between them.
///
/// ```
/// use pelton_format::{Format, Log};
/// use pelton_record::{Block, Origin, Value};
///
/// let log = Log::new("combined".parse()?);
/// let schema = log.open(b"", true)?.schema;
/// let line = br#"::1 - ann [10/Oct/2000:13:55:36 -0700] "GET /a?b=1 HTTP/1.1" 200 23 "-" "curl""#;
/// let status = schema.index_of("status").unwrap();
/// let mut decoder = log.decoder(&schema, &[status]);
/// let batch = decoder.decode(Block::new(line.to_vec()), Origin::default());
/// assert_eq!(batch.column(0).value(0), Value::Int64(200));
/// # Ok::<(), pelton_format::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// How lines look.
    pub pattern: LogPattern,
    /// Bounds of a line.
    pub limits: Limits,
}

impl Log {
    /// Logs of `pattern`, with lines of at most 1 MiB.
    #[must_use]
    pub fn new(pattern: LogPattern) -> Self {
        Self {
            pattern,
            limits: Limits::default(),
        }
    }
}

/// Lines that [`LogPattern::recognize`] looks at.
const LOOKED_AT: usize = 32;

/// How the lines of a log look; read from text.
///
/// | text | lines | columns |
/// |---|---|---|
/// | `combined` | access logs of Apache and nginx | `host`, `ident`, `user`, `ts` timestamp, `method`, `path` without the query, `query`, `protocol`, `status` int64, `bytes` int64, `referer`, `user_agent` |
/// | `common` | the same without the last two | |
/// | `syslog` | RFC 5424 | `facility` int64, `severity` int64, `ts` timestamp, `host`, `app`, `procid`, `msgid`, `structured_data`, `message` |
/// | `syslog-bsd` | RFC 3164, with or without a priority | `facility` int64, `severity` int64, `ts` string, as it has no year, `host`, `tag`, `pid`, `message` |
/// | `logfmt` | `key=value key="a value" flag` | the keys of a sample |
/// | `%{host} [%{ts}] %{msg}` | keys with fixed text between them | the keys |
/// | `regex:(?<level>\w+) (?<msg>.*)` | what the expression matches, from end to end | the named groups |
///
/// In the first four, a part that is a single `-` is null (in `syslog-bsd` there is none), and
/// backslash escapes inside quotes stay as they stand. `"-"` for a request leaves its parts null.
/// In logfmt, quoted values have JSON's escapes. The types of columns that have none here come
/// from the sample, by the rules of CSV.
///
/// Declared as other types than these, `ts` is read as its text, `facility` and `severity` as that
/// of the priority, of which they are the quotient and the remainder by 8.
///
/// In a dissect pattern, a key takes everything up to the next occurrence of the text behind it,
/// the last one everything up to the end of the line or the text that must stand there. `%{}` and
/// `%{?name}` are no columns; `%{name->}` passes over repetitions of the text behind it.
///
/// Regular expressions have the syntax of the `regex` crate and run in linear time. `regex:` may
/// be left out when there is a named group.
#[derive(Clone)]
pub struct LogPattern {
    text: Arc<str>,
    pattern: Arc<dyn Pattern>,
}

impl LogPattern {
    /// The pattern of an access log, `combined` or `common`, that most of the first lines of
    /// `beginning` match; nothing when there is none. A line without its end is left out.
    ///
    /// ```
    /// use pelton_format::LogPattern;
    ///
    /// let line = "::1 - ann [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 23\n";
    /// assert_eq!(LogPattern::recognize(line.as_bytes()).unwrap().to_string(), "common");
    /// assert!(LogPattern::recognize(b"10:04 started\n").is_none());
    /// ```
    #[must_use]
    pub fn recognize(beginning: &[u8]) -> Option<Self> {
        let end = pelton_simd::lines::last(beginning)?;
        let lines = beginning[..end].split(|&byte| byte == b'\n');
        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let lines: Vec<&[u8]> = lines
            .filter(|line| !line.is_empty())
            .take(LOOKED_AT)
            .collect();
        let known = ["combined", "common"].into_iter();
        let mut patterns = known.filter_map(|name| name.parse::<Self>().ok());
        patterns.find(|pattern| lines.len() < 2 * pattern.matches(&lines))
    }

    /// How many of the lines match.
    fn matches(&self, lines: &[&[u8]]) -> usize {
        let mut splitter = self.pattern.splitter();
        let mut fits = |line: &[u8]| {
            std::str::from_utf8(line).is_ok() && splitter.split(line, &mut |_, _, _| ()).is_ok()
        };
        lines.iter().filter(|line| fits(line)).count()
    }
}

impl FromStr for LogPattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let pattern: Arc<dyn Pattern> = match text {
            "combined" => Arc::new(access::Access { combined: true }),
            "common" => Arc::new(access::Access { combined: false }),
            "syslog" => Arc::new(syslog::Rfc5424),
            "syslog-bsd" => Arc::new(syslog::Rfc3164),
            "logfmt" => Arc::new(logfmt::Logfmt),
            _ => custom(text)?,
        };
        let text = text.into();
        Ok(Self { text, pattern })
    }
}

/// A pattern that is no name.
fn custom(text: &str) -> Result<Arc<dyn Pattern>, Error> {
    if let Some(expression) = text.strip_prefix("regex:") {
        return Ok(Arc::new(expression::Expression::parse(expression)?));
    }
    if text.contains("(?<") || text.contains("(?P<") {
        return Ok(Arc::new(expression::Expression::parse(text)?));
    }
    if text.contains("%{") {
        return Ok(Arc::new(dissect::Dissect::parse(text)?));
    }
    let names = ["combined", "common", "syslog", "syslog-bsd", "logfmt"];
    let hint = match pelton_record::nearest(text, names) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => format!(
            ", expected one of {}, a dissect pattern as `%{{host}} %{{message}}`, or a regular \
             expression with named groups",
            names.join(", ")
        ),
    };
    Err(Error::new(format!("unknown log pattern `{text}`{hint}")))
}

impl fmt::Display for LogPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for LogPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogPattern").field(&self.text).finish()
    }
}

impl PartialEq for LogPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for LogPattern {}

impl Format for Log {
    fn name(&self) -> &'static str {
        "log"
    }

    fn is_positional(&self) -> bool {
        false
    }

    fn open(&self, sample: &[u8], complete: bool) -> Result<Opened, Error> {
        let mut seen = Seen::new(self.pattern.pattern.parts());
        let lines = match pelton_simd::lines::last(sample) {
            Some(last) if !complete => &sample[..last],
            _ => sample,
        };
        let mut splitter = self.pattern.pattern.splitter();
        for line in lines.split(|&byte| byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if std::str::from_utf8(line).is_err() {
                continue;
            }
            let mut found = Vec::new();
            let emit = &mut |name: Name<'_>, view: pelton_record::View, _| {
                found.extend(seen.index(name).map(|index| (index, view)));
            };
            if splitter.split(line, emit).is_ok() {
                for (index, view) in found {
                    seen.evidence[index].add(view.of(line));
                }
            }
        }
        let (schema, doubtful) = seen.schema();
        Ok(Opened {
            schema,
            doubtful,
            data_start: 0,
        })
    }

    fn framer(&self) -> Box<dyn Framer> {
        Box::new(LineFramer::new(self.limits.record_bytes_max))
    }

    fn decoder(&self, schema: &Schema, wanted: &[usize]) -> Box<dyn Decoder> {
        Box::new(LogDecoder::new(&self.pattern, self.limits, schema, wanted))
    }

    fn encoder(&self) -> Box<dyn Encoder> {
        Box::new(TextEncoder)
    }
}

/// Keys that are taken from a sample at most.
const KEYS_MAX: usize = 1024;

/// The parts seen in a sample, in order of first appearance.
struct Seen {
    parts: Vec<Part>,
    evidence: Vec<Evidence>,
}

impl Seen {
    fn new(parts: Vec<Part>) -> Self {
        Self {
            evidence: vec![Evidence::default(); parts.len()],
            parts,
        }
    }

    /// The place of a part, unless there are too many already.
    fn index(&mut self, name: Name<'_>) -> Option<usize> {
        let key = match name {
            Name::Part(index) => return Some(index),
            Name::Key(key) => String::from_utf8_lossy(key),
        };
        let known = self.parts.iter().position(|part| part.name == key);
        if known.is_none() && self.parts.len() < KEYS_MAX {
            self.parts.push(Part::untyped(&key));
            self.evidence.push(Evidence::default());
            return Some(self.parts.len() - 1);
        }
        known
    }

    fn schema(self) -> (Schema, Vec<Option<DataType>>) {
        let fields = self.parts.into_iter().zip(self.evidence);
        let (fields, doubtful) = fields
            .map(|(part, evidence)| {
                let fixed = part.data_type.map(|data_type| Verdict {
                    data_type,
                    doubtful: None,
                });
                let Verdict {
                    data_type,
                    doubtful,
                } = fixed.unwrap_or_else(|| evidence.verdict());
                let name = part.name;
                (Field { name, data_type }, doubtful)
            })
            .unzip();
        (Schema::new(fields), doubtful)
    }
}
