//! Events of users, as NDJSON.

use super::{Fault, Maker, Random, push_cents, push_instant, push_number};

/// `{"id", "ts", "type", "user": {"id", "country", "plan"}, "value", "tags", "message"}`
pub(super) struct Events;

const TYPES: [&str; 6] = [
    "view",
    "click",
    "search",
    "add_to_cart",
    "purchase",
    "error",
];
const COUNTRIES: [&str; 12] = [
    "DE", "US", "FR", "GB", "NL", "IT", "ES", "PL", "CH", "AT", "SE", "JP",
];
const PLANS: [&str; 3] = ["free", "plus", "team"];
const TAGS: [&str; 6] = ["mobile", "web", "beta", "eu", "promo", "returning"];
const MESSAGES: [&str; 6] = [
    "opened the start page",
    "pressed \\\"buy now\\\" twice",
    "searched for \\u00e4pfel, caf\u{e9}",
    "line one\\nline two",
    "C:\\\\temp\\\\upload",
    "ok",
];
const FIRST_EVENT: u64 = 1_704_067_200; // 2024-01-01

impl Maker for Events {
    fn header(&self, _out: &mut Vec<u8>) {}

    fn row(&self, index: u64, random: &mut Random, out: &mut Vec<u8>) {
        begin(index, random, out);
        push_cents(out, random.skewed(100_000));
        end(random, out);
        out.extend_from_slice(b"\n");
    }

    fn broken_row(&self, index: u64, fault: Fault, random: &mut Random, out: &mut Vec<u8>) {
        begin(index, random, out);
        match fault {
            Fault::Syntax => {}
            Fault::Value => {
                out.extend_from_slice(b"\"a lot\"");
                end(random, out);
            }
            Fault::Utf8 => out.extend_from_slice(b"1.00,\"tags\":[],\"message\":\"caf\xe9\"}"),
            _ => {
                out.extend_from_slice(b"1.00,\"tags\":[],\"message\":\"");
                out.resize(out.len() + (1 << 20), b'x');
                out.extend_from_slice(b"\"}");
            }
        }
        out.push(b'\n');
    }

    fn faults(&self) -> &'static [Fault] {
        &[Fault::Syntax, Fault::Value, Fault::Utf8]
    }
}

/// Everything before the value.
fn begin(index: u64, random: &mut Random, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"id\":");
    push_number(out, 1 + index);
    out.extend_from_slice(b",\"ts\":\"");
    push_instant(out, FIRST_EVENT + index / 100);
    out.extend_from_slice(b"\",\"type\":\"");
    out.extend_from_slice(random.pick_skewed(&TYPES).as_bytes());
    out.extend_from_slice(b"\",\"user\":{\"id\":");
    push_number(out, 1 + random.skewed(1_000_000));
    for (name, texts) in [
        (",\"country\":\"", &COUNTRIES[..]),
        (",\"plan\":\"", &PLANS[..]),
    ] {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(random.pick_skewed(texts).as_bytes());
        out.push(b'"');
    }
    out.extend_from_slice(b"},\"value\":");
}

/// Everything after the value.
fn end(random: &mut Random, out: &mut Vec<u8>) {
    let tags = [random.pick(&TAGS), random.pick(&TAGS)];
    let message = random.pick(&MESSAGES);
    out.extend_from_slice(b",\"tags\":[\"");
    out.extend_from_slice(tags[0].as_bytes());
    out.extend_from_slice(b"\",\"");
    out.extend_from_slice(tags[1].as_bytes());
    out.extend_from_slice(b"\"],\"message\":\"");
    out.extend_from_slice(message.as_bytes());
    out.extend_from_slice(b"\"}");
}
