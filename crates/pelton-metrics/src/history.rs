//! Trends: what the metrics did in the last minutes, hours and days, in bounded memory.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::time::Duration;

use crate::{HistogramSnapshot, Snapshot, Value, per_second};

/// A step of down-sampling. Steps begin at multiples of their length by the caller's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// One point a second.
    Second,
    /// One point a minute.
    Minute,
    /// One point an hour.
    Hour,
}

/// How much a [`History`] keeps.
///
/// ```
/// use pelton_metrics::{History, Retention};
///
/// // A day by the minute, and nothing finer.
/// let retention = Retention {
///     seconds: 0,
///     minutes: 24 * 60,
///     ..Retention::default()
/// };
/// let history = History::with_retention(retention);
/// assert_eq!(history.series(), 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Points of one second. 120 by default.
    pub seconds: usize,
    /// Points of one minute. 120 by default.
    pub minutes: usize,
    /// Points of one hour. 72 by default.
    pub hours: usize,
    /// Series followed; those that come later are left out. 1024 by default.
    pub series_max: usize,
}

/// The recent past of all series of a registry, by the second, the minute and the hour.
///
/// Feed it a snapshot about once a second. A point covers the time between the first snapshots of
/// two steps of the clock, and is made from the difference of those snapshots: the percentiles of
/// an hour's point are those of the hour, not an average of percentiles. A step without a snapshot
/// is covered by the point before it. A series' points begin with the first snapshot that has it.
///
/// The caller brings the clock: the time since any fixed moment.
///
/// Each series keeps `seconds + minutes + hours` points (of 80 bytes) and three copies of its
/// latest value.
///
/// ```
/// use std::time::Duration;
/// use pelton_metrics::{History, Registry, Resolution, Unit};
///
/// # fn main() -> Result<(), pelton_metrics::Error> {
/// let registry = Registry::new();
/// let records = registry.counter("records_total", "Records.", Unit::Count, &[])?;
/// let mut history = History::new();
/// for second in 0..=3 {
///     history.record(Duration::from_secs(second), &registry.snapshot());
///     records.add(100);
/// }
/// let points = history.points("records_total", &[], Resolution::Second);
/// let rates: Vec<_> = points.map(|point| point.rate()).collect();
/// assert_eq!(rates, [Some(100.0); 3]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct History {
    retention: Retention,
    /// The time of the last snapshot taken in.
    latest: Duration,
    /// By name and labels, as [`key`] writes them.
    series: BTreeMap<String, [Tier; 3]>,
    left_out: u64,
}

/// What a series did during one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When it began, by the caller's clock.
    pub start: Duration,
    /// How long it lasted: never zero.
    pub elapsed: Duration,
    /// What happened.
    pub trend: Trend,
}

/// The value of a [`Point`], in the unit in which the metric was recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trend {
    /// What a counter counted meanwhile.
    Counter(u64),
    /// The levels of a gauge at the snapshots of the step.
    Gauge {
        /// The lowest.
        min: i64,
        /// The highest.
        max: i64,
        /// The last.
        last: i64,
    },
    /// What a histogram recorded meanwhile; `None` for nothing.
    Histogram(Option<Summary>),
}

/// The values that a histogram recorded, at least one, in few words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// The number of values.
    pub count: u64,
    /// The sum of the values.
    pub sum: u64,
    /// The median.
    pub p50: u64,
    /// The value that 99 % do not exceed.
    pub p99: u64,
    /// The largest value, rounded up within the layout's error.
    pub max: u64,
}

/// The points of one series at one resolution.
#[derive(Debug)]
struct Tier {
    step: Duration,
    points_max: usize,
    points: VecDeque<Point>,
    open: Option<Open>,
}

/// The step that is not over yet.
#[derive(Debug)]
struct Open {
    start: Duration,
    baseline: Value,
    /// Lowest, highest and last level; for gauges only.
    levels: [i64; 3],
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            seconds: 120,
            minutes: 120,
            hours: 72,
            series_max: 1024,
        }
    }
}

impl Resolution {
    /// The length of a step.
    #[must_use]
    pub fn step(self) -> Duration {
        match self {
            Self::Second => Duration::from_secs(1),
            Self::Minute => Duration::from_mins(1),
            Self::Hour => Duration::from_hours(1),
        }
    }
}

impl History {
    /// Makes an empty history with the default [`Retention`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an empty history that keeps as much as you choose.
    #[must_use]
    pub fn with_retention(retention: Retention) -> Self {
        Self {
            retention,
            ..Self::default()
        }
    }

    /// Takes in a snapshot read at `now`. One that is older than the last is ignored.
    ///
    /// O(series); copies a series' value when a step is over.
    pub fn record(&mut self, now: Duration, snapshot: &Snapshot) {
        if now < self.latest {
            return;
        }
        self.latest = now;
        let mut name = String::new();
        for family in snapshot.families() {
            for series in family.series() {
                write_key(&mut name, family.name(), series.labels());
                self.record_series(now, &name, series.value());
            }
        }
    }

