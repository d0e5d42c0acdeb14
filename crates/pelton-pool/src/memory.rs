//! What the operating system says about memory: a second opinion beside the budget's count.
//!
//! A budget counts what was reserved; the system counts what is resident, code and stacks and
//! everyone's leaks included. Reading it costs some ten microseconds, so read it a few times a
//! second and [`signal`](crate::Budget::signal) what it says to the budget.
//!
//! Linux only; elsewhere every reading is `None`.
//!
//! ```
//! use pelton_pool::{Budget, memory};
//!
//! let engine = Budget::new(100 << 20);
//! if let (Some(process), Some(limit)) = (memory::process(), memory::cgroup_limit()) {
//!     engine.signal(memory::level(process.resident, limit));
//! }
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use crate::level::{Level, Thresholds};

/// What of this process is in memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessMemory {
    /// Resident now: anonymous memory and pages of files together.
    pub resident: u64,
    /// The most that was resident at once.
    pub peak: u64,
    /// Resident memory that no file backs: heaps and stacks.
    pub anonymous: u64,
    /// Resident pages of files: code, and memory maps of data.
    pub file: u64,
}

/// What of this process is in memory now, as `/proc/self/status` tells it.
#[must_use]
pub fn process() -> Option<ProcessMemory> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    parse_status(&status)
}

/// The least memory limit of this process's control group and those around it, in bytes; `None`
/// without one. Reads cgroup v2, else v1.
#[must_use]
pub fn cgroup_limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let limits = groups.lines().filter_map(limit_file).flat_map(limits_above);
    limits.min()
}

/// The level that `used` bytes of `limit` mean, by a budget's thresholds on the way up.
#[must_use]
pub fn level(used: u64, limit: u64) -> Level {
    Thresholds::of(limit).next(Level::Normal, used)
}

/// Has the C library give every allocation of a mebibyte or more back to the system as soon as it
/// is freed; answers whether it will.
///
/// glibc raises its limit for that with every large block that is freed, up to 32 MiB, and keeps
/// what is smaller for itself: a table that doubles leaves as much again resident as it holds.
/// Call it first of all in `main`: once the process has several threads it does nothing, as
/// without glibc.
pub fn return_large_blocks() -> bool {
    let alone = fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        let threads = status
            .lines()
            .find_map(|line| line.strip_prefix("Threads:"));
        threads.is_some_and(|count| count.trim() == "1")
    });
    alone && set_large_block(1 << 20)
}

/// Sets the size from which blocks are mapped on their own, and how much may stay free at the end
/// of the heap.
#[cfg(all(target_os = "linux", target_env = "gnu", not(miri)))]
fn set_large_block(bytes: i32) -> bool {
    let set = |parameter| {
        // SAFETY: `mallopt` takes two numbers and no pointer. It is unsafe only beside other
        // threads that allocate, and the caller has seen that there are none.
        unsafe { libc::mallopt(parameter, bytes) == 1 }
    };
    set(libc::M_MMAP_THRESHOLD) && set(libc::M_TRIM_THRESHOLD)
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", not(miri))))]
fn set_large_block(_bytes: i32) -> bool {
    false
}

fn parse_status(status: &str) -> Option<ProcessMemory> {
    let bytes = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        let kib = line.trim_start_matches(':').trim().strip_suffix(" kB")?;
        kib.parse::<u64>().ok()?.checked_mul(1024)
    };
    Some(ProcessMemory {
        resident: bytes("VmRSS")?,
        peak: bytes("VmHWM")?,
        anonymous: bytes("RssAnon")?,
        file: bytes("RssFile")?,
    })
}

/// Where a line of `/proc/self/cgroup`, like `0::/user.slice`, keeps its memory limit.
fn limit_file(line: &str) -> Option<PathBuf> {
    let mut parts = line.splitn(3, ':');
    let (id, controllers, group) = (parts.next()?, parts.next()?, parts.next()?);
    let group = group.trim_start_matches('/');
    if id == "0" && controllers.is_empty() {
        return Some(Path::new("/sys/fs/cgroup").join(group).join("memory.max"));
    }
    let memory = controllers.split(',').any(|name| name == "memory");
    let root = Path::new("/sys/fs/cgroup/memory").join(group);
    memory.then(|| root.join("memory.limit_in_bytes"))
}

/// The limits in files named like `file` from its folder up; groups without one say "max".
fn limits_above(file: PathBuf) -> impl Iterator<Item = u64> {
    let name = file.file_name().map(PathBuf::from).unwrap_or_default();
    let folders: Vec<_> = file.ancestors().skip(1).map(PathBuf::from).collect();
    let texts = folders
        .into_iter()
        .filter_map(move |folder| fs::read_to_string(folder.join(&name)).ok());
    texts.filter_map(|text| parse_limit(&text))
}

/// A limit in bytes; v1 says "none" by a number that no machine reaches.
fn parse_limit(text: &str) -> Option<u64> {
    let bytes = text.trim().parse().ok()?;
    (bytes < i64::MAX as u64 / 2).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_read_in_bytes() {
        let text = "Name:\tx\nVmHWM:\t  20 kB\nVmRSS:\t 12 kB\nRssAnon:\t 8 kB\nRssFile:\t 4 kB\n";
        let memory = parse_status(text).unwrap();
        assert_eq!((memory.resident, memory.peak), (12 << 10, 20 << 10));
        assert_eq!((memory.anonymous, memory.file), (8 << 10, 4 << 10));
        assert_eq!(parse_status("VmRSS: lots\n"), None);
    }

    #[test]
    fn both_versions_of_cgroups_are_found() {
        let file = |line| limit_file(line).map(|path| path.to_str().unwrap().to_owned());
        assert_eq!(file("0::/").unwrap(), "/sys/fs/cgroup/memory.max");
        assert_eq!(file("0::/a/b").unwrap(), "/sys/fs/cgroup/a/b/memory.max");
        assert_eq!(
            file("4:cpu,memory:/box").unwrap(),
            "/sys/fs/cgroup/memory/box/memory.limit_in_bytes"
        );
        assert_eq!((file("3:cpuset:/"), file("nonsense")), (None, None));
    }

    #[test]
    fn no_limit_is_not_a_number() {
        assert_eq!(parse_limit("1048576\n"), Some(1 << 20));
        assert_eq!(parse_limit("max\n"), None);
        assert_eq!(parse_limit("9223372036854771712\n"), None);
    }
}
