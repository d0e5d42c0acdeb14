//! Which store a sink of the plan is.

use std::sync::Arc;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
use pelton_connect::store::Conflict;
use pelton_connect::store::{
    FileStore, FileStoreOptions, Full, MemoryStore, MemoryStoreOptions, StdoutStore, SyncPolicy,
    TcpStore, TcpStoreOptions,
};
#[cfg(feature = "http-store")]
use pelton_connect::store::{HttpStore, HttpStoreOptions};
#[cfg(feature = "postgres")]
use pelton_connect::store::{PostgresStore, PostgresStoreOptions};
#[cfg(feature = "sqlite")]
use pelton_connect::store::{SqliteStore, SqliteStoreOptions};
use pelton_connect::stream::{Shape, Store, StoreError};

use super::memory::Seen;
use crate::Error;
use crate::plan::{ByteSize, PlanError, SinkPlan};
use crate::run::Pipeline;

/// A store, and the view into it where it is memory.
pub(super) type Opened = (Box<dyn Store>, Option<Seen>);

/// Opens the store that `sink` names, for what leaves `pipeline`.
pub(super) fn open(lane: &str, sink: &SinkPlan, pipeline: &Pipeline) -> Result<Opened, Error> {
    if sink.path.is_empty()
        && let Some(url) = &sink.url
        && url.starts_with("memory:")
    {
        let (store, seen) = memory(lane, sink, pipeline)?;
        return Ok((boxed(store), Some(seen)));
    }
    place(lane, sink, pipeline).map(|store| (store, None))
}

/// The newest records, in memory. What can be looked at is looked at as text.
fn memory(
    lane: &str,
    sink: &SinkPlan,
    pipeline: &Pipeline,
) -> Result<(MemoryStore, Seen), PlanError> {
    let output = &pipeline.branches[0].output;
    let media_type = match output.name() {
        "ndjson" => "application/x-ndjson",
        "csv" => "text/csv",
        "text" => "text/plain; charset=utf-8",
        name => {
            let message = format!(
                "lane \"{lane}\": sink.format: records in memory are looked at as text, expected \
                 ndjson, csv or text, found {name}"
            );
            return Err(PlanError::new(message));
        }
    };
    let usual = MemoryStoreOptions::default();
    let store = MemoryStore::new(MemoryStoreOptions {
        shape: Shape::Bytes,
        records_max: sink.keep_records.unwrap_or(usual.records_max),
        bytes_max: sink.keep_bytes.map_or(usual.bytes_max, ByteSize::bytes),
        // A line end between quotes ends no record.
        format: (output.name() == "csv").then(|| Arc::clone(output)),
        full: Full::Forget,
    });
    let seen = Seen {
        records: store.records(),
        header: header(pipeline),
        media_type,
    };
    Ok((store, seen))
}

/// A store somewhere else.
fn place(lane: &str, sink: &SinkPlan, pipeline: &Pipeline) -> Result<Box<dyn Store>, Error> {
    let opened = match (&sink.url, sink.path.as_str()) {
        (Some(_), path) if !path.is_empty() => {
            return Err(wrong(lane, "sink.path and sink.url exclude each other"));
        }
        (Some(url), _) => return url_store(lane, url, sink, pipeline),
        (None, "") => return Err(wrong(lane, "sink.path or sink.url is missing")),
        (None, "-") => Ok(boxed(StdoutStore::new(header(pipeline)))),
        (None, _) => FileStore::open(file(sink, pipeline)).map(boxed),
    };
    opened.map_err(|error| Error::store(lane, &error))
}

/// True for a sink whose store takes columns: a table, and files that are named by values.
pub(super) fn wants_columns(sink: &SinkPlan) -> bool {
    let scheme = sink.url.as_deref().and_then(|url| url.split(':').next());
    matches!(scheme, Some("sqlite" | "postgres" | "postgresql")) || sink.path.contains('{')
}

/// A file of lines.
pub(super) fn lines(lane: &str, path: &str) -> Result<Box<dyn Store>, Error> {
    let opened = FileStore::open(FileStoreOptions::new(path));
    opened
        .map(boxed)
        .map_err(|error: StoreError| Error::store(lane, &error))
}

