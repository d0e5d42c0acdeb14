//! `cargo xtask package`: is each published crate whole without the workspace?
//!
//! Packages them all as the registry would get them, unpacks them side by side into a folder
//! outside the checkout, points their versions of each other there, and tests each one alone:
//! only its own features, nothing that only the workspace has. No network is needed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::command::Command;
use crate::workspace::{Package, Workspace};

/// Packages every published crate, then tests the one called `only`, or each.
pub(crate) fn run(only: Option<&str>) -> Outcome {
    let workspace = Workspace::load()?;
    if let Some(name) = only {
        workspace.package(name)?;
    }
    let published: Vec<&Package> = workspace.packages.iter().filter(|p| p.published).collect();
    must(&pack(&published))?;
    let stage = Stage::new(&workspace)?;
    for package in &published {
        stage.unpack(package)?;
    }
    stage.write_manifest(&published)?;
    let wanted = published
        .iter()
        .filter(|p| only.is_none_or(|name| name == p.name));
    for package in wanted {
        must(&stage.test(package))?;
    }
    Ok(())
}

fn pack(published: &[&Package]) -> Command {
    let command = Command::new("cargo package --quiet --no-verify --allow-dirty");
    published.iter().fold(command, |command, package| {
        command.arg("-p").arg(&package.name)
    })
}

fn must(command: &Command) -> Outcome {
    println!("$ {command}");
    match command.succeeds()? {
        true => Ok(()),
        false => Err(format!("`{command}` failed")),
    }
}

/// The folder in which the packages stand side by side, outside of every workspace.
struct Stage {
    folder: PathBuf,
    root: PathBuf,
    target: PathBuf,
}

impl Stage {
    fn new(workspace: &Workspace) -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("pelton-packages-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| fault(&folder, &error))?;
        Ok(Self {
            folder,
            root: workspace.root.clone(),
            target: workspace.target.clone(),
        })
    }

    fn unpack(&self, package: &Package) -> Outcome {
        let version = env!("CARGO_PKG_VERSION");
        let archive = format!("package/{}-{version}.crate", package.name);
        let archive = self.target.join(archive);
        let command = Command::new("tar xzf")
            .arg(archive.to_string_lossy())
            .arg("-C")
            .arg(self.folder.to_string_lossy());
        must(&command)
    }

    /// A workspace of nothing but the packages, with the lock file of ours.
    fn write_manifest(&self, published: &[&Package]) -> Outcome {
        let mut text = "[workspace]\nmembers = [\"*-*\"]\nresolver = \"3\"\n".to_owned();
        text.push_str("[patch.crates-io]\n");
        for Package { name, .. } in published {
            let version = env!("CARGO_PKG_VERSION");
            let written = writeln!(text, "{name} = {{ path = \"{name}-{version}\" }}");
            written.map_err(|error| error.to_string())?;
        }
        self.write("Cargo.toml", &text)?;
        let lock = self.root.join("Cargo.lock");
        let text = fs::read_to_string(&lock).map_err(|error| fault(&lock, &error))?;
        self.write("Cargo.lock", &text)
    }

    fn write(&self, name: &str, text: &str) -> Outcome {
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(|error| fault(&path, &error))
    }

    fn test(&self, package: &Package) -> Command {
        Command::new("cargo test --quiet --offline -p")
            .arg(&package.name)
            .arg("--target-dir")
            .arg(self.target.join("alone").to_string_lossy())
            .folder(&self.folder)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What cannot be removed now is a few files in the system's temporary folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn fault(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