    /// The points of the series with this name and these labels (in any order), oldest first;
    /// none if there is no such series. The step that is not over yet is not among them.
    pub fn points(
        &self,
        name: &str,
        labels: &[(&str, &str)],
        resolution: Resolution,
    ) -> impl DoubleEndedIterator<Item = &Point> + ExactSizeIterator {
        let mut labels = labels.to_vec();
        labels.sort_unstable();
        let mut key = String::new();
        write_key(&mut key, name, labels.into_iter());
        let tiers = self.series.get(&key);
        let points = tiers.map(|tiers| &tiers[resolution as usize].points);
        points.unwrap_or(const { &VecDeque::new() }).iter()
    }

    /// How many series are followed.
    #[must_use]
    pub fn series(&self) -> usize {
        self.series.len()
    }

    /// How many times a series was left out of a snapshot because of
    /// [`Retention::series_max`].
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    fn record_series(&mut self, now: Duration, key: &str, value: &Value) {
        if let Some(tiers) = self.series.get_mut(key) {
            tiers.iter_mut().for_each(|tier| tier.record(now, value));
        } else if self.series.len() < self.retention.series_max {
            let mut tiers = self.retention.tiers();
            tiers.iter_mut().for_each(|tier| tier.record(now, value));
            self.series.insert(key.to_owned(), tiers);
        } else {
            self.left_out += 1;
        }
    }
}

impl Retention {
    fn tiers(&self) -> [Tier; 3] {
        [
            Tier::new(Resolution::Second, self.seconds),
            Tier::new(Resolution::Minute, self.minutes),
            Tier::new(Resolution::Hour, self.hours),
        ]
    }
}

impl Tier {
    fn new(resolution: Resolution, points_max: usize) -> Self {
        Self {
            step: resolution.step(),
            points_max,
            points: VecDeque::new(),
            open: None,
        }
    }

    /// Closes the open step when `now` lies in another, and opens one there.
    fn record(&mut self, now: Duration, value: &Value) {
        let step_of = |time: Duration| time.as_nanos() / self.step.as_nanos();
        if let Some(open) = &mut self.open {
            if step_of(open.start) == step_of(now) {
                return open.observe(value);
            }
            let point = open.close(now, value);
            self.push(point);
        }
        self.open = Some(Open::new(now, value));
    }

    fn push(&mut self, point: Point) {
        self.points.push_back(point);
        if self.points.len() > self.points_max {
            self.points.pop_front();
        }
    }
}

impl Open {
    fn new(start: Duration, value: &Value) -> Self {
        let level = level(value);
        Self {
            start,
            baseline: value.clone(),
            levels: [level; 3],
        }
    }

    /// Takes a further value inside the step: only levels have something to tell in between.
    fn observe(&mut self, value: &Value) {
        let (level, [min, max, _]) = (level(value), self.levels);
        self.levels = [min.min(level), max.max(level), level];
    }

    /// Makes the step's point; `value` is the first of the next step.
    fn close(&self, now: Duration, value: &Value) -> Point {
        let [min, max, last] = self.levels;
        let trend = match value.delta(&self.baseline) {
            Value::Counter(count) => Trend::Counter(count),
            Value::Gauge(_) => Trend::Gauge { min, max, last },
            Value::Histogram(seen) => Trend::Histogram(Summary::new(&seen)),
        };
        Point {
            start: self.start,
            elapsed: now - self.start,
            trend,
        }
    }
}

impl Point {
    /// Things a second: what the counter counted or the histogram recorded. `None` for a gauge.
    ///
    /// ```
    /// use std::time::Duration;
    /// use pelton_metrics::{Point, Trend};
    ///
    /// let point = Point {
    ///     start: Duration::from_secs(60),
    ///     elapsed: Duration::from_secs(4),
    ///     trend: Trend::Counter(10),
    /// };
    /// assert_eq!(point.rate(), Some(2.5));
    /// ```
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        match self.trend {
            Trend::Counter(count) => per_second(count, self.elapsed),
            Trend::Histogram(summary) => {
                per_second(summary.map_or(0, |seen| seen.count), self.elapsed)
            }
            Trend::Gauge { .. } => None,
        }
    }
}

impl Summary {
    /// The summary of `seen`, if it holds anything.
    #[must_use]
    pub fn new(seen: &HistogramSnapshot) -> Option<Self> {
        Some(Self {
            count: seen.count(),
            sum: seen.sum(),
            p50: seen.percentile(50.0)?,
            p99: seen.percentile(99.0)?,
            max: seen.max()?,
        })
    }
}

/// The level of a gauge; other kinds have none, and nobody asks.
fn level(value: &Value) -> i64 {
    if let Value::Gauge(level) = value {
        *level
    } else {
        0
    }
}

/// Writes a text that no other name and labels have into `key`.
fn write_key<'a>(key: &mut String, name: &str, labels: impl Iterator<Item = (&'a str, &'a str)>) {
    key.clear();
    key.push_str(name);
    for (label, value) in labels {
        // Names hold no such signs and the length says where a value ends; writing to a string
        // cannot fail.
        let _ = write!(key, ",{label}={}:{value}", value.len());
    }
}
