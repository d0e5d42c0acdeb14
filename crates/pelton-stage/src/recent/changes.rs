//! What changed in a window of keys, in words that another process understands.
//!
//! Numbers are little-endian: a version (1), 64 bits made of the columns and the kind of window,
//! the latest time, then each key that was remembered in its order: 128 bits and, where keys are
//! forgotten by time, its own time and the latest one when it came.

use pelton_queue::dedup::key_of;

use super::{Plan, State, Within};

const VERSION: u8 = 1;
const KEY_BYTES: usize = 16;
const TIMED_KEY_BYTES: usize = KEY_BYTES + 16;

/// Changes since somebody asked.
#[derive(Debug)]
pub(super) struct Changes {
    fingerprint: u64,
    /// Keys as they are written.
    keys: Vec<u8>,
    /// The latest time that was told.
    latest: i64,
}

impl Changes {
    pub(super) fn new(plan: &Plan, latest: i64) -> Self {
        Self {
            fingerprint: fingerprint(plan),
            keys: Vec::new(),
            latest,
        }
    }

    /// A key was remembered; with its own time and the latest one.
    pub(super) fn kept(&mut self, key: u128, time: Option<(i64, i64)>) {
        self.keys.extend_from_slice(&key.to_le_bytes());
        if let Some((time, latest)) = time {
            self.keys.extend_from_slice(&time.to_le_bytes());
            self.keys.extend_from_slice(&latest.to_le_bytes());
        }
    }

    /// It is known elsewhere how late it is.
    pub(super) const fn told(&mut self, latest: i64) {
        self.latest = latest;
    }

    /// All changes; empty when there are none.
    pub(super) fn take(&mut self, latest: i64) -> Vec<u8> {
        if self.keys.is_empty() && self.latest == latest {
            return Vec::new();
        }
        self.latest = latest;
        let mut told = vec![VERSION];
        told.extend_from_slice(&self.fingerprint.to_le_bytes());
        told.extend_from_slice(&latest.to_le_bytes());
        told.append(&mut self.keys);
        told
    }
}

/// Changes as they were told.
#[derive(Debug)]
pub(super) struct Change {
    pub keys: Vec<(u128, Option<(i64, i64)>)>,
    pub latest: i64,
}

impl Change {
    /// `None` when they are of another step, or none at all.
    pub(super) fn read(plan: &Plan, told: &[u8]) -> Option<Self> {
        let (&[VERSION], rest) = told.split_first_chunk()? else {
            return None;
        };
        let (made_of, rest) = rest.split_first_chunk()?;
        let (latest, keys) = rest.split_first_chunk()?;
        let timed = matches!(plan.window, Within::Time { .. });
        let bytes = if timed { TIMED_KEY_BYTES } else { KEY_BYTES };
        let same = u64::from_le_bytes(*made_of) == fingerprint(plan);
        let whole = keys.len().is_multiple_of(bytes);
        (same && whole).then(|| Self {
            keys: keys.chunks_exact(bytes).filter_map(key).collect(),
            latest: i64::from_le_bytes(*latest),
        })
    }
}

fn key(bytes: &[u8]) -> Option<(u128, Option<(i64, i64)>)> {
    let (key, rest) = bytes.split_first_chunk()?;
    let times = rest.split_first_chunk().and_then(|(time, rest)| {
        let (latest, _) = rest.split_first_chunk()?;
        Some((i64::from_le_bytes(*time), i64::from_le_bytes(*latest)))
    });
    Some((u128::from_le_bytes(*key), times))
}

/// The same for steps that understand each other's keys: of the same columns, forgotten alike.
fn fingerprint(plan: &Plan) -> u64 {
    let columns = plan.by.iter().map(|&index| {
        let field = &plan.schema.fields()[index];
        format!("{} {:?}", field.name, field.data_type)
    });
    let mut words: Vec<String> = columns.collect();
    words.push(match plan.window {
        Within::Rows(_) => "rows".to_owned(),
        Within::Time { column, .. } => format!("time {}", plan.schema.fields()[column].name),
    });
    key_of(words.join("\n").as_bytes(), State::SECRET) as u64
}
