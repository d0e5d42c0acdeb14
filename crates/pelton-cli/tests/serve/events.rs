//! The records of these tests, and the places that they go to.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::thread;

/// What a server must be told of the fields, where it is to look at them.
pub(crate) const SCHEMA: [&str; 6] = [
    "--schema",
    "id=int64",
    "--schema",
    "level=string",
    "--schema",
    "text=string",
];

/// Record `id`.
pub(crate) fn line(id: u64) -> String {
    let level = level(id);
    format!("{{\"id\":{id},\"level\":\"{level}\",\"text\":\"something happened, number {id}\"}}\n")
}

fn level(id: u64) -> &'static str {
    ["info", "error", "debug"][id as usize % 3]
}

/// Those of the records in `range` that have `level`, or all.
pub(crate) fn lines(range: Range<u64>, level: Option<&str>) -> String {
    let kept = |line: &String| level.is_none_or(|level| line.contains(level));
    range.map(line).filter(kept).collect()
}

/// The ids of the errors in `range`.
pub(crate) fn errors(range: Range<u64>) -> Vec<i64> {
    let errors = range.filter(|&id| level(id) == "error");
    errors.map(u64::cast_signed).collect()
}

/// The ids that `text` has, in its order.
pub(crate) fn ids(text: &str) -> Vec<i64> {
    let id = |line: &str| {
        let digits = line.strip_prefix("{\"id\":")?.split(',').next()?;
        digits.parse().ok()
    };
    let ids = text
        .lines()
        .map(|line| id(line).unwrap_or_else(|| panic!("{line:?}")));
    ids.collect()
}

/// A folder for the files of one test.
pub(crate) struct Places {
    folder: tempfile::TempDir,
}

impl Places {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// What the file `name` holds.
    pub(crate) fn content(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The files whose names begin with `start`, but checkpoints, in the order of their names.
    pub(crate) fn files(&self, start: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let wanted = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(start) && !name.contains(".checkpoint")
        };
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(wanted);
        files.sort();
        files
    }
}

/// The bytes that `path` has, none where there is no such file.
pub(crate) fn size(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

pub(crate) fn wait_for_size(path: &Path, bytes: u64) {
    while size(path) < bytes {
        thread::yield_now();
    }
}

/// A number that looks random (SplitMix64).
pub(crate) const fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
