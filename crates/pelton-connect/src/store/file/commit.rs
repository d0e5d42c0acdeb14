//! Making what was written last, or taking it back.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Instant;

use super::checkpoint::{Checkpoint, Rule};
use super::tail::Tail;
use super::{FileStore, SyncPolicy};
use crate::Error;
use crate::store::io_error;
use crate::stream::{Positions, StoreError, StoreErrorKind};

impl FileStore {
    /// Cuts off what an earlier put left and could not take back itself.
    pub(super) fn mend(&mut self) -> Result<(), StoreError> {
        for tail in self.tails.values_mut() {
            let mended = tail.take_back();
            mended.map_err(|error| io_error(&tail.path.display().to_string(), &error))?;
        }
        Ok(())
    }

    /// Sees to it that the checkpoint on the disk tells what is to become of the bytes that this
    /// put writes, should it be cut off.
    pub(super) fn announce(&mut self, rule: Rule) -> Result<(), StoreError> {
        let needless = self.rule.is_none() && rule == Rule::Keep;
        let puts = self.puts;
        let touches = |tail: &&Tail| tail.used == puts || !tail.held.is_empty();
        let mut touched = self.tails.values().filter(touches);
        let told = self.rule == Some(rule) && (rule == Rule::Keep || touched.all(|t| t.listed));
        if needless || told || self.is_stream() {
            return Ok(());
        }
        self.write_checkpoint(rule, &Positions::new())
    }

    /// True when a pipe or a device is written.
    fn is_stream(&self) -> bool {
        self.tails.values().any(|tail| !tail.regular)
    }

    /// Puts a checkpoint of the files as they are, and of the positions with `moved`, on the disk.
    fn write_checkpoint(&mut self, rule: Rule, moved: &Positions) -> Result<(), StoreError> {
        let mut positions = self.positions.clone();
        positions.extend(
            moved
                .iter()
                .map(|(name, position)| (name.clone(), *position)),
        );
        let tails = self.tails.iter();
        let checkpoint = Checkpoint {
            rule,
            marks: tails.map(|(name, tail)| tail.mark(name)).collect(),
            positions,
        };
        let path = self.target.checkpoint();
        let durable = self.options.sync == SyncPolicy::Commit;
        let written = checkpoint.write(&path, durable);
        written.map_err(|error| io_error(&path.display().to_string(), &error))?;
        self.positions = checkpoint.positions;
        self.rule = Some(rule);
        self.tails.values_mut().for_each(|tail| tail.listed = true);
        Ok(())
    }

    /// Makes what was written last, as the policy wants it, and tells how far the streams are.
    pub(super) fn reach(&mut self, positions: &Positions) -> Result<(), StoreError> {
        match self.options.sync {
            SyncPolicy::Interval(every) if self.synced.elapsed() < every => {}
            _ => self.sync()?,
        }
        if self.is_stream() {
            self.positions.extend(positions.clone());
            return Ok(());
        }
        // A frame that is half there spoils what follows it, so that each is told of.
        if positions.is_empty() && self.codec.is_none() {
            return Ok(());
        }
        self.write_checkpoint(Rule::Cut, positions)
    }

    pub(super) fn sync(&mut self) -> Result<(), StoreError> {
        let mut tails = std::mem::take(&mut self.tails);
        let synced = tails.values_mut().try_for_each(|tail| self.sync_tail(tail));
        self.tails = tails;
        self.synced = Instant::now();
        synced
    }

    pub(super) fn sync_tail(&self, tail: &mut Tail) -> Result<(), StoreError> {
        if self.options.sync == SyncPolicy::None {
            return Ok(());
        }
        let synced = tail.sync();
        synced.map_err(|error| lost(&tail.path, &error))
    }

    /// What this put wrote is good; files beyond those that may be open are let go.
    pub(super) fn settle(&mut self) -> Result<(), StoreError> {
        self.tails.values_mut().for_each(Tail::keep);
        while self.tails.len() > self.options.open_files_max.max(1) {
            let oldest = self.tails.iter().min_by_key(|(_, tail)| tail.used);
            let Some(name) = oldest.map(|(name, _)| name.clone()) else {
                break;
            };
            if let Some(mut tail) = self.tails.remove(&name) {
                self.sync_tail(&mut tail)?;
            }
        }
        match self.options.sync {
            SyncPolicy::Commit if self.rule.is_some() => self.sync_checkpoint(),
            _ => Ok(()),
        }
    }

    /// Forces the renaming of the checkpoint to the disk.
    fn sync_checkpoint(&self) -> Result<(), StoreError> {
        let path = self.target.checkpoint();
        let synced = sync_folder(path.parent().unwrap_or(Path::new(".")));
        synced.map_err(|error| lost(&path, &error))
    }

    /// Cuts off what this put wrote. Where that fails, it is tried again before the next write.
    pub(super) fn take_back(&mut self) {
        for tail in self.tails.values_mut() {
            let _ = tail.let_go();
        }
    }
}

/// The disk did not take what it was given, and may say nothing the next time it is asked.
fn lost(path: &Path, error: &io::Error) -> StoreError {
    let said = Error::io(&path.display().to_string(), error);
    let message = format!("{said}, when it was forced to the disk; look after the disk");
    StoreError::new(StoreErrorKind::Fatal, message)
}

/// Forces what was made or renamed in `folder` to the disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::FileStoreOptions;
    use crate::stream::{Delivery, Store};

    fn lines(text: &str) -> [Delivery; 1] {
        [Delivery::Bytes {
            bytes: text.into(),
            records: 1,
        }]
    }

    fn at(position: u64) -> Positions {
        Positions::from([("s".to_owned(), position)])
    }

    /// A put that ends, as by a `kill -9`, before its checkpoint is written.
    fn half_a_put(store: &mut FileStore, text: &str) -> Result<(), StoreError> {
        let deliveries = lines(text);
        let pieces = store.pieces(&deliveries)?;
        store.puts += 1;
        pieces.iter().try_for_each(|piece| store.place(piece))?;
        store.announce(Rule::Cut)?;
        store.write(&pieces)
    }

    #[test]
    fn a_put_that_began_a_file_is_taken_back_by_the_next_process() -> Result<(), StoreError> {
        let folder = tempfile::tempdir().unwrap();
        let options = FileStoreOptions {
            rotate_bytes: Some(2),
            ..FileStoreOptions::new(folder.path().join("a").display().to_string())
        };
        let mut store = FileStore::open(options.clone())?;
        store.put(&lines("1\n"), &at(1))?;
        half_a_put(&mut store, "2\n")?;
        let second = folder.path().join("a.000002");
        assert_eq!(std::fs::read(&second).unwrap(), b"2\n");
        drop(store);

        let mut store = FileStore::open(options)?;
        assert_eq!(store.positions()?, at(1));
        store.put(&lines("2\n"), &at(2))?;
        assert_eq!(std::fs::read(&second).unwrap(), b"2\n");
        assert!(!folder.path().join("a.000003").exists());
        Ok(())
    }
}
