//! What each Rust file must and must not say.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::rust::{self, Line};
use super::{Fault, readmes};
use crate::workspace::{Package, Workspace, files};

/// The widest line, in characters.
const WIDTH: usize = 100;

/// A note may stand so many lines of code above what it argues for.
const NOTE_REACH: usize = 6;

/// Where unsafe code may live: a crate, and the beginning of the path under it.
const UNSAFE_HOMES: &[(&str, &str)] = &[
    ("pelton-sync", "src"),
    ("pelton-simd", "src"),
    ("pelton-queue", "src"),
    ("pelton-pool", "src"),
    ("pelton-sched", "src/countdown"),
    ("pelton-sched", "src/job"),
    ("pelton-sched", "src/scheduler"),
    ("pelton-sched", "src/scope"),
    ("pelton-sched", "src/task"),
    ("pelton-sched", "src/worker"),
    ("pelton-record", "src/block"),
    ("pelton-connect", "src/map"),
];

/// The ground floor: the shim itself, and the kernels, which share nothing but the level found.
const GROUND: &[&str] = &["pelton-sync", "pelton-simd"];

/// What every crate above takes from the shim.
const SHARED_MEMORY: &[&str] = &[
    "std::sync::atomic",
    "core::sync::atomic",
    "std::thread",
    "std::cell::UnsafeCell",
    "core::cell::UnsafeCell",
];

/// Names that say nothing: a crate or file that needs one has a missing noun.
const EMPTY_NAMES: &[&str] = &["common", "helper", "helpers", "misc", "util", "utils"];

/// A file of a crate, read.
struct Source<'a> {
    package: &'a Package,
    path: PathBuf,
    text: String,
    lines: Vec<Line>,
}

pub(super) fn check(workspace: &Workspace) -> Vec<Fault> {
    let mut faults = Vec::new();
    for package in &workspace.packages {
        for path in files(&package.folder, "rs") {
            let source = Source::read(package, path);
            faults.extend(source.check(workspace));
        }
    }
    faults.extend(workspace.crates().filter_map(forbids_unsafe));
    faults
}

/// Crates without a home for unsafe code say so to the compiler.
fn forbids_unsafe(package: &Package) -> Option<Fault> {
    if UNSAFE_HOMES.iter().any(|(name, _)| *name == package.name) {
        return None;
    }
    let path = readmes::root_file(package);
    let text = fs::read_to_string(&path).unwrap_or_default();
    let forbidden = text.contains("#![forbid(unsafe_code)]");
    (!forbidden).then(|| Fault::new(&path, 1, "unsafe", "write `#![forbid(unsafe_code)]`"))
}

impl<'a> Source<'a> {
    fn read(package: &'a Package, path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap_or_default();
        Self {
            package,
            path,
            lines: rust::lines(&text),
            text,
        }
    }

