//! A server to whom nothing comes.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use super::server::{Input, Job, Output, Program};
use super::{KIND, wait_for_size};
use crate::benchmark::Sample;

/// Until what the start and the one event have left behind is over.
const SETTLING: Duration = Duration::from_secs(1);

/// What all threads of a process have done up to now.
struct Activity {
    /// They came to rest, or were put to it.
    switches: u64,
    /// Nanoseconds on processors.
    cpu: u64,
}

/// What a round came to.
pub(super) struct Idle {
    activity: Activity,
    seconds: u64,
}

impl Idle {
    /// A nanosecond stands for a wake-up.
    pub(super) fn wakeups(&self) -> Sample {
        Sample::new(Duration::from_nanos(self.activity.switches), self.seconds)
    }

    pub(super) fn cpu(&self) -> Sample {
        Sample::new(Duration::from_nanos(self.activity.cpu), self.seconds)
    }
}

/// Sends one event, so that everything has been used, and looks on for so many seconds with the
/// connection open.
pub(super) fn run(program: &Program, seconds: u64) -> Result<Idle, String> {
    let fault = |error: std::io::Error| error.to_string();
    let folder = tempfile::tempdir().map_err(fault)?;
    let output = folder.path().join("kept.ndjson");
    let server = program.start(&Job {
        input: Input::Tcp,
        output: Output::File(&output),
        kind: KIND,
        dedup: false,
    })?;
    let mut connection = TcpStream::connect(server.address).map_err(fault)?;
    let event = format!("{{\"id\":1,\"type\":\"{KIND}\"}}\n");
    connection.write_all(event.as_bytes()).map_err(fault)?;
    if wait_for_size(&output, event.len() as u64) == 0 {
        return Err("the one event did not come out".to_owned());
    }
    thread::sleep(SETTLING);
    let before = activity(server.id()).map_err(fault)?;
    thread::sleep(Duration::from_secs(seconds));
    let after = activity(server.id()).map_err(fault)?;
    drop(connection);
    server.end()?;
    Ok(Idle {
        activity: Activity {
            switches: after.switches - before.switches,
            cpu: after.cpu - before.cpu,
        },
        seconds,
    })
}

/// Asks the system about each thread.
fn activity(process: u32) -> std::io::Result<Activity> {
    let mut activity = Activity {
        switches: 0,
        cpu: 0,
    };
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let folder = thread?.path();
        let status = fs::read_to_string(folder.join("status"))?;
        let switches = status.lines().filter_map(|line| {
            let (key, value) = line.split_once(':')?;
            let counts = key.ends_with("ctxt_switches");
            counts.then(|| value.trim().parse::<u64>().ok()).flatten()
        });
        activity.switches += switches.sum::<u64>();
        let times = fs::read_to_string(folder.join("schedstat"))?;
        let cpu = times.split(' ').next().and_then(|time| time.parse().ok());
        activity.cpu += cpu.unwrap_or(0_u64);
    }
    Ok(activity)
}
