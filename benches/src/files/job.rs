//! The jobs.

use super::answer::Shape;
use super::engine::Engine;
use crate::benchmark::Goal;

/// One job: the same question to everyone.
pub(super) struct Job {
    pub(super) name: &'static str,
    pub(super) model: &'static str,
    /// What `pelton gen` is asked for, and the extension of the file.
    pub(super) input: (&'static str, &'static str),
    /// The question, where it is a query; `{input}` stands for the table.
    pub(super) sql: &'static str,
    pub(super) shape: Shape,
    pub(super) goal: Goal,
    /// What ours may take of memory.
    pub(super) limit: &'static str,
    /// Rows of the input, where it does not grow with `--size`.
    pub(super) rows: Option<&'static str>,
    pub(super) engines: &'static [Engine],
}

const QUERY: &[Engine] = &[Engine::PeltonSql, Engine::Duckdb, Engine::Polars];

/// The first two jobs as pipelines: the stages between source and sink.
const FILTER: &str = "[[stage]]\nfilter = \"status = 'shipped' AND quantity > 5\"\n\
    [[stage]]\nderive = { total = \"quantity * unit_price\" }\n";
const GROUP: &str = "[[stage]]\naggregate = { by = [\"country\"], compute = { \
    orders = \"count(*)\", total = \"sum(unit_price)\", quantity = \"avg(quantity)\", \
    least = \"min(unit_price)\", most = \"max(unit_price)\" } }\n";

/// What most jobs have in common.
const PLAIN: Job = Job {
    name: "",
    model: "",
    input: ("", ""),
    sql: "",
    shape: Shape::Rows,
    goal: Goal::Best(1.0),
    limit: "50MB",
    rows: None,
    engines: QUERY,
};

/// All jobs.
pub(super) const JOBS: &[Job] = &[
    Job {
        name: "csv-filter-compute",
        model: "CSV: filter, compute a column, write CSV in order",
        input: ("orders", "csv"),
        sql: "SELECT *, quantity * unit_price AS total FROM {input} \
              WHERE status = 'shipped' AND quantity > 5",
        shape: Shape::Rows,
        goal: Goal::Best(1.0 / 3.0),
        engines: &[
            Engine::PeltonRun(FILTER),
            Engine::PeltonSql,
            Engine::Duckdb,
            Engine::Polars,
        ],
        ..PLAIN
    },
    Job {
        name: "csv-group-by",
        model: "CSV: group by a key, count, sum, avg, min, max",
        input: ("orders", "csv"),
        sql: "SELECT country, count(*) AS orders, sum(unit_price) AS total, \
              avg(quantity) AS quantity, min(unit_price) AS least, max(unit_price) AS most \
              FROM {input} GROUP BY country ORDER BY country",
        shape: Shape::Groups,
        goal: Goal::Best(1.0 / 3.5),
        engines: &[
            Engine::PeltonRun(GROUP),
            Engine::PeltonSql,
            Engine::Duckdb,
            Engine::Polars,
        ],
        ..PLAIN
    },
    Job {
        name: "csv-numbers",
        model: "CSV: sum, min, max, mean of ten numeric columns",
        input: ("numbers", "csv"),
        sql: "SELECT {each:sum(X), min(X), max(X), avg(X)} FROM {input}",
        shape: Shape::Rows,
        goal: Goal::Best(1.0 / 2.5),
        engines: QUERY,
        ..PLAIN
    },
    Job {
        name: "ndjson-group-by",
        model: "NDJSON: filter, group by",
        input: ("events", "ndjson"),
        sql: "SELECT \"type\", count(*) AS events, sum(value) AS total FROM {input} \
              WHERE value > 10 GROUP BY \"type\" ORDER BY \"type\"",
        shape: Shape::Rows,
        goal: Goal::Best(1.0 / 3.0),
        engines: QUERY,
        ..PLAIN
    },
    Job {
        name: "ndjson-to-csv",
        model: "NDJSON to CSV, all plain fields, in order",
        input: ("events", "ndjson"),
        sql: "SELECT id, ts, \"type\", value, message FROM {input}",
        shape: Shape::Rows,
        goal: Goal::Best(1.0 / 3.0),
        engines: QUERY,
        ..PLAIN
    },
    Job {
        name: "csv-distinct",
        model: "CSV: different ids, a tenth of which come again; 256 MB allowed",
        input: ("visits", "csv"),
        sql: "SELECT count(DISTINCT id) AS ids FROM {input}",
        goal: Goal::Best(1.0 / 2.5),
        limit: "256MB",
        ..PLAIN
    },
    Job {
        name: "csv-distinct-tight",
        model: "CSV: different ids, a tenth of which come again; 50 MB allowed",
        input: ("visits", "csv"),
        sql: "SELECT count(DISTINCT id) AS ids FROM {input}",
        goal: Goal::Best(1.0 / 1.2),
        ..PLAIN
    },
    Job {
        name: "csv-distinct-rows",
        model: "CSV: the different ids themselves; 256 MB allowed",
        input: ("visits", "csv"),
        sql: "SELECT DISTINCT id FROM {input}",
        shape: Shape::Groups,
        limit: "256MB",
        ..PLAIN
    },
    Job {
        name: "csv-thousand",
        model: "CSV: group by a key, a thousand rows, start to exit",
        input: ("orders", "csv"),
        sql: "SELECT country, count(*) AS orders FROM {input} GROUP BY country ORDER BY country",
        goal: Goal::Nanoseconds(10e6),
        rows: Some("1000"),
        ..PLAIN
    },
    Job {
        name: "workers",
        model: "CSV: group by a key, two workers beside one",
        input: ("orders", "csv"),
        sql: "SELECT country, count(*) AS orders, sum(unit_price) AS total, \
              avg(quantity) AS quantity, min(unit_price) AS least, max(unit_price) AS most \
              FROM {input} GROUP BY country ORDER BY country",
        goal: Goal::Peer("pelton, one worker", 1.0 / 1.8),
        engines: &[Engine::PeltonSql, Engine::PeltonAlone],
        ..PLAIN
    },
    Job {
        name: "text-upper",
        model: "text: upper case, to a file, in order",
        input: ("log", "log"),
        sql: "",
        shape: Shape::Bytes,
        goal: Goal::Best(1.0 / 2.2),
        engines: &[Engine::PeltonText("uppercase"), Engine::Tr],
        ..PLAIN
    },
    Job {
        name: "text-word-count",
        model: "text: lines, words, bytes",
        input: ("log", "log"),
        sql: "",
        shape: Shape::Numbers,
        goal: Goal::Best(1.0 / 3.0),
        engines: &[
            Engine::PeltonText("wordcount"),
            Engine::MawkWords,
            Engine::Wc,
        ],
        ..PLAIN
    },
    Job {
        name: "log-status",
        model: "access log: histogram of the status",
        input: ("log", "log"),
        sql: "SELECT status, count(*) AS requests FROM {input} GROUP BY status ORDER BY status",
        shape: Shape::Rows,
        goal: Goal::Best(1.0 / 3.0),
        engines: &[Engine::PeltonSql, Engine::MawkStatus],
        ..PLAIN
    },
    Job {
        name: "log-paths",
        model: "access log: the ten paths with most requests",
        input: ("log", "log"),
        sql: "SELECT path, count(*) AS requests FROM {input} GROUP BY path \
              ORDER BY requests DESC, path LIMIT 10",
        shape: Shape::Rows,
        goal: Goal::Best(1.0 / 3.0),
        engines: &[Engine::PeltonSql, Engine::MawkPaths],
        ..PLAIN
    },
];