    fn check(&self, workspace: &Workspace) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.name(&mut faults);
        self.opening(&mut faults);
        self.width(&mut faults);
        let a_crate = self
            .package
            .folder
            .starts_with(workspace.root.join("crates"));
        if a_crate && self.lies_in("src") {
            self.unsafe_home(&mut faults);
            self.notes(&mut faults);
            self.imported_orderings(&mut faults);
        }
        if a_crate && (self.lies_in("src") || self.lies_in("tests/loom_")) {
            self.shared_memory(&mut faults);
        }
        if self.lies_in("tests") {
            self.honest_tests(&mut faults);
        }
        faults
    }

    /// True when the path under the crate begins with `place`.
    fn lies_in(&self, place: &str) -> bool {
        self.below().to_string_lossy().starts_with(place)
    }

    fn below(&self) -> &Path {
        self.path
            .strip_prefix(&self.package.folder)
            .unwrap_or(&self.path)
    }

    fn fault(&self, index: usize, rule: &'static str, remedy: impl Into<String>) -> Fault {
        Fault::new(&self.path, index + 1, rule, remedy)
    }

    fn name(&self, faults: &mut Vec<Fault>) {
        let parts = self.below().with_extension("");
        let empty = parts
            .iter()
            .find(|part| EMPTY_NAMES.iter().any(|name| *part == *name));
        if let Some(part) = empty {
            let part = part.to_string_lossy();
            let remedy = format!("`{part}` says nothing; name what is in it");
            faults.push(self.fault(0, "name", remedy));
        }
    }

    fn opening(&self, faults: &mut Vec<Fault>) {
        if !self.text.starts_with("//! ") {
            let remedy = "open with `//!`: what this is, what it promises, what it will not do";
            faults.push(self.fault(0, "opening", remedy));
        }
    }

    fn width(&self, faults: &mut Vec<Fault>) {
        for (index, line) in self.text.lines().enumerate() {
            let length = line.chars().count();
            let start = line.trim_start().trim_start_matches(['/', '!', ' ']);
            let table = start.starts_with("room(") || start.starts_with('|');
            if length > WIDTH && !line.contains("://") && !table {
                let remedy = format!("{length} characters; at most {WIDTH}");
                faults.push(self.fault(index, "width", remedy));
            }
        }
    }

    fn unsafe_home(&self, faults: &mut Vec<Fault>) {
        let home = |(name, place): &(&str, &str)| *name == self.package.name && self.lies_in(place);
        if UNSAFE_HOMES.iter().any(home) {
            return;
        }
        for (index, line) in self.lines.iter().enumerate() {
            if has_word(&line.code, "unsafe") {
                let remedy = "unsafe code has its homes, this is none; ask one of them";
                faults.push(self.fault(index, "unsafe", remedy));
            }
        }
    }

    /// Each unsafe block and each ordering above Relaxed has its note within reach.
    fn notes(&self, faults: &mut Vec<Fault>) {
        for (index, line) in self.lines.iter().enumerate() {
            let unsafe_block = line.code.contains("unsafe {") || line.code.contains("unsafe impl");
            if unsafe_block && !self.noted(index, "SAFETY") {
                let remedy = "argue in a `SAFETY` note which invariant makes this sound";
                faults.push(self.fault(index, "safety", remedy));
            }
            if orders(&line.code) && !self.noted(index, "ORDERING") {
                let remedy = "say in an `ORDERING` note which access this pairs with";
                faults.push(self.fault(index, "ordering", remedy));
            }
        }
    }

    /// True when a comment on this line, or within reach above, says `word`.
    fn noted(&self, index: usize, word: &str) -> bool {
        let mut reach = NOTE_REACH + 1;
        for line in self.lines[..=index].iter().rev() {
            if line.comment.contains(word) {
                return true;
            }
            reach -= usize::from(!line.code.trim().is_empty());
            if reach == 0 {
                return false;
            }
        }
        false
    }

    /// An ordering is written with its path, so that a reader and this check see it.
    fn imported_orderings(&self, faults: &mut Vec<Fault>) {
        for (index, path) in self.imports() {
            let last = path.rsplit("::").next().unwrap_or_default();
            if path.contains("Ordering::") && (last == "*" || is_strong(last)) {
                let remedy = "import `Ordering` and write `Ordering::Acquire` where it is used";
                faults.push(self.fault(index, "ordering", remedy));
            }
        }
    }

    fn shared_memory(&self, faults: &mut Vec<Fault>) {
        if GROUND.contains(&self.package.name.as_str()) {
            return;
        }
        let forbidden = |text: &str| SHARED_MEMORY.iter().any(|name| text.contains(name));
        let imports = self.imports().into_iter();
        let imported = imports.filter_map(|(index, path)| forbidden(&path).then_some(index));
        let named = (0..self.lines.len()).filter(|index| forbidden(&self.lines[*index].code));
        let places: BTreeSet<usize> = imported.chain(named).collect();
        let remedy = "take atomics, cells and threads from pelton-sync, so that a model sees them";
        faults.extend(
            places
                .into_iter()
                .map(|index| self.fault(index, "shim", remedy)),
        );
    }

    fn honest_tests(&self, faults: &mut Vec<Fault>) {
        for (index, line) in self.lines.iter().enumerate() {
            if line.code.contains("#[ignore") {
                faults.push(self.fault(index, "tests", "no ignored tests; mend or delete it"));
            }
            if line.code.contains("thread::sleep") {
                let remedy = "no sleeps in tests; wait for the event itself";
                faults.push(self.fault(index, "tests", remedy));
            }
        }
    }

    /// Every path that a `use` names, braces spread out, with the line where its `use` begins.
    fn imports(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            let Some(at) = use_begins(&line.code) else {
                continue;
            };
            let mut statement = line.code[at..].to_owned();
            for next in &self.lines[index + 1..] {
                if statement.contains(';') {
                    break;
                }
                statement.push_str(&next.code);
            }
            let tree = statement.split(';').next().unwrap_or_default();
            let tree: String = tree.split_whitespace().collect::<Vec<_>>().join(" ");
            spread(
                "",
                &tree.replace(", ", ",").replace("{ ", "{"),
                index,
                &mut found,
            );
        }
        found
    }
}

/// Where the tree of a `use` begins on this line.
fn use_begins(code: &str) -> Option<usize> {
    let at = code.find("use ")?;
    let before = code[..at].trim();
    let import = before.is_empty() || before == "pub" || before.starts_with("pub(");
    import.then_some(at + 4)
}

/// Spreads `a::{b, c::d}` into `a::b` and `a::c::d`.
fn spread(prefix: &str, tree: &str, index: usize, found: &mut Vec<(usize, String)>) {
    let Some((head, group)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or(tree).trim();
        if !name.is_empty() {
            found.push((index, format!("{prefix}{name}")));
        }
        return;
    };
    let inside = group.trim_end().strip_suffix('}').unwrap_or(group);
    for part in split_top(inside) {
        spread(
            &format!("{prefix}{}", head.trim()),
            part.trim(),
            index,
            found,
        );
    }
}

