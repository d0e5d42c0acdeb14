//! `GET /memory`: what lanes keep in memory, in the format of their sinks.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use serde_json::json;

use super::admin::{body, json_answer};
use super::switch::Switch;
use crate::stream::Service;

/// Records that are answered when nobody says how many.
const LIMIT: u64 = 100;

/// Answers what stands behind `/memory`: nothing, or `/` and a lane's name.
pub(super) fn answer(path: &str, query: Option<&str>, switch: &Switch) -> Response<Full<Bytes>> {
    let Some(lane) = path.strip_prefix('/').filter(|lane| !lane.is_empty()) else {
        return json_answer(StatusCode::OK, &json!({"lanes": lanes(switch)}));
    };
    let limit = match limit(query.unwrap_or_default()) {
        Ok(limit) => limit,
        Err(found) => {
            let error = format!("expected limit=N, a number of records, found {found}");
            return json_answer(StatusCode::BAD_REQUEST, &json!({"error": error}));
        }
    };
    let lane = decoded(lane);
    let found = switch.with(|service| {
        let memory = service.memories().get(&lane)?;
        Some((memory.media_type(), memory.newest(limit)))
    });
    match found {
        Some((media_type, records)) => body(StatusCode::OK, media_type, records),
        None => {
            let error = format!("lane \"{lane}\" keeps nothing in memory, or there is none");
            let answer = json!({"error": error, "lanes": lanes(switch)});
            json_answer(StatusCode::NOT_FOUND, &answer)
        }
    }
}

/// How each memory stands, for `/stats`.
pub(super) fn stats(service: &Service) -> serde_json::Value {
    let memories = service.memories().iter().map(|(lane, memory)| {
        let records = memory.records();
        let stats = json!({
            "records": records.len(),
            "bytes": records.len_bytes(),
            "forgotten": records.forgotten(),
        });
        (lane.clone(), stats)
    });
    memories.collect::<serde_json::Map<_, _>>().into()
}

fn lanes(switch: &Switch) -> Vec<String> {
    switch.with(|service| service.memories().keys().cloned().collect())
}

/// The number behind `limit=`; what was found where that is none.
fn limit(query: &str) -> Result<u64, String> {
    let mut limit = LIMIT;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let given = pair.strip_prefix("limit=").map(str::parse);
        limit = given.and_then(Result::ok).ok_or_else(|| pair.to_owned())?;
    }
    Ok(limit)
}

/// A part of a path without its percent signs; what is none stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after
            .get(..2)
            .and_then(|code| std::str::from_utf8(code).ok());
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        match byte.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
