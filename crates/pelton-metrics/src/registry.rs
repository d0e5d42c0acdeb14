//! The place where metrics get their names.

use std::collections::BTreeMap;

use crate::description::{Description, Labels};
use crate::sync::{Arc, Mutex, lock};
use crate::{
    Counter, Error, ErrorKind, Family, Gauge, Histogram, Kind, Layout, Series, Snapshot, Unit,
    Value,
};

/// Bounds on what a [`Registry`] takes, so that a label with endless values (a user's id, a file's
/// name) ends in an error at registration and not in a full memory.
///
/// The caller decides what a refusal means: count into a series for all others, or go without.
///
/// ```
/// use pelton_metrics::{Limits, Registry, Unit};
///
/// let limits = Limits {
///     series_max: 2,
///     ..Limits::default()
/// };
/// let registry = Registry::with_limits(limits);
/// let by_user =
///     |user| registry.counter("visits_total", "Visits.", Unit::Count, &[("user", user)]);
/// assert!(by_user("ann").is_ok() && by_user("ben").is_ok());
/// let error = by_user("cem").unwrap_err();
/// assert_eq!(error.to_string(), "metric \"visits_total\": more than 2 series");
/// assert!(by_user("ann").is_ok()); // what is there stays
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Metrics by name. 512 by default.
    pub families_max: usize,
    /// Series (label sets) of one metric. 256 by default.
    pub series_max: usize,
    /// Labels of one series. 8 by default.
    pub labels_max: usize,
    /// Bytes of one label's value. 128 by default.
    pub label_bytes_max: usize,
}

/// A set of named metrics. Clones share it.
///
/// A metric is registered by asking for it; whoever asks again with the same name and labels gets
/// the same metric. Name, kind, help, unit, label names and buckets are fixed by the first
/// registration, and names keep the rules of Prometheus:
///
/// - letters, digits and `_`, no digit first;
/// - a counter ends in `_total`, nothing else does;
/// - the [`Unit`]'s name comes last (before `_total`);
/// - `_bucket`, `_count`, `_sum` and `_created` are not the end of a name.
///
/// There is no way to take a metric out; [`Limits`] bound how many there can be.
///
/// ```
/// use pelton_metrics::{Registry, Unit};
///
/// # fn main() -> Result<(), pelton_metrics::Error> {
/// let registry = Registry::new();
/// let filtered = registry.counter(
///     "pelton_records_total",
///     "Records that left a stage.",
///     Unit::Count,
///     &[("stage", "filter")],
/// )?;
/// filtered.local().add(3);
/// assert!(registry.snapshot().prometheus().contains("pelton_records_total{stage=\"filter\"} 3"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Registry {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    limits: Limits,
    families: Mutex<BTreeMap<String, Registered>>,
}

/// One metric by name, with at least one series.
#[derive(Debug)]
struct Registered {
    description: Arc<Description>,
    /// Sorted by labels; all have the same label names.
    series: Vec<(Arc<Labels>, Metric)>,
}

#[derive(Debug, Clone)]
enum Metric {
    Counter(Counter),
    Gauge(Gauge),
    Histogram(Histogram),
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            families_max: 512,
            series_max: 256,
            labels_max: 8,
            label_bytes_max: 128,
        }
    }
}

