//! Why a metric was refused.

use std::fmt;

/// The metric that was refused, and why.
///
/// ```
/// use pelton_metrics::{Registry, Unit};
///
/// let refused = Registry::new().counter("records", "Records.", Unit::Count, &[]);
/// assert_eq!(
///     refused.unwrap_err().to_string(),
///     "metric \"records\": counters end in _total",
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    inner: Box<(String, ErrorKind)>,
}

/// The reasons for which a metric is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The metric's name breaks a rule of Prometheus; says which.
    Name(&'static str),
    /// A label breaks a rule of Prometheus.
    Label {
        /// The label's name.
        label: String,
        /// What is asked of it.
        rule: &'static str,
    },
    /// The name is taken by a metric that differs in kind, help, unit, label names or buckets; says
    /// in what.
    Conflict(&'static str),
    /// A bound of [`Limits`](crate::Limits) is reached; nothing was registered, and what was
    /// registered before goes on counting.
    Limit {
        /// What there would be too many of.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
}

impl Error {
    pub(crate) fn new(metric: &str, kind: ErrorKind) -> Self {
        let inner = Box::new((metric.to_owned(), kind));
        Self { inner }
    }

    /// The name of the metric that was asked for.
    #[must_use]
    pub fn metric(&self) -> &str {
        &self.inner.0
    }

    /// The reason.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.inner.1
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "metric {:?}: ", self.metric())?;
        match self.kind() {
            ErrorKind::Name(rule) => write!(f, "{rule}"),
            ErrorKind::Label { label, rule } => write!(f, "label {label:?}: {rule}"),
            ErrorKind::Conflict(what) => write!(f, "registered before with {what}"),
            ErrorKind::Limit { what, limit } => write!(f, "more than {limit} {what}"),
        }
    }
}

impl std::error::Error for Error {}
