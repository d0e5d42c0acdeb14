//! Where and with what a figure was measured: without it a number is gossip.

use std::fs;
use std::process::Command;

/// The processor's name, as the system tells it.
pub(crate) fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let name = name.and_then(|line| line.split_once(':'));
    name.map_or_else(
        || "unknown processor".to_owned(),
        |(_, name)| name.trim().to_owned(),
    )
}

/// The folder of this machine's records: target and processor, in letters that paths like.
pub(crate) fn folder() -> String {
    let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let name = format!("{target}-{}", processor()).to_lowercase();
    let words = name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-")
}

/// Everything that stands beside a record, one line each.
pub(crate) fn description() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let governor = fs::read_to_string("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let command: Vec<String> = std::env::args().skip(1).collect();
    format!(
        "command: cargo xtask bench {}\ncommit: {}\ncompiler: {}\nprocessor: {}\ncores: {cores}\n\
         governor: {}\nmemory: {}\nsystem: {}\n",
        command.join(" "),
        answer("git", &["describe", "--always", "--dirty"]),
        answer("rustc", &["--version"]),
        processor(),
        governor.as_deref().unwrap_or("unknown").trim(),
        memory.lines().next().unwrap_or("unknown"),
        answer("uname", &["-srm"]),
    )
}

/// What a program prints, or `unknown`.
pub(crate) fn answer(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.ok().filter(|output| output.status.success());
    output.map_or_else(
        || "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
