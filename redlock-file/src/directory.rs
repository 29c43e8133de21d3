//! The directory: who may use it, how it is locked, how its files change.
//!
//! The lock is on the directory itself. There is no lock file that somebody could remove while another process waits
//! for it, and whether the directory is still the one at its path is looked at after each locking.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};

use crate::error::{Failure, FileNodeError};

const NAME: &str = "directory";

/// Longest pause between two tries for the lock.
const LONGEST_PAUSE: Duration = Duration::from_millis(1);

/// When a caller does not wait any more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Self {
        Self(Instant::now().checked_add(limit))
    }

    pub(crate) fn has_passed(self) -> bool {
        self.0.is_some_and(|end| end <= Instant::now())
    }
}

/// Device and inode. The fields' types differ between systems.
#[allow(clippy::unnecessary_cast)]
fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev as u64, stat.st_ino as u64)
}

pub(crate) struct Directory {
    path: PathBuf,
    file: File,
    id: (u64, u64),
    #[cfg(test)]
    pub(crate) steps_left: std::cell::Cell<Option<u32>>,
}

/// Holds the lock until it is dropped, or until the process ends in whatever way.
pub(crate) struct Locked<'a>(&'a Directory);

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // Where unlocking fails nobody gets in any more, and time limits tell.
        let _ = self.0.file.unlock();
    }
}

impl Directory {
    /// Opens the directory, which is made if it is missing, but not its parents.
    pub(crate) fn open(path: &Path) -> Result<Self, FileNodeError> {
        let refuse = |rule, cause| FileNodeError::new(NAME, path.to_string_lossy(), rule, cause);
        match rustix::fs::mkdir(path, Mode::RWXU) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(errno) => return Err(refuse("must exist or be creatable", Some(errno.into()))),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|errno| refuse("must be a directory and no link", Some(errno.into())))?;
        let stat = rustix::fs::fstat(&file)
            .map_err(|errno| refuse("must be readable", Some(errno.into())))?;
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(refuse("must be owned by the user of this process", None));
        }
        if Mode::from_raw_mode(stat.st_mode).intersects(Mode::WGRP | Mode::WOTH) {
            return Err(refuse("must not be writable by group or others", None));
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Some(rule) = crate::filesystem::refusal(&file) {
            return Err(refuse(rule, None));
        }
        Ok(Self {
            path: path.to_owned(),
            file: file.into(),
            id: identity(&stat),
            #[cfg(test)]
            steps_left: std::cell::Cell::new(None),
        })
    }

    pub(crate) fn refuse(&self, rule: &'static str, cause: Option<io::Error>) -> FileNodeError {
        FileNodeError::new(NAME, self.path.to_string_lossy(), rule, cause)
    }

    /// Waits for the directory's lock, and then insists that it is still the directory at its path.
    pub(crate) fn lock(&self, deadline: Deadline) -> Result<Locked<'_>, Failure> {
        let mut pause = Duration::from_micros(20);
        while !self.try_lock()? {
            if deadline.has_passed() {
                return Err(Failure::Timeout);
            }
            std::thread::sleep(pause);
            pause = LONGEST_PAUSE.min(pause * 2);
        }
        let locked = Locked(self);
        if self.is_current() { Ok(locked) } else { Err(Failure::Replaced) }
    }

    fn try_lock(&self) -> io::Result<bool> {
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {
                Ok(false)
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether the path still leads here.
    pub(crate) fn is_current(&self) -> bool {
        rustix::fs::lstat(&self.path).is_ok_and(|stat| identity(&stat) == self.id)
    }

    /// The content of a file; `None` if there is none.
    pub(crate) fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, Failure> {
        let Some(file) = self.open_file(name, OFlags::RDONLY)? else { return Ok(None) };
        let mut content = Vec::with_capacity(512);
        file.take(most + 1).read_to_end(&mut content)?;
        if content.len() as u64 > most {
            return Err(Failure::Garbled("a file is longer than any of ours"));
        }
        Ok(Some(content))
    }

    /// An open file; `None` if there is none.
    pub(crate) fn open_file(&self, name: &str, access: OFlags) -> Result<Option<File>, Failure> {
        // A pipe that somebody put there must not hold us up.
        let flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        match rustix::fs::openat(&self.file, name, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => {
                let stat = rustix::fs::fstat(&file)?;
                if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                    return Err(Failure::Garbled("something that is no file has a file's name"));
                }
                Ok(Some(file.into()))
            }
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Writes a file anew. Only for files that nobody reads before [`rename`](Self::rename).
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<(), Failure> {
        self.step()?;
        let access = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
        let file = self.open_file(name, access)?;
        file.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?.write_all(content)?;
        Ok(())
    }

    /// Puts a file in another one's place in one step.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.step()?;
        Ok(rustix::fs::renameat(&self.file, from, &self.file, to)?)
    }

    /// Removes a file if it is there.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        self.step()?;
        match rustix::fs::unlinkat(&self.file, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Device and inode of a file.
    pub(crate) fn inode(&self, name: &str) -> Option<(u64, u64)> {
        let stat = rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(identity(&stat))
    }

    /// Another handle on the same directory, with a lock of its own.
    pub(crate) fn reopen(&self) -> Result<Self, Failure> {
        let other = Self::open(&self.path).map_err(|_| Failure::Replaced)?;
        if other.id == self.id { Ok(other) } else { Err(Failure::Replaced) }
    }

    /// Tests let the process die here.
    #[cfg(test)]
    fn step(&self) -> io::Result<()> {
        match self.steps_left.get() {
            Some(0) => return Err(io::Error::other("died")),
            left => self.steps_left.set(left.map(|left| left - 1)),
        }
        Ok(())
    }

    #[cfg(not(test))]
    #[inline]
    fn step(&self) -> io::Result<()> {
        Ok(())
    }
}
