//! Where the project is and what it consists of, as cargo sees it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::Command;
use crate::json::Json;

/// A package of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// The folder of its manifest, absolute.
    pub(crate) folder: PathBuf,
    /// The names of the workspace members it depends on, each with its kind.
    pub(crate) ours: Vec<(String, Kind)>,
    /// False where `publish = false`.
    pub(crate) published: bool,
}

/// Why a package depends on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

/// The workspace: its root, its target folder, its members.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn load() -> Result<Self, String> {
        let text = Command::new("cargo metadata --format-version 1 --no-deps")
            .folder(root())
            .output()?;
        let json = Json::parse(&text).map_err(|fault| format!("cargo metadata: {fault}"))?;
        Ok(Self {
            root: json.at("workspace_root").text().into(),
            target: json.at("target_directory").text().into(),
            packages: json.at("packages").list().iter().map(package).collect(),
        })
    }

    /// The crates under `crates/`: all but xtask and the benches.
    pub(crate) fn crates(&self) -> impl Iterator<Item = &Package> {
        let crates = self.root.join("crates");
        self.packages
            .iter()
            .filter(move |package| package.folder.starts_with(&crates))
    }

    /// The package of that name, or a sentence that lists the names there are.
    pub(crate) fn package(&self, name: &str) -> Result<&Package, String> {
        let found = self.packages.iter().find(|package| package.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.packages.iter().map(|p| p.name.as_str()).collect();
            format!("no crate `{name}`; there are {}", names.join(", "))
        })
    }
}

fn package(json: &Json) -> Package {
    let manifest = Path::new(json.at("manifest_path").text());
    let dependencies = json.at("dependencies").list().iter();
    Package {
        name: json.at("name").text().to_owned(),
        folder: manifest.parent().unwrap_or(manifest).to_owned(),
        ours: dependencies.filter_map(ours).collect(),
        published: json.at("publish") == &Json::Null,
    }
}

/// A dependency by path is one of ours.
fn ours(dependency: &Json) -> Option<(String, Kind)> {
    let kind = match dependency.at("kind").text() {
        "dev" => Kind::Dev,
        "build" => Kind::Build,
        _ => Kind::Normal,
    };
    let by_path = dependency.at("path") != &Json::Null;
    by_path.then(|| (dependency.at("name").text().to_owned(), kind))
}

/// The root, found from this crate's manifest. Cargo names its folder while it runs us; the one
/// that the compiler saw may be another checkout with the same target folder.
pub(crate) fn root() -> PathBuf {
    let seen = env!("CARGO_MANIFEST_DIR").to_owned();
    let folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap_or(seen));
    folder.parent().unwrap_or(&folder).to_owned()
}

/// Every file below `folder` whose name ends in `.EXTENSION`, in order of its path. Hidden and
/// target folders are left out.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for path in entries(&next) {
            if path.is_dir() && is_source(&path) {
                waiting.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The entries of `folder`; none when it cannot be read.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn is_source(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with('.') && name != "target"
}
