//! Running a program and asking the kernel what it cost.
#![allow(
    unsafe_code,
    reason = "std does not tell what a child used; wait4 does"
)]

use std::fs::{self, File};
use std::io;
use std::mem::MaybeUninit;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// True when the command exists and succeeds.
pub(super) fn answers(words: &[&str]) -> bool {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Runs `command` with its output into `output`, unless it writes there itself; returns its wall
/// time and its peak of resident memory in KiB.
///
/// Nobody finds a file there: ext4 writes to the disk at once what is renamed over another, or
/// closed after another was cut to nothing, and that took as long again as the work.
pub(super) fn run(mut command: Command, output: &Path) -> Result<(Duration, Option<u64>), String> {
    let fault = |error: io::Error| format!("{}: {error}", output.display());
    let (printed, errors) = (output.with_extension("out"), output.with_extension("err"));
    for left in [output, &printed] {
        match fs::remove_file(left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fault(error)),
            _ => {}
        }
    }
    command.stdout(File::create(&printed).map_err(fault)?);
    command.stderr(File::create(&errors).map_err(fault)?);
    let began = Instant::now();
    let child = spawn(&mut command).map_err(|error| error.to_string())?;
    let Usage {
        success, peak_kib, ..
    } = usage(&child).map_err(|error| error.to_string())?;
    let elapsed = began.elapsed();
    if success {
        let kept = match output.exists() {
            true => fs::remove_file(&printed),
            false => fs::rename(&printed, output),
        };
        kept.map_err(fault)?;
        return Ok((elapsed, Some(peak_kib)));
    }
    let words = fs::read_to_string(&errors).unwrap_or_default();
    Err(telling(&words)
        .unwrap_or("failed without a word")
        .to_owned())
}

/// The line that says most: the first that begins with `error`, or else the last, where a
/// traceback has its message.
fn telling(words: &str) -> Option<&str> {
    let mut lines = words.lines().filter(|line| !line.trim().is_empty());
    let error = lines.clone().find(|line| line.starts_with("error"));
    error.or_else(|| lines.next_back())
}

/// Starts `command`, whose peak of memory shall be its own: until a new process has become the
/// program, it has the memory of the one that started it, and the kernel counts the peak of that.
pub(crate) fn spawn(command: &mut Command) -> io::Result<Child> {
    // Where the peak cannot be forgotten, what is told is too much rather than too little.
    let _ = fs::write("/proc/self/clear_refs", "5");
    command.spawn()
}

/// What a process used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// It ended by itself, and with success.
    pub(crate) success: bool,
    /// Time on processors, its own and the system's for it.
    pub(crate) cpu: Duration,
    /// Peak of resident memory in KiB.
    pub(crate) peak_kib: u64,
}

/// Waits for `child`, and tells what it used.
pub(crate) fn usage(child: &Child) -> io::Result<Usage> {
    let id = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are to live locals of the types that wait4 writes. `id` is our own
    // child and nobody waited for it before, so that the number cannot mean another process.
    let waited = unsafe { libc::wait4(id, &raw mut status, 0, usage.as_mut_ptr()) };
    if waited < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: an rusage is numbers alone, for which all zeros are valid, and wait4 filled it.
    let usage = unsafe { usage.assume_init() };
    let time = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec.unsigned_abs())
            + Duration::from_micros(time.tv_usec.unsigned_abs())
    };
    Ok(Usage {
        success: libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0,
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
        peak_kib: u64::try_from(usage.ru_maxrss).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_the_programs_own() {
        drop(std::hint::black_box(vec![1_u8; 512 << 20]));
        let path = output("peak");
        let (_, peak) = run(Command::new("true"), &path).unwrap();
        assert!(peak.unwrap() < 256 << 10, "{peak:?} KiB");
        fs::remove_file(&path).unwrap();
    }

    fn output(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("pelton-bench-{name}-{}", std::process::id()))
    }

    #[test]
    fn a_child_has_a_time_and_a_peak() {
        let mut command = Command::new("echo");
        command.arg("done");
        let path = output("echo");
        let (elapsed, peak) = run(command, &path).unwrap();
        assert!(elapsed > Duration::ZERO && peak.unwrap() > 0);
        assert_eq!(fs::read_to_string(&path).unwrap(), "done\n");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_child_that_writes_a_file_itself_finds_none() {
        let path = output("none");
        for round in 0..2 {
            let mut command = Command::new("sh");
            let script = format!("test ! -e {0} && echo {round} > {0}", path.display());
            command.args(["-c", &script]);
            run(command, &path).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{round}\n"));
        }
        assert!(!path.with_extension("out").exists());
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn last_words_of_a_failure_are_told() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo first >&2; echo last >&2; exit 3"]);
        let path = output("sh");
        assert_eq!(run(command, &path), Err("last".to_owned()));
    }
}