impl Registry {
    /// Makes an empty registry with the default [`Limits`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an empty registry with bounds of your choice.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        let families = Mutex::default();
        Self {
            inner: Arc::new(Inner { limits, families }),
        }
    }

    /// Gives the counter of this name and these labels, registering it if it is new.
    ///
    /// Labels are pairs of name and value, in any order. Compares with every series of the metric:
    /// ask once and keep the counter.
    ///
    /// # Errors
    ///
    /// When a name breaks a rule, when the name is registered with something else, or when a limit
    /// is reached; nothing is registered then.
    pub fn counter(
        &self,
        name: &str,
        help: &str,
        unit: Unit,
        labels: &[(&str, &str)],
    ) -> Result<Counter, Error> {
        let description = Description::new(name, help, unit, Kind::Counter);
        let make = || Metric::Counter(Counter::new());
        match self.inner.register(description, labels, make)? {
            Metric::Counter(counter) => Ok(counter),
            _ => unreachable!("kinds were compared"),
        }
    }

    /// Gives the gauge of this name and these labels, registering it if it is new.
    ///
    /// # Errors
    ///
    /// As for [`counter`](Self::counter).
    pub fn gauge(
        &self,
        name: &str,
        help: &str,
        unit: Unit,
        labels: &[(&str, &str)],
    ) -> Result<Gauge, Error> {
        let description = Description::new(name, help, unit, Kind::Gauge);
        let make = || Metric::Gauge(Gauge::new());
        match self.inner.register(description, labels, make)? {
            Metric::Gauge(gauge) => Ok(gauge),
            _ => unreachable!("kinds were compared"),
        }
    }

    /// Gives the histogram of this name and these labels, registering it with the default
    /// [`Layout`] if it is new.
    ///
    /// # Errors
    ///
    /// As for [`counter`](Self::counter).
    pub fn histogram(
        &self,
        name: &str,
        help: &str,
        unit: Unit,
        labels: &[(&str, &str)],
    ) -> Result<Histogram, Error> {
        self.histogram_with(name, help, unit, labels, Layout::default())
    }

    /// Gives the histogram of this name and these labels, registering it with `layout` if it is
    /// new. All series of one metric have the same layout, so that they can be merged.
    ///
    /// # Errors
    ///
    /// As for [`counter`](Self::counter).
    pub fn histogram_with(
        &self,
        name: &str,
        help: &str,
        unit: Unit,
        labels: &[(&str, &str)],
        layout: Layout,
    ) -> Result<Histogram, Error> {
        let kind = Kind::Histogram(layout);
        let description = Description::new(name, help, unit, kind);
        let make = || Metric::Histogram(Histogram::with_layout(layout));
        match self.inner.register(description, labels, make)? {
            Metric::Histogram(histogram) => Ok(histogram),
            _ => unreachable!("kinds were compared"),
        }
    }

    /// Reads every metric: all that was recorded before this call, and perhaps some of what is
    /// recorded during it. Sorted by name, then by labels.
    ///
    /// Each series is read at its own moment. Registrations wait meanwhile, records do not.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let families = lock(&self.inner.families);
        Snapshot::new(families.values().map(Registered::read).collect())
    }
}

impl Inner {
    fn register(
        &self,
        description: Description,
        labels: &[(&str, &str)],
        make: impl FnOnce() -> Metric,
    ) -> Result<Metric, Error> {
        let name = description.name.clone();
        self.find_or_add(description, labels, make)
            .map_err(|kind| Error::new(&name, kind))
    }

    fn find_or_add(
        &self,
        description: Description,
        labels: &[(&str, &str)],
        make: impl FnOnce() -> Metric,
    ) -> Result<Metric, ErrorKind> {
        description.check()?;
        let labels = Labels::new(labels, description.kind, &self.limits)?;
        let mut families = lock(&self.families);
        if let Some(known) = families.get_mut(&description.name) {
            return known.find_or_add(&description, labels, make, self.limits.series_max);
        }
        check_room("metrics", families.len(), self.limits.families_max)?;
        check_room("series", 0, self.limits.series_max)?;
        let metric = make();
        let registered = Registered {
            series: vec![(Arc::new(labels), metric.clone())],
            description: Arc::new(description),
        };
        families.insert(registered.description.name.clone(), registered);
        Ok(metric)
    }
}

impl Registered {
    fn find_or_add(
        &mut self,
        asked: &Description,
        labels: Labels,
        make: impl FnOnce() -> Metric,
        series_max: usize,
    ) -> Result<Metric, ErrorKind> {
        if let Some(what) = self.description.conflict(asked) {
            return Err(ErrorKind::Conflict(what));
        }
        if !self
            .series
            .iter()
            .all(|(known, _)| known.same_names(&labels))
        {
            return Err(ErrorKind::Conflict("other label names"));
        }
        let place = self
            .series
            .binary_search_by(|(known, _)| (**known).cmp(&labels));
        match place {
            Ok(found) => Ok(self.series[found].1.clone()),
            Err(free) => {
                check_room("series", self.series.len(), series_max)?;
                let metric = make();
                self.series.insert(free, (Arc::new(labels), metric.clone()));
                Ok(metric)
            }
        }
    }

    fn read(&self) -> Family {
        let read =
            |(labels, metric): &(Arc<Labels>, Metric)| Series::new(labels.clone(), metric.read());
        Family::new(
            self.description.clone(),
            self.series.iter().map(read).collect(),
        )
    }
}

impl Metric {
    fn read(&self) -> Value {
        match self {
            Self::Counter(counter) => Value::Counter(counter.value()),
            Self::Gauge(gauge) => Value::Gauge(gauge.value()),
            Self::Histogram(histogram) => Value::Histogram(histogram.snapshot()),
        }
    }
}

fn check_room(what: &'static str, count: usize, limit: usize) -> Result<(), ErrorKind> {
    if count < limit {
        Ok(())
    } else {
        Err(ErrorKind::Limit { what, limit })
    }
}
