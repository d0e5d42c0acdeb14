//! Going on from what an earlier process left.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::checkpoint::{Checkpoint, Mark, Rule};
use super::commit::sync_folder;
use super::tail::Tail;
use super::write::period;
use super::{Existing, FileStore, SyncPolicy};
use crate::store::{fatal, io_error};
use crate::stream::StoreError;

impl FileStore {
    /// Looks at what an earlier process left, once.
    pub(super) fn recover(&mut self) -> Result<(), StoreError> {
        if self.recovered {
            return Ok(());
        }
        self.tails.clear();
        let path = self.target.checkpoint();
        match Checkpoint::read(&path) {
            Ok(Some(checkpoint)) => self.resume(checkpoint)?,
            Ok(None) if self.target.is_partitioned() => {}
            Ok(None) => {
                let name = self.target.only_name();
                let tail = self.open_newest(&name)?;
                self.tails.insert(name, tail);
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let message = "is no checkpoint of Pelton, or a damaged one; what it belongs to \
                               cannot be gone on with: move both away to begin anew";
                return Err(fatal(&path.display().to_string(), message));
            }
            Err(error) => return Err(io_error(&path.display().to_string(), &error)),
        }
        self.recovered = true;
        Ok(())
    }

    /// Goes on from `checkpoint`: cuts off what lies behind it.
    fn resume(&mut self, checkpoint: Checkpoint) -> Result<(), StoreError> {
        for mark in &checkpoint.marks {
            let tail = self.resume_file(mark, checkpoint.rule)?;
            self.tails.insert(mark.name.clone(), tail);
        }
        if self.tails.is_empty() && !self.target.is_partitioned() {
            let name = self.target.only_name();
            let tail = self.open_newest(&name)?;
            self.tails.insert(name, tail);
        }
        self.positions = checkpoint.positions;
        self.rule = Some(checkpoint.rule);
        Ok(())
    }

    fn resume_file(&self, mark: &Mark, rule: Rule) -> Result<Tail, StoreError> {
        let path = self.target.file(&mark.name, mark.number);
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => fatal(
                &path.display().to_string(),
                format!(
                    "holds {error} that its checkpoint tells of: it was cut, moved or replaced; \
                     put it back, or remove the checkpoint to append without one"
                ),
            ),
            _ => io_error(&path.display().to_string(), &error),
        };
        let mut tail = Tail::open(path.clone(), mark.number, mark.begun_s).map_err(failed)?;
        let cut = match rule {
            Rule::Keep if tail.good < mark.length => tail.cut(mark.length),
            Rule::Keep if self.options.lines => tail.cut_half_line(mark.length),
            Rule::Keep => Ok(()),
            Rule::Cut => tail.cut(mark.length),
        };
        cut.map_err(failed)?;
        tail.listed = true;
        Ok(tail)
    }

    /// Opens the file of `name` with the highest number there is, as the options want what exists
    /// to be treated.
    pub(super) fn open_newest(&self, name: &str) -> Result<Tail, StoreError> {
        let failed = |error| io_error(self.target.given(), &error);
        let number = match self.target.is_numbered() {
            true => self.target.newest(name).map_err(failed)?.max(1),
            false => 0,
        };
        let mut tail = self.open_tail(name, number)?;
        let exists = tail.regular && !tail.is_new();
        let done = match self.options.existing {
            Existing::Append => self.end_line(&mut tail),
            _ if !exists => Ok(()),
            Existing::Replace if number > 0 => return self.open_tail(name, number + 1),
            Existing::Replace => tail.cut(0),
            Existing::Refuse => {
                let message = "exists already; name another, remove it, or let it be appended to";
                return Err(fatal(&tail.path.display().to_string(), message));
            }
        };
        done.map_err(failed)?;
        Ok(tail)
    }

    pub(super) fn open_tail(&self, name: &str, number: u64) -> Result<Tail, StoreError> {
        let path = self.target.file(name, number);
        let folder = path.parent().unwrap_or(Path::new("."));
        let opened = || {
            if self.target.is_partitioned() {
                fs::create_dir_all(folder)?;
            }
            let mut tail = Tail::open(path.clone(), number, 0)?;
            tail.begun_s = match self.options.rotate_every {
                Some(every) if tail.is_new() => period(SystemTime::now(), every),
                Some(every) => period(path.metadata()?.modified()?, every),
                None => 0,
            };
            if self.options.sync == SyncPolicy::Commit && tail.is_new() && tail.regular {
                sync_folder(folder)?;
            }
            Ok(tail)
        };
        opened().map_err(|error| io_error(&path.display().to_string(), &error))
    }

    fn end_line(&self, tail: &mut Tail) -> io::Result<()> {
        match self.options.lines {
            true => tail.end_line(),
            false => Ok(()),
        }
    }
}
