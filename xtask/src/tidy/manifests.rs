//! Manifests inherit: lints, edition, licence, and the version of every dependency.

use std::fs;
use std::path::Path;

use super::Fault;
use crate::workspace::Workspace;

/// What every manifest takes from the workspace.
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license"];

/// The benches name their peers and versions themselves: nobody else may depend on a peer.
const NAMES_PEERS: &str = "pelton-benches";

pub(super) fn check(workspace: &Workspace) -> Vec<Fault> {
    let mut faults = Vec::new();
    for package in &workspace.packages {
        let path = package.folder.join("Cargo.toml");
        let text = fs::read_to_string(&path).unwrap_or_default();
        faults.extend(inherits(&path, &text));
        if package.name != NAMES_PEERS {
            faults.extend(own_versions(&path, &text));
        }
    }
    faults
}

fn inherits(path: &Path, text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for key in INHERITED {
        if !text.contains(&format!("\n{key}.workspace = true")) {
            let remedy = format!("write `{key}.workspace = true`");
            faults.push(Fault::new(path, 1, "manifest", remedy));
        }
    }
    if !text.contains("[lints]\nworkspace = true") {
        let remedy = "the workspace's lints are not taken; write `[lints]` `workspace = true`";
        faults.push(Fault::new(path, 1, "manifest", remedy));
    }
    faults
}

/// Entries of the dependency tables that do not say `workspace = true`.
fn own_versions(path: &Path, text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut in_dependencies = false;
    for (index, line) in text.lines().enumerate() {
        if let Some(table) = line.strip_prefix('[') {
            in_dependencies = table.trim_end_matches(']').ends_with("dependencies");
        } else if in_dependencies && line.contains('=') && !line.contains("workspace = true") {
            let remedy = "versions live in the root's [workspace.dependencies]; inherit this one";
            faults.push(Fault::new(path, index + 1, "manifest", remedy));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_its_own_is_found() {
        let text = "[package]\nname = \"a\"\n[dev-dependencies]\nb.workspace = true\nc = \"1\"\n";
        let faults = own_versions(Path::new("Cargo.toml"), text);
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].line, 5);
    }

    #[test]
    fn what_is_not_inherited_is_found() {
        let text = "[package]\nversion.workspace = true\nedition.workspace = true\n";
        assert_eq!(inherits(Path::new("Cargo.toml"), text).len(), 3);
    }
}
