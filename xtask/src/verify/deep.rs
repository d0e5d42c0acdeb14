//! The slow steps. Most need a nightly toolchain, and say so when there is none.

use std::fs;
use std::path::{Path, PathBuf};

use super::steps::{Plan, models, one, wanted};
use crate::command::Command;
use crate::flags::Verify;
use crate::workspace::{Package, Workspace, entries, files};

/// The crates whose code is shared between threads or unsafe: what sanitizers and Miri are for.
const SHARP: &[&str] = &[
    "pelton-sync",
    "pelton-simd",
    "pelton-queue",
    "pelton-pool",
    "pelton-metrics",
    "pelton-sched",
    "pelton-record",
];

/// How long each fuzz target runs.
const FUZZ_SECONDS: u32 = 30;

/// How long the soak lasts unless its variable says otherwise.
const SOAK_SECONDS: &str = "60";
const SOAK: &str = "PELTON_SOAK_SECONDS";

/// How many cases each property test tries; 256 is the habit of every day.
const ORACLE_CASES: u32 = 4096;

pub(super) fn loom(workspace: &Workspace, options: &Verify) -> Plan {
    models(workspace, options, 3)
}

/// How many random expressions and aggregates are compared with DuckDB.
const DUCKDB_CASES: u32 = 20_000;

/// The property tests against their naive twins, optimised and with many more cases; and random
/// expressions against DuckDB, which says so itself where Python has no `duckdb`.
pub(super) fn oracle(workspace: &Workspace, options: &Verify) -> Plan {
    let crates = workspace
        .crates()
        .filter(|package| wanted(package, options));
    let mut commands: Vec<Command> = crates.filter(|p| has_properties(p)).map(cases).collect();
    if options
        .only
        .as_deref()
        .is_none_or(|name| name == "pelton-stage")
    {
        let duckdb = Command::new("cargo run -p pelton-benches --example duckdb --");
        commands.push(duckdb.arg(DUCKDB_CASES.to_string()));
    }
    match commands.is_empty() {
        true => Plan::Skip("no property tests here".to_owned()),
        false => Plan::Run(commands),
    }
}

fn has_properties(package: &Package) -> bool {
    let tests = files(&package.folder.join("tests"), "rs");
    let texts = tests
        .iter()
        .map(|path| fs::read_to_string(path).unwrap_or_default());
    texts.into_iter().any(|text| text.contains("proptest!"))
}

fn cases(package: &Package) -> Command {
    // The loom profile is release with its assertions on; without the cfg it models nothing.
    Command::new("cargo test --profile loom -p")
        .arg(&package.name)
        .arg("--tests")
        .env("PROPTEST_CASES", ORACLE_CASES.to_string())
        // More cases are refused in the same proportion, which is no fault of theirs.
        .env("PROPTEST_MAX_GLOBAL_REJECTS", (8 * ORACLE_CASES).to_string())
}

/// Builds std anew with the sanitizer: without, it does not see the atomics inside of std and
/// reports races in the test harness itself.
pub(super) fn tsan(workspace: &Workspace, options: &Verify) -> Plan {
    if !has_rust_src() {
        let hint = "rustup component add rust-src --toolchain nightly";
        return Plan::Skip(format!(
            "no sources of std on the nightly toolchain: {hint}"
        ));
    }
    let flags = "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer";
    // crossbeam-epoch allocates when it is built for ThreadSanitizer, and only then.
    let skip = "--skip allocates_nothing";
    sanitized(workspace, options, "tsan", flags, "-Zbuild-std", skip)
}

pub(super) fn asan(workspace: &Workspace, options: &Verify) -> Plan {
    sanitized(workspace, options, "asan", "-Zsanitizer=address", "", "")
}

/// Tests of the sharp crates with `flags`, in a target folder of their own. `--target` keeps the
/// flags away from build scripts and procedural macros.
fn sanitized(
    workspace: &Workspace,
    options: &Verify,
    name: &str,
    flags: &str,
    std: &str,
    tests: &str,
) -> Plan {
    let Some(host) = nightly_host() else {
        return Plan::Skip("no nightly toolchain".to_owned());
    };
    let target = workspace.target.join(name);
    each_sharp(workspace, options, |package| {
        Command::new("cargo +nightly test --tests")
            .args(std)
            .arg("-p")
            .arg(&package.name)
            .arg("--target")
            .arg(&host)
            .arg("--target-dir")
            .arg(target.to_string_lossy())
            .arg("--")
            .args(tests)
            .env("RUSTFLAGS", flags)
            // Some tests ask for more memory than there is, and want to be told so.
            .env("TSAN_OPTIONS", "allocator_may_return_null=1")
            .env("ASAN_OPTIONS", "allocator_may_return_null=1")
    })
}

fn has_rust_src() -> bool {
    let sysroot = Command::new("rustc +nightly --print sysroot").output();
    let sysroot = PathBuf::from(sysroot.unwrap_or_default().trim());
    sysroot
        .join("lib/rustlib/src/rust/library/Cargo.toml")
        .exists()
}

/// Leaks are for AddressSanitizer to find: crossbeam-epoch keeps what it uses to the end.
const MIRI: &str = "-Zmiri-tree-borrows -Zmiri-disable-isolation -Zmiri-ignore-leaks";

