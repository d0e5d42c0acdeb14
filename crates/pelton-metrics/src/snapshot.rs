//! What a registry held at one moment.

use std::time::Duration;

use crate::description::{Description, Labels};
use crate::sync::Arc;
use crate::{Error, ErrorKind, HistogramSnapshot, Kind, Unit, json, prometheus};

/// The values of all metrics of a [`Registry`](crate::Registry) at one moment.
///
/// Can be looked at, written as Prometheus text or JSON, merged with that of another process, and
/// subtracted.
///
/// ```
/// use std::time::Duration;
/// use pelton_metrics::{Registry, Unit, Value, per_second};
///
/// # fn main() -> Result<(), pelton_metrics::Error> {
/// let registry = Registry::new();
/// let sent = registry.counter("sent_bytes_total", "Bytes sent.", Unit::Bytes, &[])?;
/// let before = registry.snapshot();
/// sent.add(500);
/// let since = registry.snapshot().delta(&before);
/// let Some(&Value::Counter(bytes)) = since.value("sent_bytes_total", &[]) else {
///     unreachable!("it was registered as a counter");
/// };
/// assert_eq!(per_second(bytes, Duration::from_millis(250)), Some(2000.0));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Sorted by name.
    families: Vec<Family>,
}

/// One metric in a [`Snapshot`], with all its series.
#[derive(Debug, Clone)]
pub struct Family {
    description: Arc<Description>,
    /// Sorted by labels.
    series: Vec<Series>,
}

/// One label set of a metric, with its value.
#[derive(Debug, Clone)]
pub struct Series {
    labels: Arc<Labels>,
    value: Value,
}

/// A metric's value, in the unit in which it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// What a counter counted.
    Counter(u64),
    /// A gauge's level.
    Gauge(i64),
    /// A histogram's distribution.
    Histogram(HistogramSnapshot),
}

/// The rate of `count` things in `elapsed`; `None` when no time has passed.
///
/// ```
/// use std::time::Duration;
/// use pelton_metrics::per_second;
///
/// assert_eq!(per_second(30, Duration::from_secs(20)), Some(1.5));
/// assert_eq!(per_second(30, Duration::ZERO), None);
/// ```
#[must_use]
pub fn per_second(count: u64, elapsed: Duration) -> Option<f64> {
    (!elapsed.is_zero()).then(|| count as f64 / elapsed.as_secs_f64())
}

impl Snapshot {
    pub(crate) fn new(families: Vec<Family>) -> Self {
        Self { families }
    }

    /// The metrics, sorted by name.
    #[must_use]
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// The value of the series with this name and these labels, in any order.
    #[must_use]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<&Value> {
        self.family(name)?.find(&Labels::sorted(labels))
    }

    /// Writes the Prometheus text exposition format, version 0.0.4.
    ///
    /// Values are in base units, exact. A histogram's buckets end below each power of two (of the
    /// recorded unit), whatever was recorded, so that its series stay the same for ever.
    /// Serve it as `text/plain; version=0.0.4`.
    #[must_use]
    pub fn prometheus(&self) -> String {
        prometheus::write(self)
    }

    /// Writes JSON: an array of metrics, values in base units, percentiles of an empty histogram
    /// `null`.
    ///
    /// ```
    /// use pelton_metrics::{Registry, Unit};
    ///
    /// # fn main() -> Result<(), pelton_metrics::Error> {
    /// let registry = Registry::new();
    /// registry.gauge("load_ratio", "Load.", Unit::Millionths, &[("core", "0")])?.set(250_000);
    /// assert_eq!(
    ///     registry.snapshot().json(),
    ///     concat!(
    ///         r#"[{"name":"load_ratio","help":"Load.","kind":"gauge","unit":"ratio","#,
    ///         r#""series":[{"labels":{"core":"0"},"value":0.25}]}]"#,
    ///     ),
    /// );
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A histogram's value is an object with `count`, `sum`, `min`, `max`, `mean`, `p50`, `p90`,
    /// `p99` and `p999`.
    #[must_use]
    pub fn json(&self) -> String {
        json::write(self)
    }

    /// Adds what `other` holds, series by series; those that only `other` has are added as they
    /// are. For the snapshots of several processes, or of several registries of one.
    ///
    /// # Errors
    ///
    /// When a metric is described differently in the two; nothing is changed then.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        for theirs in &other.families {
            let ours = self.family(theirs.name());
            if let Some(what) = ours.and_then(|family| family.conflict(theirs)) {
                return Err(Error::new(theirs.name(), ErrorKind::Conflict(what)));
            }
        }
        for theirs in &other.families {
            match self.place(theirs.name()) {
                Ok(found) => self.families[found].merge(theirs),
                Err(free) => self.families.insert(free, theirs.clone()),
            }
        }
        Ok(())
    }

    /// What happened between `earlier` and this snapshot of the same registry: counters and
    /// histograms less what they held, gauges as they are.
    ///
    /// A counter that is lower than before, or a histogram that holds less, has started anew and
    /// counts in full.
    #[must_use]
    pub fn delta(&self, earlier: &Self) -> Self {
        let since = |family: &Family| match earlier.family(family.name()) {
            Some(before) => family.delta(before),
            None => family.clone(),
        };
        Self::new(self.families.iter().map(since).collect())
    }

    fn family(&self, name: &str) -> Option<&Family> {
        self.place(name).ok().map(|found| &self.families[found])
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.families
            .binary_search_by(|family| family.name().cmp(name))
    }
}

