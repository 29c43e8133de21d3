//! The directory: who may use it, how it is locked, how its files change.
//!
//! The lock is on the directory itself. There is no lock file that somebody could remove while another process waits
//! for it, and whether the directory is still the one at its path is looked at after each locking.

use std::cell::Cell;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::fs::{FallocateFlags, RenameFlags, fallocate, renameat_with};
use rustix::io::{DupFlags, Errno, dup3};

use crate::access::Access;
use crate::error::{Failure, FileNodeError};
use crate::names;

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

/// An entry of a directory: its name, and the content of a file that ours may be.
pub(crate) type Entry = (String, Option<Vec<u8>>);

pub(crate) struct Directory {
    path: PathBuf,
    access: Access,
    file: File,
    id: (u64, u64),
    /// Open for the time when the process may open no more.
    spare: Cell<Option<OwnedFd>>,
    #[cfg(test)]
    pub(crate) steps_left: Cell<Option<u32>>,
    /// Tests let the disk have no room.
    #[cfg(test)]
    pub(crate) is_full: Cell<bool>,
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
    /// Opens the directory. One of its owner's is made if it is missing, but not its parents.
    pub(crate) fn open(path: &Path, access: Access) -> Result<Self, FileNodeError> {
        let refuse = |rule, cause| FileNodeError::new(NAME, path.to_string_lossy(), rule, cause);
        if access == Access::Owner {
            match rustix::fs::mkdir(path, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(refuse("must exist or be creatable", Some(errno.into()))),
            }
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|errno| refuse("must be a directory and no link", Some(errno.into())))?;
        let stat = rustix::fs::fstat(&file)
            .map_err(|errno| refuse("must be readable", Some(errno.into())))?;
        if let Some(rule) = access.refusal(&stat) {
            return Err(refuse(rule, None));
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Some(rule) = crate::filesystem::refusal(&file) {
            return Err(refuse(rule, None));
        }
        let file = File::from(file);
        Ok(Self {
            path: path.to_owned(),
            access,
            id: identity(&stat),
            spare: Cell::new(file.try_clone().ok().map(OwnedFd::from)),
            file,
            #[cfg(test)]
            steps_left: Cell::new(None),
            #[cfg(test)]
            is_full: Cell::new(false),
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
        (&file).take(most + 1).read_to_end(&mut content)?;
        self.close(file);
        if content.len() as u64 > most {
            return Err(Failure::garbled(name, "must not be longer than any of ours"));
        }
        Ok(Some(content))
    }

    /// An open file; `None` if there is none.
    pub(crate) fn open_file(&self, name: &str, access: OFlags) -> Result<Option<File>, Failure> {
        // A pipe that somebody put there must not hold us up.
        let flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let makes = access.contains(OFlags::CREATE);
        let open = || rustix::fs::openat(&self.file, name, flags, self.access.files());
        let mut opened = open();
        if opened.as_ref().is_err_and(|errno| *errno == Errno::ACCESS)
            && makes
            && self.access == Access::Group
        {
            // Whoever made it was killed before it was the group's.
            rustix::fs::unlinkat(&self.file, name, AtFlags::empty())?;
            opened = open();
        }
        if opened.as_ref().is_err_and(|errno| *errno == Errno::MFILE) && self.spare.take().is_some()
        {
            opened = open();
        }
        match opened {
            Ok(file) => {
                let stat = rustix::fs::fstat(&file)?;
                if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                    return Err(Failure::garbled(name, "must be a regular file"));
                }
                if access != OFlags::RDONLY && stat.st_nlink > 1 {
                    return Err(Failure::garbled(name, "must have no second name"));
                }
                // The process's mask took what a group needs.
                let mode = Mode::from_raw_mode(stat.st_mode);
                if makes && !mode.contains(self.access.files()) {
                    rustix::fs::fchmod(&file, self.access.files())?;
                }
                Ok(Some(file.into()))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP) => Err(Failure::garbled(name, "must not be a symbolic link")),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Closes a file, unless its descriptor is kept for the time when the process has no other.
    fn close(&self, file: File) {
        let spare = self.spare.take().or_else(|| {
            let mut file = OwnedFd::from(file);
            dup3(&self.file, &mut file, DupFlags::CLOEXEC).is_ok().then_some(file)
        });
        self.spare.set(spare);
    }

    /// Everything that stands here, with the content of what ours may be: files of at most this length.
    pub(crate) fn entries(&self, most: u64) -> Result<Vec<Entry>, Failure> {
        let mut entries = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.file)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name == "." || name == ".." {
                continue;
            }
            let content = match names::is_ours(&name).then(|| self.read(&name, most)) {
                Some(Ok(content)) => content,
                None | Some(Err(Failure::Garbled { .. })) => None,
                Some(Err(failure)) => return Err(failure),
            };
            entries.push((name, content));
        }
        Ok(entries)
    }

    /// Writes a file anew, over what it had: that needs no room but for what is longer. Only for files that nobody reads
    /// before they are put in a place.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<(), Failure> {
        self.step()?;
        #[cfg(test)]
        self.room_for(name, content.len())?;
        let file = self.open_file(name, OFlags::WRONLY | OFlags::CREATE)?;
        let mut file = file.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        file.write_all(content)?;
        file.set_len(content.len() as u64)?;
        self.close(file);
        Ok(())
    }

    /// Makes sure of room for a file that will be written at this length. Its content stays as it is.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn reserve(&self, name: &str, len: usize) -> Result<(), Failure> {
        self.step()?;
        #[cfg(test)]
        self.room_for(name, len)?;
        let Some(file) = self.open_file(name, OFlags::WRONLY)? else { return Ok(()) };
        let reserved = fallocate(&file, FallocateFlags::KEEP_SIZE, 0, len as u64);
        self.close(file);
        match reserved {
            // Not every file system can.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(crate) fn reserve(&self, _: &str, _: usize) -> Result<(), Failure> {
        Ok(())
    }

    /// Gives two files each other's name in one step. `false` if that cannot be done here.
    pub(crate) fn exchange(&self, one: &str, other: &str) -> io::Result<bool> {
        self.step()?;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        match renameat_with(&self.file, one, &self.file, other, RenameFlags::EXCHANGE) {
            Ok(()) => return Ok(true),
            // Where it is forbidden (a sandbox that does not know it), renaming says whether that is too.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM | Errno::ACCESS) => {}
            Err(errno) => return Err(errno.into()),
        }
        Ok(false)
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
            Ok(()) | Err(Errno::NOENT) => Ok(()),
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
        let other = Self::open(&self.path, self.access).map_err(|_| Failure::Replaced)?;
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

    /// Tests let no file be made, and none become longer than it has room for.
    #[cfg(test)]
    fn room_for(&self, name: &str, len: usize) -> io::Result<()> {
        use std::os::unix::fs::MetadataExt;
        let found = std::fs::metadata(self.path.join(name));
        let room = found.map_or(0, |found| found.blocks() * 512);
        if self.is_full.get() && (len as u64) > room { Err(Errno::NOSPC.into()) } else { Ok(()) }
    }

    #[cfg(not(test))]
    #[inline]
    fn step(&self) -> io::Result<()> {
        Ok(())
    }
}
