//! Which store a sink of the plan is.

use std::sync::Arc;

use pelton_connect::store::{
    FileStore, FileStoreOptions, MemoryStore, MemoryStoreOptions, StdoutStore,
};
use pelton_connect::stream::{Store, StoreError};

use crate::Error;
use crate::plan::{PlanError, SinkPlan};
use crate::run::Pipeline;

/// Opens the store that `sink` names, for what leaves `pipeline`.
pub(super) fn open(
    lane: &str,
    sink: &SinkPlan,
    pipeline: &Pipeline,
) -> Result<Box<dyn Store>, Error> {
    let opened = match (&sink.url, sink.path.as_str()) {
        (Some(_), path) if !path.is_empty() => {
            return Err(wrong(lane, "sink.path and sink.url exclude each other"));
        }
        (Some(url), _) => return url_store(lane, url),
        (None, "") => return Err(wrong(lane, "sink.path or sink.url is missing")),
        (None, "-") => Ok(boxed(StdoutStore::new(header(pipeline)))),
        (None, _) => FileStore::open(file(sink, pipeline)).map(boxed),
    };
    opened.map_err(|error| Error::store(lane, &error))
}

/// A file of lines.
pub(super) fn lines(lane: &str, path: &str) -> Result<Box<dyn Store>, Error> {
    let opened = FileStore::open(FileStoreOptions::new(path));
    opened
        .map(boxed)
        .map_err(|error: StoreError| Error::store(lane, &error))
}

fn url_store(lane: &str, url: &str) -> Result<Box<dyn Store>, Error> {
    match url.split_once(':').map_or(url, |(scheme, _)| scheme) {
        "memory" => Ok(boxed(MemoryStore::new(MemoryStoreOptions::default()))),
        _ => {
            let message = format!("sink.url: `{url}` is nothing that can be written to");
            Err(wrong(lane, &message))
        }
    }
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