impl Family {
    pub(crate) fn new(description: Arc<Description>, series: Vec<Series>) -> Self {
        Self {
            description,
            series,
        }
    }

    /// The metric's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.description.name
    }

    /// What it measures, in words.
    #[must_use]
    pub fn help(&self) -> &str {
        &self.description.help
    }

    /// The unit in which it was recorded.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.description.unit
    }

    /// Counter, gauge or histogram.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.description.kind
    }

    /// The series, sorted by labels.
    #[must_use]
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    fn find(&self, labels: &Labels) -> Option<&Value> {
        self.place(labels)
            .ok()
            .map(|found| &self.series[found].value)
    }

    fn place(&self, labels: &Labels) -> Result<usize, usize> {
        self.series
            .binary_search_by(|series| (*series.labels).cmp(labels))
    }

    fn conflict(&self, other: &Self) -> Option<&'static str> {
        let names_differ = match (self.series.first(), other.series.first()) {
            (Some(ours), Some(theirs)) => !ours.labels.same_names(&theirs.labels),
            _ => false,
        };
        let described = self.description.conflict(&other.description);
        described.or(names_differ.then_some("other label names"))
    }

    fn merge(&mut self, other: &Self) {
        for theirs in &other.series {
            match self.place(&theirs.labels) {
                Ok(found) => self.series[found].value.merge(&theirs.value),
                Err(free) => self.series.insert(free, theirs.clone()),
            }
        }
    }

    fn delta(&self, earlier: &Self) -> Self {
        let since = |series: &Series| match earlier.find(&series.labels) {
            Some(before) => Series::new(series.labels.clone(), series.value.delta(before)),
            None => series.clone(),
        };
        let series = self.series.iter().map(since).collect();
        Self::new(self.description.clone(), series)
    }
}

impl Series {
    pub(crate) fn new(labels: Arc<Labels>, value: Value) -> Self {
        Self { labels, value }
    }

    /// Label names and values, sorted by name.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.labels.iter()
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }
}

impl Value {
    /// Adds `other`, which is of the same kind and layout: families are compared before.
    fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Counter(ours), Self::Counter(theirs)) => *ours = ours.wrapping_add(*theirs),
            (Self::Gauge(ours), Self::Gauge(theirs)) => *ours = ours.wrapping_add(*theirs),
            (Self::Histogram(ours), Self::Histogram(theirs)) => {
                let merged = ours.merge(theirs);
                debug_assert_eq!(merged, Ok(()), "layouts are a part of the kind");
            }
            _ => debug_assert!(false, "kinds were compared"),
        }
    }

    /// What is new since `earlier`: everything, if that was another metric or an earlier life.
    pub(crate) fn delta(&self, earlier: &Self) -> Self {
        match (self, earlier) {
            (Self::Counter(now), Self::Counter(then)) => {
                Self::Counter(now.checked_sub(*then).unwrap_or(*now))
            }
            (Self::Histogram(now), Self::Histogram(then)) if now.count() >= then.count() => {
                let delta = now.delta(then);
                Self::Histogram(delta.unwrap_or_else(|_| now.clone()))
            }
            _ => self.clone(),
        }
    }
}
