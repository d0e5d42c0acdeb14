//! A crate's README and its crate docs open with the same promise.

use std::fs;
use std::path::{Path, PathBuf};

use super::Fault;
use crate::workspace::{Package, Workspace};

pub(super) fn check(workspace: &Workspace) -> Vec<Fault> {
    workspace.crates().filter_map(check_crate).collect()
}

fn check_crate(package: &Package) -> Option<Fault> {
    let path = package.folder.join("README.md");
    let readme = first_paragraph(&fs::read_to_string(&path).unwrap_or_default());
    let docs = crate_docs(&root_file(package));
    (readme != docs).then(|| {
        let remedy = format!("opens with `{readme}`, the crate docs with `{docs}`; say the same");
        Fault::new(&path, 3, "readme", remedy)
    })
}

/// `src/lib.rs`, or `src/main.rs` where there is no library.
pub(super) fn root_file(package: &Package) -> PathBuf {
    let library = package.folder.join("src/lib.rs");
    match library.exists() {
        true => library,
        false => package.folder.join("src/main.rs"),
    }
}

fn crate_docs(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let docs = text.lines().map_while(|line| line.strip_prefix("//!"));
    let docs: Vec<&str> = docs.map(str::trim).collect();
    first_paragraph(&docs.join("\n"))
}

/// The first paragraph that is no heading, without its links' targets and its line breaks.
fn first_paragraph(text: &str) -> String {
    let lines = text
        .lines()
        .skip_while(|line| line.is_empty() || line.starts_with('#'));
    let lines: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    without_links(&lines.join(" "))
}

/// `[text](target)` and `[text]` both become `text`.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let (inside, after) = after.split_once(']').unwrap_or((after, ""));
        plain.push_str(before);
        plain.push_str(inside);
        rest = match after.strip_prefix('(') {
            Some(target) => target.split_once(')').map_or("", |(_, after)| after),
            None => after,
        };
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_breaks_do_not_count() {
        let readme = first_paragraph("# a\n\nA [loom](https://loom) in\ntwo lines.\n\nMore.\n");
        assert_eq!(readme, "A loom in two lines.");
        assert_eq!(first_paragraph("A [loom] in two lines.\n"), readme);
    }
}
