//! A web server's access log in the combined format.

use super::{Fault, Maker, Random, civil_date, push_number, push_padded};

/// `host ident user [time] "request" status bytes "referer" "user agent"`
pub(super) struct Log;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const METHODS: [&str; 4] = ["GET", "GET", "POST", "HEAD"];
const PATHS: [&str; 10] = [
    "/",
    "/index.html",
    "/login",
    "/api/orders",
    "/api/users",
    "/static/app.js",
    "/static/app.css",
    "/images/logo.png",
    "/search",
    "/checkout",
];
const STATUSES: [u64; 6] = [200, 200, 304, 301, 404, 500];
const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) Version/17.5 Safari/605.1.15",
    "curl/8.8.0",
    "a \\\"quoted\\\" agent",
];
const FIRST_REQUEST: u64 = 1_704_067_200; // 2024-01-01

impl Maker for Log {
    fn header(&self, _out: &mut Vec<u8>) {}

    fn row(&self, index: u64, random: &mut Random, out: &mut Vec<u8>) {
        begin(index, random, out);
        push_number(out, *random.pick_skewed(&STATUSES));
        out.push(b' ');
        push_number(out, random.skewed(200_000));
        agent(random, out);
    }

    fn broken_row(&self, index: u64, fault: Fault, random: &mut Random, out: &mut Vec<u8>) {
        match fault {
            Fault::Syntax => out.extend_from_slice(b"server restarted, no pattern here\n"),
            Fault::Utf8 => {
                begin(index, random, out);
                out.extend_from_slice(b"200 17 \"-\" \"caf\xe9\"\n");
            }
            _ => {
                begin(index, random, out);
                out.extend_from_slice(b"200 17 \"-\" \"");
                out.resize(out.len() + (1 << 20), b'x');
                out.extend_from_slice(b"\"\n");
            }
        }
    }

    fn faults(&self) -> &'static [Fault] {
        &[Fault::Syntax, Fault::Utf8]
    }
}

/// Everything before the status.
fn begin(index: u64, random: &mut Random, out: &mut Vec<u8>) {
    for part in 0..4 {
        if part > 0 {
            out.push(b'.');
        }
        push_number(out, 1 + random.below(254));
    }
    let user: &[u8] = if random.below(10) == 0 {
        b" - frank ["
    } else {
        b" - - ["
    };
    out.extend_from_slice(user);
    instant(FIRST_REQUEST + index / 50, out);
    out.extend_from_slice(b" +0000] \"");
    out.extend_from_slice(random.pick(&METHODS).as_bytes());
    out.push(b' ');
    out.extend_from_slice(random.pick_skewed(&PATHS).as_bytes());
    if random.below(3) == 0 {
        out.extend_from_slice(b"?page=");
        push_number(out, random.below(1000));
    }
    out.extend_from_slice(b" HTTP/1.1\" ");
}

fn agent(random: &mut Random, out: &mut Vec<u8>) {
    let referer: &[u8] = if random.below(2) == 0 {
        b" \"-\" \""
    } else {
        b" \"https://example.com/start\" \""
    };
    out.extend_from_slice(referer);
    out.extend_from_slice(random.pick(&AGENTS).as_bytes());
    out.extend_from_slice(b"\"\n");
}

/// `31/Jan/2024:12:34:56`
fn instant(seconds: u64, out: &mut Vec<u8>) {
    let (year, month, day) = civil_date(seconds / 86_400);
    push_padded(out, day, 2);
    out.push(b'/');
    out.extend_from_slice(MONTHS[month as usize - 1].as_bytes());
    out.push(b'/');
    push_number(out, year);
    for number in [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60] {
        out.push(b':');
        push_padded(out, number, 2);
    }
}
