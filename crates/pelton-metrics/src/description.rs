//! What is fixed about a metric when it is registered, and the rules that it must keep.

use crate::{ErrorKind, Layout, Limits, Unit};

/// What a metric measures and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A [`Counter`](crate::Counter).
    Counter,
    /// A [`Gauge`](crate::Gauge).
    Gauge,
    /// A [`Histogram`](crate::Histogram) with these buckets.
    Histogram(Layout),
}

impl Kind {
    /// The kind's name in Prometheus text and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// All that is said about a metric once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) unit: Unit,
    pub(crate) kind: Kind,
}

/// Label names and values, sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Labels {
    pairs: Vec<(String, String)>,
}

impl Description {
    pub(crate) fn new(name: &str, help: &str, unit: Unit, kind: Kind) -> Self {
        let (name, help) = (name.to_owned(), help.to_owned());
        Self {
            name,
            help,
            unit,
            kind,
        }
    }

    /// Checks the name against the rules of Prometheus' data model and naming guide.
    pub(crate) fn check(&self) -> Result<(), ErrorKind> {
        let stem = self.name.strip_suffix("_total");
        let rule = if !is_identifier(&self.name) {
            "names match [a-zA-Z_][a-zA-Z0-9_]* (colons are for recording rules)"
        } else if self.kind == Kind::Counter && stem.is_none() {
            "counters end in _total"
        } else if self.kind != Kind::Counter && stem.is_some() {
            "only counters end in _total"
        } else if is_reserved(&self.name) {
            "_bucket, _count, _sum and _created belong to the parts of a metric"
        } else if !names_unit(stem.unwrap_or(&self.name), self.unit) {
            "the name says its base unit: _bytes, _seconds or _ratio (before _total)"
        } else {
            return Ok(());
        };
        Err(ErrorKind::Name(rule))
    }

    /// In what `self` differs from `other`, which has the same name.
    pub(crate) fn conflict(&self, other: &Self) -> Option<&'static str> {
        if self.kind != other.kind {
            Some("another kind or other buckets")
        } else if self.unit != other.unit {
            Some("another unit")
        } else {
            (self.help != other.help).then_some("another help text")
        }
    }
}

impl Labels {
    /// Sorts and checks `pairs`.
    pub(crate) fn new(
        pairs: &[(&str, &str)],
        kind: Kind,
        limits: &Limits,
    ) -> Result<Self, ErrorKind> {
        if pairs.len() > limits.labels_max {
            let (what, limit) = ("labels", limits.labels_max);
            return Err(ErrorKind::Limit { what, limit });
        }
        let labels = Self::sorted(pairs);
        labels.check(kind, limits)?;
        Ok(labels)
    }

    /// Sorts `pairs`, unchecked.
    pub(crate) fn sorted(pairs: &[(&str, &str)]) -> Self {
        let own = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let mut pairs: Vec<_> = pairs.iter().map(own).collect();
        pairs.sort_unstable();
        Self { pairs }
    }

    fn check(&self, kind: Kind, limits: &Limits) -> Result<(), ErrorKind> {
        let mut previous = None;
        for (name, value) in &self.pairs {
            let rule = if !is_identifier(name) || name.starts_with("__") {
                "names match [a-zA-Z_][a-zA-Z0-9_]* and do not start with __"
            } else if matches!(kind, Kind::Histogram(_)) && name == "le" {
                "le belongs to the buckets of histograms"
            } else if previous == Some(name) {
                "each name comes once"
            } else if value.len() > limits.label_bytes_max {
                "the value is longer than the limit"
            } else {
                previous = Some(name);
                continue;
            };
            let label = name.clone();
            return Err(ErrorKind::Label { label, rule });
        }
        Ok(())
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (&**name, &**value))
    }

    /// True when both have the same names.
    pub(crate) fn same_names(&self, other: &Self) -> bool {
        self.iter()
            .map(|pair| pair.0)
            .eq(other.iter().map(|pair| pair.0))
    }
}

fn is_identifier(name: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(is_word)
        && name
            .bytes()
            .next()
            .is_some_and(|first| !first.is_ascii_digit())
}

fn is_reserved(name: &str) -> bool {
    ["_bucket", "_count", "_sum", "_created"]
        .iter()
        .any(|part| name.ends_with(part))
}

fn names_unit(stem: &str, unit: Unit) -> bool {
    let before = stem.strip_suffix(unit.name());
    unit == Unit::Count || before.is_some_and(|rest| rest.ends_with('_'))
}
