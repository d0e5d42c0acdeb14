//! The steps, in the order in which they run.

use std::path::PathBuf;

use super::deep;
use crate::command::Command;
use crate::flags::Verify;
use crate::workspace::{Package, Workspace, files};

/// When a step runs: `--quick` runs the quick ones, `--deep` all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Depth {
    Quick,
    Normal,
    Deep,
}

/// What a step wants to do.
#[derive(Debug)]
pub(super) enum Plan {
    Run(Vec<Command>),
    /// Why it cannot.
    Skip(String),
}

/// One step of `verify`.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) depth: Depth,
    /// True when the step means something for one crate alone (`-p`).
    pub(super) by_crate: bool,
    pub(super) plan: fn(&Workspace, &Verify) -> Plan,
}

/// All steps: cheap before dear, and what explains a failure before what it would break.
pub(super) const STEPS: &[Step] = &[
    quick("fmt", "rustfmt has nothing to change", true, fmt),
    quick("tidy", "the house rules", false, tidy),
    quick("clippy", "no warning in any target", true, clippy),
    quick("test", "unit, behaviour, oracle and doc tests", true, test),
    normal("doc", "the documentation builds, its links hold", true, doc),
    normal("loom", "models at two preemptions", true, loom),
    normal("deny", "licences, advisories, sources", false, deny),
    normal(
        "bench",
        "each benchmark once, answers checked",
        false,
        bench,
    ),
    slow("loom3", "models at three preemptions", true, deep::loom),
    slow("oracle", "property tests, many cases", true, deep::oracle),
    slow("tsan", "threads under ThreadSanitizer", true, deep::tsan),
    slow("asan", "memory under AddressSanitizer", true, deep::asan),
    slow("miri", "undefined behaviour under Miri", true, deep::miri),
    slow(
        "fuzz",
        "each fuzz target for half a minute",
        false,
        deep::fuzz,
    ),
    slow(
        "soak",
        "a server under everything at once",
        false,
        deep::soak,
    ),
    slow(
        "package",
        "each crate from its package alone",
        true,
        deep::package,
    ),
    slow(
        "examples",
        "each crate used by a stranger",
        false,
        deep::examples,
    ),
];

type Planner = fn(&Workspace, &Verify) -> Plan;

const fn quick(name: &'static str, about: &'static str, by_crate: bool, plan: Planner) -> Step {
    step(name, about, Depth::Quick, by_crate, plan)
}

const fn normal(name: &'static str, about: &'static str, by_crate: bool, plan: Planner) -> Step {
    step(name, about, Depth::Normal, by_crate, plan)
}

const fn slow(name: &'static str, about: &'static str, by_crate: bool, plan: Planner) -> Step {
    step(name, about, Depth::Deep, by_crate, plan)
}

const fn step(
    name: &'static str,
    about: &'static str,
    depth: Depth,
    by_crate: bool,
    plan: Planner,
) -> Step {
    Step {
        name,
        about,
        depth,
        by_crate,
        plan,
    }
}

fn fmt(_: &Workspace, options: &Verify) -> Plan {
    let command = match &options.only {
        Some(name) => Command::new("cargo fmt -p").arg(name),
        None => Command::new("cargo fmt --all"),
    };
    one(command.args("-- --check"))
}

fn tidy(_: &Workspace, _: &Verify) -> Plan {
    one(Command::new("cargo xtask tidy"))
}

fn clippy(_: &Workspace, options: &Verify) -> Plan {
    let command = chosen("cargo clippy --all-targets", "--workspace", options);
    one(command.args("-- -D warnings"))
}

fn test(_: &Workspace, options: &Verify) -> Plan {
    one(chosen("cargo test --all-features", "", options))
}

fn doc(_: &Workspace, options: &Verify) -> Plan {
    let command = chosen("cargo doc --no-deps --all-features", "", options);
    one(command.env("RUSTDOCFLAGS", "-D warnings"))
}

fn loom(workspace: &Workspace, options: &Verify) -> Plan {
    models(workspace, options, 2)
}

fn deny(_: &Workspace, _: &Verify) -> Plan {
    if !Command::new("cargo deny --version").answers() {
        return Plan::Skip("cargo-deny is not installed".to_owned());
    }
    one(Command::new("cargo deny check"))
}

fn bench(_: &Workspace, _: &Verify) -> Plan {
    one(Command::new("cargo xtask bench --smoke"))
}

/// The models of each crate that has some, in a target folder of their own.
pub(super) fn models(workspace: &Workspace, options: &Verify, preemptions: u32) -> Plan {
    let target = workspace.target.join("loom");
    let command = |package: &Package| {
        Command::new("cargo test --profile loom -p")
            .arg(&package.name)
            .args("--test loom_* --target-dir")
            .arg(target.to_string_lossy())
            .env("RUSTFLAGS", "--cfg loom -D warnings")
            .env("LOOM_MAX_PREEMPTIONS", preemptions.to_string())
    };
    let crates = workspace
        .crates()
        .filter(|package| wanted(package, options));
    let commands: Vec<Command> = crates.filter(|p| has_models(p)).map(command).collect();
    match commands.is_empty() {
        true => Plan::Skip("no tests/loom_*.rs here".to_owned()),
        false => Plan::Run(commands),
    }
}

/// True unless `-p` names another crate.
pub(super) fn wanted(package: &Package, options: &Verify) -> bool {
    options
        .only
        .as_ref()
        .is_none_or(|name| *name == package.name)
}

/// A plan of one command.
pub(super) fn one(command: Command) -> Plan {
    Plan::Run(vec![command])
}

/// The command for the crate of `-p`, or for `everything`.
fn chosen(line: &str, everything: &str, options: &Verify) -> Command {
    let command = Command::new(line);
    match &options.only {
        Some(name) => command.arg("-p").arg(name),
        None => command.args(everything),
    }
}

fn has_models(package: &Package) -> bool {
    let named = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("loom_")
    };
    files(&package.folder.join("tests"), "rs").iter().any(named)
}
