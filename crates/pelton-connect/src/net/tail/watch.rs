//! Word of changes in folders.

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

/// After so long files are looked at although nobody said that they changed.
const LOOK_EVERY: Timespec = Timespec {
    tv_sec: 5,
    tv_nsec: 0,
};

/// Folders that are watched.
pub(super) struct Watch {
    events: OwnedFd,
    /// Ends a wait when its other end is dropped.
    waker: UnixStream,
}

impl Watch {
    /// A watch of nothing yet, and what ends its waits when it is dropped.
    pub(super) fn new() -> io::Result<(Self, UnixStream)> {
        let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let (waker, other) = UnixStream::pair()?;
        Ok((Self { events, waker }, other))
    }

    /// Watches `folder` too; once is enough, and more does no harm.
    pub(super) fn add(&self, folder: &Path) -> io::Result<()> {
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        let what = WatchFlags::MODIFY
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO;
        inotify::add_watch(&self.events, folder, what)?;
        Ok(())
    }

    /// Blocks until something changes, and no longer than a few seconds. True when names may have
    /// changed, not only contents.
    pub(super) fn changed(&self) -> io::Result<bool> {
        let mut ready = [
            PollFd::new(&self.events, PollFlags::IN),
            PollFd::new(&self.waker, PollFlags::IN),
        ];
        match poll(&mut ready, Some(&LOOK_EVERY)) {
            Ok(0) | Err(Errno::INTR) => Ok(true),
            Ok(_) if ready[0].revents().is_empty() => Ok(false),
            Ok(_) => drain(&self.events),
            Err(error) => Err(error.into()),
        }
    }
}

/// Takes what is there of events.
fn drain(events: &OwnedFd) -> io::Result<bool> {
    let mut room = [MaybeUninit::uninit(); 4096];
    let mut reader = inotify::Reader::new(events, &mut room);
    let mut names = false;
    loop {
        match reader.next() {
            Ok(event) => names |= event.events() != ReadFlags::MODIFY,
            Err(Errno::WOULDBLOCK) => return Ok(names),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
