//! Reading a file through a window of a memory map.
//!
//! The window slides over the file and what is behind it is unmapped, so that a file of any size
//! holds one window of memory. Bytes are copied out of it, never lent: another process may change
//! or cut the file at any time, and a block must stay as it is.
//!
//! A page behind the end of a file that was cut raises SIGBUS when it is touched. Here the system
//! touches it: `process_vm_readv` copies from the map on the thread's behalf and answers `EFAULT`
//! where the thread itself would be killed, so that there is no signal and no handler, and nothing
//! of the process is changed. Where the system forbids the call, the bytes are read instead.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use memmap2::{Mmap, MmapOptions};
use pelton_pool::{BufferPool, OverBudget, Reservation};

use crate::file::{changed, regular_size};

/// Bytes of a window: what a map holds of the memory limit.
const WINDOW_BYTES: u64 = 1 << 20;

/// Reads a regular file through a map.
pub(crate) struct MapReader {
    file: File,
    /// Bytes at the time of opening.
    size: u64,
    window: Option<Mmap>,
    /// Where the window begins.
    start: u64,
    /// Where the next byte is.
    at: u64,
    /// Pays for the pages of a window.
    _memory: Reservation,
}

impl MapReader {
    /// A reader, or the file back when it is none that can be mapped.
    pub(crate) fn new(file: File, pool: &BufferPool) -> io::Result<Result<Self, File>> {
        let Some(size) = regular_size(&file)? else {
            return Ok(Err(file));
        };
        let over =
            |error: OverBudget| io::Error::new(io::ErrorKind::OutOfMemory, error.to_string());
        let memory = pool
            .budget()
            .reserve(WINDOW_BYTES.min(size))
            .map_err(over)?;
        Ok(Ok(Self {
            file,
            size,
            window: None,
            start: 0,
            at: 0,
            _memory: memory,
        }))
    }

    /// Maps the window that holds the next byte.
    fn slide(&mut self) -> io::Result<()> {
        self.window = None;
        self.start = self.at / WINDOW_BYTES * WINDOW_BYTES;
        let length = WINDOW_BYTES.min(self.size - self.start) as usize;
        let mut options = MmapOptions::new();
        options.offset(self.start).len(length);
        // SAFETY: no reference to the mapped bytes is ever made: `copy_mapped` hands their address
        // to the system alone, which bears their being changed or cut off by others.
        let window = unsafe { options.map(&self.file) }?;
        // Pages come into the table at once rather than one by one; a file that was cut makes this
        // fail, which the copy will notice as well.
        let _ = window.advise(memmap2::Advice::PopulateRead);
        self.window = Some(window);
        Ok(())
    }

    /// Copies from the window, as many bytes as it has and `room` takes.
    fn copy(&self, room: &mut [u8]) -> io::Result<usize> {
        let Some(window) = &self.window else {
            return Ok(0);
        };
        let offset = (self.at - self.start) as usize;
        let length = room.len().min(window.len() - offset);
        match copy_mapped(window, offset, &mut room[..length]) {
            // Past the end of a file that was cut, which the caller looks into.
            Err(error) if error.raw_os_error() == Some(libc::EFAULT) => Ok(0),
            // Forbidden by a sandbox, or unknown to the system.
            Err(_) => self.file.read_at(&mut room[..length], self.at),
            copied => copied,
        }
    }
}

/// Copies bytes of `window` from `offset` on into `room`, by the system's hand.
fn copy_mapped(window: &Mmap, offset: usize, room: &mut [u8]) -> io::Result<usize> {
    assert!(
        offset + room.len() <= window.len(),
        "copied is what the window has"
    );
    let local = libc::iovec {
        iov_base: room.as_mut_ptr().cast(),
        iov_len: room.len(),
    };
    let remote = libc::iovec {
        iov_base: window.as_ptr().wrapping_add(offset).cast_mut().cast(),
        iov_len: room.len(),
    };
    // SAFETY: `local` is exclusively borrowed room of that length. `remote` lies within the window,
    // which is mapped as long as it is borrowed here; its bytes are only read, and faults on them
    // are answered by the call with an error. Both vectors have one element.
    let copied = unsafe {
        libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0)
    };
    usize::try_from(copied).map_err(|_| io::Error::last_os_error())
}

impl Read for MapReader {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let now = self.file.metadata()?.len();
        if now != self.size {
            return Err(changed(self.size, now));
        }
        if self.at == self.size || room.is_empty() {
            return Ok(0);
        }
        let end = self.start + self.window.as_ref().map_or(0, |window| window.len() as u64);
        if !(self.start..end).contains(&self.at) {
            self.slide()?;
        }
        let copied = self.copy(room)?;
        if copied == 0 {
            let now = self.file.metadata()?.len();
            return Err(changed(self.size, now));
        }
        self.at += copied as u64;
        Ok(copied)
    }
}