/// Splits at the commas that no brace encloses.
fn split_top(text: &str) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0usize, 0, Vec::new());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

fn orders(code: &str) -> bool {
    let mut paths = code.split("Ordering::").skip(1);
    paths.any(|after| {
        let name = after.split(|c: char| !c.is_alphanumeric()).next();
        name.is_some_and(is_strong)
    })
}

fn is_strong(name: &str) -> bool {
    ["Acquire", "Release", "AcqRel", "SeqCst"].contains(&name)
}

fn has_word(code: &str, word: &str) -> bool {
    let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.any(|found| found == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Kind;

    /// The rules that `text` breaks as `crates/NAME/PATH`.
    fn broken(name: &str, path: &str, text: &str) -> Vec<&'static str> {
        let package = Package {
            name: name.to_owned(),
            folder: Path::new("/house/crates").join(name),
            ours: vec![("pelton-sync".to_owned(), Kind::Normal)],
            published: true,
        };
        let workspace = Workspace {
            root: "/house".into(),
            target: "/house/target".into(),
            packages: Vec::new(),
        };
        let source = Source {
            path: package.folder.join(path),
            package: &package,
            text: text.to_owned(),
            lines: rust::lines(text),
        };
        source
            .check(&workspace)
            .iter()
            .map(|fault| fault.rule)
            .collect()
    }

    #[test]
    fn orderings_need_their_note() {
        let site = "x.load(Ordering::Acquire);\n";
        let noted = format!("//! A.\n// ORDERING: Acquire; pairs.\n{site}");
        assert!(broken("pelton-queue", "src/a.rs", &noted).is_empty());
        let bare = format!("//! A.\n{site}");
        assert_eq!(broken("pelton-queue", "src/a.rs", &bare), ["ordering"]);
        let relaxed = "//! A.\nx.load(Ordering::Relaxed);\n";
        assert!(broken("pelton-queue", "src/a.rs", relaxed).is_empty());
        let far = format!("//! A.\n// ORDERING: far.\n{}{site}", "f();\n".repeat(9));
        assert_eq!(broken("pelton-queue", "src/a.rs", &far), ["ordering"]);
        let hidden = "//! A.\nuse a::Ordering::{Acquire, Relaxed};\n";
        assert_eq!(broken("pelton-queue", "src/a.rs", hidden), ["ordering"]);
    }

    #[test]
    fn unsafe_needs_a_home_and_a_note() {
        let bare = "//! A.\nlet x = unsafe { f() };\n";
        assert_eq!(broken("pelton-queue", "src/a.rs", bare), ["safety"]);
        let noted = "//! A.\n// SAFETY: so.\nlet x = unsafe { f() };\n";
        assert!(broken("pelton-queue", "src/a.rs", noted).is_empty());
        assert_eq!(broken("pelton-stage", "src/a.rs", noted), ["unsafe"]);
        assert_eq!(broken("pelton-record", "src/batch.rs", noted), ["unsafe"]);
        assert!(broken("pelton-record", "src/block.rs", noted).is_empty());
    }

    #[test]
    fn shared_memory_comes_through_the_shim() {
        for text in [
            "use std::sync::atomic::AtomicBool;",
            "use std::{\n    fmt,\n    sync::{Arc, atomic::{AtomicBool, Ordering}},\n};",
            "pub(crate) use std::thread;",
            "std::thread::spawn(f);",
            "use core::cell::{Cell, UnsafeCell};",
        ] {
            let text = format!("//! A.\n{text}\n");
            assert_eq!(
                broken("pelton-queue", "src/a.rs", &text),
                ["shim"],
                "{text}"
            );
            assert!(broken("pelton-sync", "src/a.rs", &text).is_empty());
            assert!(broken("pelton-queue", "tests/a.rs", &text).is_empty());
            assert_eq!(broken("pelton-queue", "tests/loom_a.rs", &text), ["shim"]);
        }
        let text = "//! A.\nuse std::sync::Arc; // not std::thread\n";
        assert!(broken("pelton-queue", "src/a.rs", text).is_empty());
    }

    #[test]
    fn names_openings_and_widths() {
        assert_eq!(broken("pelton", "src/utils.rs", "//! A.\n"), ["name"]);
        assert_eq!(
            broken("pelton", "tests/common/mod.rs", "//! A.\n"),
            ["name"]
        );
        assert_eq!(broken("pelton", "src/a.rs", "fn f() {}\n"), ["opening"]);
        let wide = format!("//! A.\n// {}\n", "é".repeat(98));
        assert_eq!(broken("pelton", "src/a.rs", &wide), ["width"]);
        let fitting = format!("//! A.\n// {}\n", "é".repeat(97));
        assert!(broken("pelton", "src/a.rs", &fitting).is_empty());
    }

    #[test]
    fn tests_neither_sleep_nor_look_away() {
        let text = "//! A.\n#[ignore]\nfn f() { thread::sleep(d); }\n";
        assert_eq!(broken("pelton", "tests/a.rs", text), ["tests", "tests"]);
    }
}