pub(super) fn miri(workspace: &Workspace, options: &Verify) -> Plan {
    if !Command::new("cargo +nightly miri --version").answers() {
        return Plan::Skip("no Miri on the nightly toolchain".to_owned());
    }
    let target = workspace.target.join("miri");
    each_sharp(workspace, options, |package| {
        let command = Command::new("cargo +nightly miri test --lib -p")
            .arg(&package.name)
            .arg("--target-dir")
            .arg(target.to_string_lossy())
            .env("MIRIFLAGS", MIRI)
            .env("PROPTEST_CASES", "4")
            // A trace of each panic that a test expects costs more than the test.
            .env("RUST_BACKTRACE", "0");
        let tests = interpreted(package);
        tests
            .iter()
            .fold(command, |command, test| command.arg("--test").arg(test))
    })
}

/// The tests of a crate that Miri is given. Models are none without loom. Random operations,
/// counted allocations and texts need many rounds, at minutes each where every step is interpreted,
/// and run no unsafe code that the tests of behaviour do not.
fn interpreted(package: &Package) -> Vec<String> {
    const LEFT_OUT: &[&str] = &[
        "loom_",
        "model_",
        "alloc",
        "memory",
        "exposition",
        "history",
    ];
    let tests = entries(&package.folder.join("tests"));
    let mut names: Vec<String> = tests
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .filter(|name| !LEFT_OUT.iter().any(|part| name.contains(part)))
        .collect();
    names.sort();
    names
}

fn each_sharp(
    workspace: &Workspace,
    options: &Verify,
    command: impl Fn(&Package) -> Command,
) -> Plan {
    let crates = workspace
        .crates()
        .filter(|package| wanted(package, options));
    let sharp = crates.filter(|package| SHARP.contains(&package.name.as_str()));
    let commands: Vec<Command> = sharp.map(command).collect();
    match commands.is_empty() {
        true => Plan::Skip("nothing shared or unsafe in this crate".to_owned()),
        false => Plan::Run(commands),
    }
}

/// Runs every target of every `crates/*/fuzz` with libFuzzer and AddressSanitizer: what
/// cargo-fuzz does, without having to install it.
pub(super) fn fuzz(workspace: &Workspace, _: &Verify) -> Plan {
    let Some(host) = nightly_host() else {
        return Plan::Skip("no nightly toolchain".to_owned());
    };
    let crates = workspace.crates();
    let folders = crates.map(|package| package.folder.join("fuzz"));
    let targets: Vec<(PathBuf, String)> = folders.flat_map(fuzz_targets).collect();
    if targets.is_empty() {
        return Plan::Skip("no crates/*/fuzz here".to_owned());
    }
    let commands = targets
        .iter()
        .map(|(folder, name)| fuzz_command(workspace, &host, folder, name));
    Plan::Run(commands.collect())
}

/// The targets of one fuzz package: its `src/bin/*.rs`.
fn fuzz_targets(folder: PathBuf) -> Vec<(PathBuf, String)> {
    let mut names: Vec<String> = entries(&folder.join("src/bin"))
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|name| (folder.clone(), name))
        .collect()
}

fn fuzz_command(workspace: &Workspace, host: &str, folder: &Path, name: &str) -> Command {
    let coverage = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
        -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
        --cfg fuzzing -Zsanitizer=address -Cdebug-assertions";
    Command::new("cargo +nightly run --release --bin")
        .arg(name)
        .arg("--target")
        .arg(host)
        .arg("--target-dir")
        .arg(workspace.target.join("fuzz").to_string_lossy())
        .arg("--")
        .arg(format!("-max_total_time={FUZZ_SECONDS}"))
        .env("RUSTFLAGS", coverage)
        .folder(folder)
}

/// Lets a server live through everything at once: so many seconds, or `PELTON_SOAK_SECONDS`.
pub(super) fn soak(_: &Workspace, _: &Verify) -> Plan {
    let seconds = std::env::var(SOAK).unwrap_or_else(|_| SOAK_SECONDS.to_owned());
    let command = Command::new("cargo test --profile loom -p pelton-cli --test serve soak");
    one(command.args("-- --nocapture").env(SOAK, seconds))
}

pub(super) fn package(_: &Workspace, options: &Verify) -> Plan {
    let command = Command::new("cargo xtask package");
    one(match &options.only {
        Some(name) => command.arg("-p").arg(name),
        None => command,
    })
}

/// Checks and runs each program of `docs/examples`, a workspace of its own with our lock file.
pub(super) fn examples(workspace: &Workspace, _: &Verify) -> Plan {
    let folder = workspace.root.join("docs/examples");
    let cargo = |line: &str| {
        Command::new(line)
            .arg("--target-dir")
            .arg(workspace.target.join("examples").to_string_lossy())
            .folder(&folder)
    };
    let mut commands = vec![
        Command::new("cp ../../Cargo.lock Cargo.lock").folder(&folder),
        Command::new("cargo fmt --all -- --check").folder(&folder),
        cargo("cargo clippy --quiet --offline").args("-- -D warnings"),
    ];
    let mut programs = entries(&folder);
    programs.retain(|path| path.join("Cargo.toml").exists());
    programs.sort();
    commands.extend(programs.iter().map(|program| {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        cargo("cargo run --quiet --offline")
            .arg("-p")
            .arg(format!("example-{name}"))
    }));
    Plan::Run(commands)
}

/// The host triple of the nightly toolchain, where there is one.
fn nightly_host() -> Option<String> {
    let text = Command::new("rustc +nightly -vV").output().ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("host: "))?;
    Some(line.to_owned())
}
