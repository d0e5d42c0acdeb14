//! The parts of a plan that only a pipeline without an end has.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ByteSize, Interval, SinkPlan, StagePlan, is_default};

/// A way through the pipeline for some of the records, with stages and a sink of its own.
///
/// A record goes to the first lane that takes it, and to the pipeline's own stages and sink when
/// there is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanePlan {
    /// The name in metrics and messages.
    pub name: String,
    /// The SQL condition on the fields of a record; any record unless given, and then `under` must
    /// be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// The lane takes records only while memory is so scarce. Records of streams that come again
    /// after a kill are never taken: they must come to the same lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<Pressure>,
    /// What is done with the records, in order.
    #[serde(default, rename = "stage", skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StagePlan>,
    /// Where they go.
    pub sink: SinkPlan,
    /// How the lane is run.
    #[serde(default, skip_serializing_if = "is_default")]
    pub flow: FlowPlan,
}

/// How scarce memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pressure {
    /// Three quarters of the limit are in use, and until less than 65 % are.
    Elevated,
    /// 90 % of the limit are in use, and until less than 80 % are.
    Critical,
}

/// How records flow through a lane.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowPlan {
    /// What the lane is for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kind: LaneKind,
    /// Blocks that may wait before the lane; 256 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<usize>,
    /// What happens when no more may wait.
    #[serde(default, skip_serializing_if = "is_default")]
    pub overflow: Overflow,
    /// With `overflow = "spill"`: bytes on the disk at most; 1 GiB unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spill_limit: Option<ByteSize>,
    /// The folder in which the lane keeps what its `dedup` stages remember, so that a restart goes
    /// on with it; in memory alone unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Threads that work for the lane alone. Without lanes as many as there are processors, with
    /// lanes one each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<usize>,
    /// How long records may wait for others, so that the sink is given more at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linger: Option<Interval>,
}

/// What a lane is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaneKind {
    /// The lowest latency: what is there goes on at once.
    #[default]
    Realtime,
    /// One effect for each key: its sink must have a `key`, or keep positions.
    Transactional,
    /// Throughput: records wait up to 200 ms for others, so that the sink is given more at once.
    Batch,
}

/// What happens to a record when its lane is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// Its source waits, and with it the sender.
    #[default]
    Block,
    /// What has waited longest is shed, and counted.
    ShedOldest,
    /// What comes is shed, and counted.
    ShedNewest,
    /// What comes goes to files in `engine.spill_dir` and comes back in its order; it does so when
    /// memory is scarce too. With `spill_limit` bytes there, its source waits. The files are gone
    /// when the process ends, however it does.
    Spill,
}

/// A log on the disk before the lanes, for what nobody can send again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpoolPlan {
    /// The folder, which it has for itself; it is made when it is missing.
    pub path: String,
    /// Bytes on the disk at most, then the senders wait; 1 GiB unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<ByteSize>,
    /// When what was written is forced to the disk: `never`, `always` (before a sender is
    /// answered), or with the first entry after so long, such as `1s`. Never unless given: a killed
    /// process loses nothing then, a power failure what the system had not written yet.
    #[serde(default, with = "super::text", skip_serializing_if = "is_default")]
    pub sync: SpoolSync,
}

/// When a spool forces what was written to the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpoolSync {
    /// When the system thinks fit.
    #[default]
    Never,
    /// At each entry, before its sender is answered.
    Always,
    /// With the first entry after so long.
    Every(Interval),
}

impl FromStr for SpoolSync {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "never" => Ok(Self::Never),
            "always" => Ok(Self::Always),
            every => every.parse().map(Self::Every).map_err(|_| {
                format!("expected `never`, `always` or a time such as 1s, found `{every}`")
            }),
        }
    }
}

impl fmt::Display for SpoolSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::Always => f.write_str("always"),
            Self::Every(every) => every.fmt(f),
        }
    }
}

/// How a pipeline without an end is served.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServePlan {
    /// Where `/metrics`, `/health`, `/ready`, `/stats` and `/memory` are answered, such as
    /// `127.0.0.1:9100`; nowhere unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<String>,
    /// The bearer token that requests to `admin` must carry; `${NAME}` takes it from the
    /// environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// How long a shutdown may take before it says what it could not finish; 30 s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<Interval>,
    /// How long small arrivals on `tcp://`, `unix://` and `udp://` gather before they are read,
    /// while they follow each other closely; 100 us unless given, `0s` reads each at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gather: Option<Interval>,
}

/// What listeners demand of those who connect.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsPlan {
    /// Connections at a time; further ones are refused. 10,240 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<usize>,
    /// A connection that sends nothing for so long is closed; an hour unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<Interval>,
    /// Bytes a second from one connection; as fast as they come unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<ByteSize>,
    /// Bytes of one HTTP body, uncompressed; 16 MiB unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<ByteSize>,
    /// How long a TLS handshake may take; 10 s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshake: Option<Interval>,
    /// TLS handshakes at a time; more wait. 256 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshakes: Option<usize>,
}

/// With which PEM files listeners on TCP speak TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsPlan {
    /// The server's certificate, and those between it and its authority.
    pub cert: String,
    /// The certificate's private key, not encrypted.
    pub key: String,
    /// The authorities that sign the certificates of clients, who then must have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<String>,
}

/// How often and how patiently a sink is tried again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryPlan {
    /// The first wait, doubled each time and varied by half; 50 ms unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Interval>,
    /// The longest wait; 30 s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest: Option<Interval>,
    /// Attempts after which records go to the dead letter; without end unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
}
