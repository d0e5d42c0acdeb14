//! Files that grow: followed through rotation, and taken up again where they were left.
//!
//! A file is known by its inode and its first line, not by its name. So a file that was renamed is
//! read to its end under its new name, and one that was emptied and begun anew is a new stream.
//!
//! The system says when a watched folder changes (inotify). Where it cannot, on a network file
//! system, a look every few seconds finds what has changed.

mod file;
mod watch;

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use super::pump::Halt;
use super::stdin::in_thread;
use super::{ListenOptions, Stop};
use crate::stream::Intake;
use crate::{Error, ErrorKind};

use file::{FileId, Followed};
use watch::Watch;

/// Files that lost their name and are still followed: somebody may still write to them.
const RETIRED_MAX: usize = 4;

/// Follows all files that a pattern matches.
pub(super) struct Tail {
    pattern: String,
    watch: Watch,
    /// Dropped to end a wait of the watch.
    waker: UnixStream,
}

impl Tail {
    /// Begins to watch the folders that the pattern names.
    pub(super) fn open(pattern: &str) -> Result<Self, Error> {
        let (watch, waker) = Watch::new().map_err(|error| Error::io(pattern, &error))?;
        let folder = fixed_folder(pattern);
        if !folder.is_dir() {
            let message = format!("{} is no folder; make it first", folder.display());
            let kind = ErrorKind::Io(std::io::ErrorKind::NotFound);
            return Err(Error::new(kind, pattern, message));
        }
        watch
            .add(&folder)
            .map_err(|error| Error::io(pattern, &error))?;
        Ok(Self {
            pattern: pattern.to_owned(),
            watch,
            waker,
        })
    }

    /// Follows until somebody says stop or the engine is gone.
    pub(super) async fn run(self, options: ListenOptions, intake: Arc<dyn Intake>, stop: Stop) {
        let metrics = options.metrics.clone();
        let following = Following {
            pattern: self.pattern,
            watch: self.watch,
            options,
            intake,
            stop: stop.clone(),
            files: Vec::new(),
        };
        let mut thread = pin!(in_thread("pelton-tail", &metrics, following.run()));
        tokio::select! {
            () = &mut thread => return,
            () = stop.stopped() => drop(self.waker),
        }
        thread.await;
    }
}

/// A tail that runs.
struct Following {
    pattern: String,
    watch: Watch,
    options: ListenOptions,
    intake: Arc<dyn Intake>,
    stop: Stop,
    /// Those that were found first stand first: a rotated file is read before its successor.
    files: Vec<Followed>,
}

impl Following {
    async fn run(mut self) -> Result<(), Halt> {
        self.take_up_rotated();
        self.look_for_files();
        while !self.stop.is_stopped() {
            if self.read_what_is_there().await? {
                continue;
            }
            self.let_go().await?;
            // This thread has nothing else to do.
            if self.watch.changed()? {
                self.look_for_files();
            }
        }
        Ok(())
    }

    /// Gives every file a turn. True when one of them has more.
    async fn read_what_is_there(&mut self) -> Result<bool, Halt> {
        let mut more = false;
        for file in &mut self.files {
            match file
                .read_turn(&self.options, &self.intake, &self.stop)
                .await
            {
                Ok(has_more) => more |= has_more,
                Err(Halt::Broken) => self.options.metrics.failed.add(1),
                Err(Halt::Refused) => return Err(Halt::Refused),
            }
        }
        Ok(more && !self.stop.is_stopped())
    }

    /// Opens files that are new, and notes which ones lost their name.
    fn look_for_files(&mut self) {
        let found = matches(&self.pattern);
        let mut present = Vec::new();
        for path in found {
            if let Some(folder) = path.parent() {
                // The look every few seconds does where this fails.
                let _ = self.watch.add(folder);
            }
            let Some(id) = FileId::of(&path) else {
                continue;
            };
            present.push(id);
            self.follow(&path, id);
        }
        for file in &mut self.files {
            file.retired = !present.contains(&file.id);
        }
    }

    fn follow(&mut self, path: &Path, id: FileId) {
        if self.files.iter().any(|file| file.id == id) {
            return;
        }
        match Followed::open(&self.pattern, path) {
            Ok(file) => self.files.push(file),
            Err(_) => self.options.metrics.failed.add(1),
        }
    }

    /// At the start: files beside the named one that were renamed while nobody followed, as far as
    /// it is known that they were not read to their end.
    fn take_up_rotated(&mut self) {
        let named = PathBuf::from(&self.pattern);
        let (Some(folder), Some(name)) = (named.parent(), named.file_name()) else {
            return;
        };
        let Ok(entries) = folder.read_dir() else {
            return;
        };
        let mut begun: Vec<Followed> = entries
            .flatten()
            .filter(|entry| entry.file_name() != name)
            .filter(|entry| starts_with(&entry.file_name(), name))
            .filter_map(|entry| Followed::open(&self.pattern, &entry.path()).ok())
            .filter(|file| file.is_begun(&*self.intake))
            .collect();
        begun.sort_by_key(Followed::changed);
        self.files.append(&mut begun);
    }

    /// Ends those that nobody can write to any more, and the oldest of too many.
    async fn let_go(&mut self) -> Result<(), Halt> {
        let mut retired = self.files.iter().filter(|file| file.retired).count();
        let mut index = 0;
        while index < self.files.len() {
            let file = &self.files[index];
            if file.retired && (file.is_deleted() || retired > RETIRED_MAX) {
                let file = self.files.remove(index);
                file.finish(&self.options, &self.intake, &self.stop).await?;
                retired -= 1;
            } else {
                index += 1;
            }
        }
        Ok(())
    }
}

fn starts_with(name: &std::ffi::OsStr, start: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes()
        .starts_with(start.as_encoded_bytes())
}

/// The part of a pattern's folder that is written out.
fn fixed_folder(pattern: &str) -> PathBuf {
    let wild = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    let fixed = pattern[..wild].rfind('/').map_or("", |end| &pattern[..end]);
    let fixed = match fixed {
        "" if pattern.starts_with('/') => "/",
        "" => ".",
        fixed => fixed,
    };
    PathBuf::from(fixed)
}

/// The files that are there now, in the order of their names.
fn matches(pattern: &str) -> Vec<PathBuf> {
    if Path::new(pattern).exists() {
        return vec![PathBuf::from(pattern)];
    }
    let found = glob::glob(pattern).into_iter().flatten().flatten();
    found.filter(|path| path.is_file()).collect()
}
