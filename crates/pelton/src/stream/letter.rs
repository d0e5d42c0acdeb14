//! What the dead letter of a stream says.

use pelton_connect::stream::Arrival;
use pelton_record::{Batch, Block, Rejected};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Letter<'a> {
    source: &'a str,
    /// Where the record begins in what the peer sent.
    byte: u64,
    lane: &'a str,
    stage: &'a str,
    kind: &'static str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'a str>,
    /// The record in hexadecimal, when it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_hex: Option<String>,
}

/// Appends a line of JSON about a refused record of `arrival`.
pub(super) fn write(out: &mut Vec<u8>, lane: &str, arrival: &Arrival, rejected: &Rejected) {
    append(
        out,
        lane,
        &arrival.peer.name,
        arrival.byte,
        &arrival.block,
        rejected,
    );
}

/// Appends a line of JSON about a refused record of `batch`, whose sender is not known any more.
pub(super) fn of_batch(out: &mut Vec<u8>, lane: &str, batch: &Batch, rejected: &Rejected) {
    append(out, lane, "", batch.origin().byte, batch.block(), rejected);
}

fn append(
    out: &mut Vec<u8>,
    lane: &str,
    source: &str,
    byte: u64,
    block: &Block,
    rejected: &Rejected,
) {
    let raw = rejected.extent.of(block.bytes());
    let text = std::str::from_utf8(raw).ok();
    let hexadecimal = || raw.iter().map(|byte| format!("{byte:02x}")).collect();
    let letter = Letter {
        source,
        byte: byte + u64::from(rejected.extent.start),
        lane,
        stage: &rejected.stage,
        kind: rejected.kind.name(),
        reason: &rejected.reason,
        raw: text,
        raw_hex: text.is_none().then(hexadecimal),
    };
    serde_json::to_writer(&mut *out, &letter).expect("texts and numbers can be written");
    out.push(b'\n');
}