#[cfg_attr(
    not(any(feature = "sqlite", feature = "postgres", feature = "http-store")),
    expect(
        unused_variables,
        reason = "those stores alone look at the rest of the plan"
    )
)]
fn url_store(
    lane: &str,
    url: &str,
    sink: &SinkPlan,
    pipeline: &Pipeline,
) -> Result<Box<dyn Store>, Error> {
    let place = |url: &str| url.trim_start_matches("//").to_owned();
    let opened = match url.split_once(':').unwrap_or((url, "")) {
        ("tcp", address) => TcpStore::open(TcpStoreOptions {
            header: header(pipeline),
            ..TcpStoreOptions::new(place(address))
        })
        .map(boxed),
        #[cfg(feature = "sqlite")]
        ("sqlite", path) => sqlite(path.trim_start_matches("//"), sink, pipeline),
        #[cfg(feature = "postgres")]
        ("postgres" | "postgresql", _) => postgres(lane, url, sink, pipeline),
        #[cfg(feature = "http-store")]
        ("http" | "https", _) => http(url, sink, pipeline),
        _ => {
            let message = format!(
                "sink.url: `{url}` is nothing that this build can write to; it can write to {}",
                SCHEMES.join(", ")
            );
            return Err(wrong(lane, &message));
        }
    };
    opened.map_err(|error| Error::store(lane, &error))
}

/// What a URL may begin with.
const SCHEMES: &[&str] = &[
    "memory:",
    "tcp:",
    #[cfg(feature = "sqlite")]
    "sqlite:",
    #[cfg(feature = "postgres")]
    "postgres:",
    #[cfg(feature = "http-store")]
    "http:, https:",
];

#[cfg(any(feature = "sqlite", feature = "postgres"))]
const fn conflict(sink: &SinkPlan) -> Conflict {
    if sink.replace {
        Conflict::Upsert
    } else {
        Conflict::Ignore
    }
}

#[cfg(feature = "sqlite")]
fn sqlite(path: &str, sink: &SinkPlan, pipeline: &Pipeline) -> Result<Box<dyn Store>, StoreError> {
    let usual = SqliteStoreOptions::new(path);
    let options = SqliteStoreOptions {
        table: sink.table.clone().unwrap_or(usual.table),
        key: sink.key.clone(),
        conflict: conflict(sink),
        ..usual
    };
    SqliteStore::open(options, &pipeline.branches[0].output_schema).map(boxed)
}

#[cfg(feature = "postgres")]
fn postgres(
    lane: &str,
    url: &str,
    sink: &SinkPlan,
    pipeline: &Pipeline,
) -> Result<Box<dyn Store>, StoreError> {
    let usual = PostgresStoreOptions::new(url);
    let options = PostgresStoreOptions {
        table: sink.table.clone().unwrap_or(usual.table),
        name: Some(lane.to_owned()),
        key: sink.key.clone(),
        conflict: conflict(sink),
        ..usual
    };
    PostgresStore::open(options, &pipeline.branches[0].output_schema).map(boxed)
}

#[cfg(feature = "http-store")]
fn http(url: &str, sink: &SinkPlan, pipeline: &Pipeline) -> Result<Box<dyn Store>, StoreError> {
    let content_type = match pipeline.branches[0].output.name() {
        "ndjson" => "application/x-ndjson",
        "csv" => "text/csv",
        "text" => "text/plain",
        _ => "application/octet-stream",
    };
    let options = HttpStoreOptions {
        bearer: sink.token.clone(),
        content_type: content_type.to_owned(),
        ..HttpStoreOptions::new(url)
    };
    HttpStore::open(options).map(boxed)
}

fn file(sink: &SinkPlan, pipeline: &Pipeline) -> FileStoreOptions {
    FileStoreOptions {
        header: header(pipeline),
        // Only who names files by values needs to see values.
        format: sink
            .path
            .contains('{')
            .then(|| Arc::clone(&pipeline.branches[0].output)),
        lines: !matches!(pipeline.branches[0].output.name(), "frames" | "events"),
        rotate_bytes: sink.rotate_size.map(|size| size.bytes()),
        rotate_every: sink.rotate_after.map(|after| after.duration()),
        compression: sink.compression,
        level: sink.level,
        sync: match sink.sync {
            true => SyncPolicy::Commit,
            false => SyncPolicy::None,
        },
        ..FileStoreOptions::new(&sink.path)
    }
}

/// What stands before the first record.
fn header(pipeline: &Pipeline) -> Vec<u8> {
    let mut header = Vec::new();
    let encoder = pipeline.branches[0].output.encoder();
    encoder.begin(&pipeline.branches[0].output_schema, &mut header);
    header
}

fn boxed(store: impl Store + 'static) -> Box<dyn Store> {
    Box::new(store)
}

fn wrong(lane: &str, message: &str) -> Error {
    PlanError::new(format!("lane \"{lane}\": {message}")).into()
}
