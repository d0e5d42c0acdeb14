//! The jobs.

use super::answer::Shape;
use super::engine::Engine;

/// One job: the same question to everyone.
pub(super) struct Job {
    pub(super) name: &'static str,
    pub(super) model: &'static str,
    /// What `pelton gen` is asked for, and the extension of the file.
    pub(super) input: (&'static str, &'static str),
    /// The question, where it is a query; `{input}` stands for the table.
    pub(super) sql: &'static str,
    pub(super) shape: Shape,
    /// How many times the speed of the best peer ours has to reach.
    pub(super) times_best: f64,
    pub(super) engines: &'static [Engine],
}

const QUERY: &[Engine] = &[Engine::PeltonSql, Engine::Duckdb, Engine::Polars];

/// The first two jobs as pipelines: the stages between source and sink.
const FILTER: &str = "[[stage]]\nfilter = \"status = 'shipped' AND quantity > 5\"\n\
    [[stage]]\nderive = { total = \"quantity * unit_price\" }\n";
const GROUP: &str = "[[stage]]\naggregate = { by = [\"country\"], compute = { \
    orders = \"count(*)\", total = \"sum(unit_price)\", quantity = \"avg(quantity)\", \
    least = \"min(unit_price)\", most = \"max(unit_price)\" } }\n";

/// All jobs.
pub(super) const JOBS: &[Job] = &[
    Job {
        name: "csv-filter-compute",
        model: "CSV: filter, compute a column, write CSV in order",
        input: ("orders", "csv"),
        sql: "SELECT *, quantity * unit_price AS total FROM {input} \
              WHERE status = 'shipped' AND quantity > 5",
        shape: Shape::Rows,
        times_best: 3.0,
        engines: &[
            Engine::PeltonRun(FILTER),
            Engine::PeltonSql,
            Engine::Duckdb,
            Engine::Polars,
        ],
    },
    Job {
        name: "csv-group-by",
        model: "CSV: group by a key, count, sum, avg, min, max",
        input: ("orders", "csv"),
        sql: "SELECT country, count(*) AS orders, sum(unit_price) AS total, \
              avg(quantity) AS quantity, min(unit_price) AS least, max(unit_price) AS most \
              FROM {input} GROUP BY country ORDER BY country",
        shape: Shape::Groups,
        times_best: 3.5,
        engines: &[
            Engine::PeltonRun(GROUP),
            Engine::PeltonSql,
            Engine::Duckdb,
            Engine::Polars,
        ],
    },
    Job {
        name: "csv-numbers",
        model: "CSV: sum, min, max, mean of ten numeric columns",
        input: ("numbers", "csv"),
        sql: "SELECT {each:sum(X), min(X), max(X), avg(X)} FROM {input}",
        shape: Shape::Rows,
        times_best: 2.5,
        engines: QUERY,
    },
    Job {
        name: "ndjson-group-by",
        model: "NDJSON: filter, group by",
        input: ("events", "ndjson"),
        sql: "SELECT \"type\", count(*) AS events, sum(value) AS total FROM {input} \
              WHERE value > 10 GROUP BY \"type\" ORDER BY \"type\"",
        shape: Shape::Rows,
        times_best: 3.0,
        engines: QUERY,
    },
    Job {
        name: "ndjson-to-csv",
        model: "NDJSON to CSV, all plain fields, in order",
        input: ("events", "ndjson"),
        sql: "SELECT id, ts, \"type\", value, message FROM {input}",
        shape: Shape::Rows,
        times_best: 3.0,
        engines: QUERY,
    },
    Job {
        name: "csv-distinct",
        model: "CSV: distinct by id",
        input: ("orders", "csv"),
        sql: "SELECT count(DISTINCT order_id) AS ids FROM {input}",
        shape: Shape::Rows,
        times_best: 2.5,
        engines: QUERY,
    },
    Job {
        name: "text-upper",
        model: "text: upper case, to a file, in order",
        input: ("log", "log"),
        sql: "",
        shape: Shape::Bytes,
        times_best: 2.2,
        engines: &[Engine::PeltonText("uppercase"), Engine::Tr],
    },
    Job {
        name: "text-word-count",
        model: "text: lines, words, bytes",
        input: ("log", "log"),
        sql: "",
        shape: Shape::Numbers,
        times_best: 3.0,
        engines: &[
            Engine::PeltonText("wordcount"),
            Engine::MawkWords,
            Engine::Wc,
        ],
    },
    Job {
        name: "log-status",
        model: "access log: histogram of the status",
        input: ("log", "log"),
        sql: "SELECT status, count(*) AS requests FROM {input} GROUP BY status ORDER BY status",
        shape: Shape::Rows,
        times_best: 3.0,
        engines: &[Engine::PeltonSql, Engine::MawkStatus],
    },
];
