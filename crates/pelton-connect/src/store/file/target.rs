//! The names of the files that a store writes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Digits of a number at least.
const DIGITS: usize = 6;

/// A piece of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    /// The value of the column of this name.
    Column(String),
}

/// A path, taken apart.
#[derive(Debug)]
pub(super) struct Target {
    /// As it was given.
    path: String,
    /// Names are relative to this, and the checkpoint lies here.
    folder: PathBuf,
    /// Behind the folder.
    parts: Vec<Part>,
    /// What stands behind a file's number: `.ndjson.gz`.
    extension: String,
    /// True when files have numbers.
    numbered: bool,
}

impl Target {
    /// Takes `path` apart; the error says what is wrong with it.
    pub(super) fn parse(path: &str, numbered: bool) -> Result<Self, String> {
        let fixed = &path[..path.find('{').unwrap_or(path.len())];
        let (folder, _) = fixed.split_at(fixed.rfind('/').map_or(0, |at| at + 1));
        let rest = &path[folder.len()..];
        if rest.is_empty() || rest.ends_with('/') {
            return Err("is no file's path; name the file to write".to_owned());
        }
        let last = rest.rfind(['/', '}']).map_or(0, |at| at + 1);
        // A name that begins with a dot is hidden, and has no extension by that.
        let from =
            last + usize::from(rest[last..].starts_with('.') && !rest[..last].ends_with('}'));
        let extension = rest[from..].find('.').map_or("", |at| &rest[from + at..]);
        Ok(Self {
            path: path.to_owned(),
            folder: PathBuf::from(if folder.is_empty() { "." } else { folder }),
            parts: parts(rest)?,
            extension: extension.to_owned(),
            numbered,
        })
    }

    /// As it was given.
    pub(super) fn given(&self) -> &str {
        &self.path
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// True when the path depends on what is in a record.
    pub(super) fn is_partitioned(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, Part::Column(_)))
    }

    pub(super) const fn is_numbered(&self) -> bool {
        self.numbered
    }

    /// The one name, of a path without columns.
    pub(super) fn only_name(&self) -> String {
        self.path[self.path.rfind('/').map_or(0, |at| at + 1)..].to_owned()
    }

    pub(super) fn checkpoint(&self) -> PathBuf {
        let flat = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.replace('/', "-"),
            Part::Column(name) => name.replace('/', "-"),
        });
        self.folder.join(flat.collect::<String>() + ".checkpoint")
    }

    /// Where the file of `name` with this number lies.
    pub(super) fn file(&self, name: &str, number: u64) -> PathBuf {
        if !self.numbered {
            return self.folder.join(name);
        }
        let stem = name.strip_suffix(&self.extension).unwrap_or(name);
        let extension = &self.extension;
        self.folder
            .join(format!("{stem}.{number:0DIGITS$}{extension}"))
    }

    /// The highest number that a file of `name` has, 0 when there is none.
    pub(super) fn newest(&self, name: &str) -> io::Result<u64> {
        let first = self.file(name, 0);
        let folder = first.parent().unwrap_or(Path::new("."));
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            entries => entries?,
        };
        let stem = name.strip_suffix(&self.extension).unwrap_or(name);
        let prefix = format!("{}.", &stem[stem.rfind('/').map_or(0, |at| at + 1)..]);
        let mut newest = 0;
        for entry in entries {
            let file = entry?.file_name();
            newest = newest.max(number(&file.to_string_lossy(), &prefix, &self.extension));
        }
        Ok(newest)
    }
}

/// The number between `prefix` and `extension`; 0 where there is none.
fn number(file: &str, prefix: &str, extension: &str) -> u64 {
    let inside = file
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_suffix(extension))
        .filter(|digits| digits.len() >= DIGITS && digits.bytes().all(|b| b.is_ascii_digit()));
    inside.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn parts(mut rest: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    while let Some((text, after)) = rest.split_once('{') {
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        let Some((name, behind)) = after.split_once('}') else {
            return Err("a `{` has no `}`; name a column between them".to_owned());
        };
        parts.push(Part::Column(name.trim().to_owned()));
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

/// `value` as a part of a file's name: letters, digits, `-`, `.` and `_` stay, except where the
/// name would begin with one of the last two; other bytes become `%` and two digits.
pub(super) fn escape(value: &str, out: &mut String) {
    if value.is_empty() {
        out.push_str("_empty");
    }
    for (index, letter) in value.chars().enumerate() {
        let plain = letter.is_alphanumeric() || letter == '-';
        if plain || index > 0 && matches!(letter, '.' | '_') {
            out.push(letter);
            continue;
        }
        for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, name: &str, number: u64) -> String {
        let target = Target::parse(path, number > 0).unwrap();
        target.file(name, number).display().to_string()
    }

    #[test]
    fn numbers_stand_before_the_extensions() {
        assert_eq!(file("out/a.csv", "a.csv", 0), "out/a.csv");
        assert_eq!(file("out/a.csv.gz", "a.csv.gz", 7), "out/a.000007.csv.gz");
        assert_eq!(file("a", "a", 1_000_000), "./a.1000000");
        assert_eq!(file("/x/.a", ".a", 1), "/x/.a.000001");
        assert_eq!(file("o/{c}.csv", "a.b.csv", 2), "o/a.b.000002.csv");
        assert_eq!(number("a.000012.csv", "a.", ".csv"), 12);
        assert_eq!(number("a.12.csv", "a.", ".csv"), 0);
        assert_eq!(number("a.csv", "a.", ".csv"), 0);
    }

    #[test]
    fn the_checkpoint_lies_beside_what_is_fixed() {
        let checkpoint = |path| Target::parse(path, false).unwrap().checkpoint();
        assert_eq!(checkpoint("out/a.csv"), Path::new("out/a.csv.checkpoint"));
        assert_eq!(
            checkpoint("out/{c}/{d}.csv"),
            Path::new("out/c-d.csv.checkpoint")
        );
    }

    #[test]
    fn values_become_names_that_differ() {
        let escaped = |value| {
            let mut out = String::new();
            escape(value, &mut out);
            out
        };
        assert_eq!(escaped("Österreich"), "Österreich");
        assert_eq!(escaped("../a b"), "%2E.%2Fa%20b");
        assert_eq!(escaped("_empty"), "%5Fempty");
        assert_eq!(escaped(""), "_empty");
    }

    #[test]
    fn paths_that_name_no_file_are_refused() {
        assert!(Target::parse("out/", false).is_err());
        assert!(Target::parse("out/{a", false).is_err());
    }
}
