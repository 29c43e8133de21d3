//! Releases told between processes: a file to which the releaser appends what it freed, and which listeners look at
//! every few milliseconds. Nothing is written while nobody listens.
//!
//! The file begins with how much of it counts, so that an entry which was cut short is never read, and is replaced
//! when it has become long. A listener holds a shared lock on a second file, which ends with its process.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use rustix::fs::OFlags;

use crate::directory::Directory;
use crate::error::Failure;
use crate::names::{LISTENERS, RELEASED, temporary};
use crate::record::Reader;

/// Where the entries begin.
const HEADER: u64 = 8;

/// From this length on the file is replaced.
const LONG: u64 = 64 << 10;

/// Longest stretch that is read at once: a long file and one more claim of the largest size.
const LONGEST: u64 = LONG + (64 << 10);

/// Tells of resources that are free. The directory's lock is held.
pub(crate) fn tell(dir: &Directory, freed: &[Box<[u8]>]) -> Result<(), Failure> {
    let Some(listeners) = dir.open_file(LISTENERS, OFlags::RDWR)? else { return Ok(()) };
    match listeners.try_lock() {
        Err(TryLockError::WouldBlock) => {}
        Ok(()) | Err(TryLockError::Error(_)) => return Ok(()),
    }
    let mut file = open(dir)?;
    let mut end = committed(&file)?;
    if !(HEADER..LONG).contains(&end) {
        replace(dir)?;
        (file, end) = (open(dir)?, HEADER);
    }
    let mut entries = Vec::new();
    for name in freed {
        entries.extend_from_slice(&u32::try_from(name.len()).unwrap_or(u32::MAX).to_le_bytes());
        entries.extend_from_slice(name);
    }
    file.write_all_at(&entries, end)?;
    file.write_all_at(&(end + entries.len() as u64).to_le_bytes(), 0)?;
    Ok(())
}

fn open(dir: &Directory) -> Result<File, Failure> {
    if let Some(file) = dir.open_file(RELEASED, OFlags::RDWR)? {
        return Ok(file);
    }
    replace(dir)?;
    let file = dir.open_file(RELEASED, OFlags::RDWR)?;
    Ok(file.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?)
}

fn replace(dir: &Directory) -> Result<(), Failure> {
    dir.write(&temporary(0), &HEADER.to_le_bytes())?;
    Ok(dir.rename(&temporary(0), RELEASED)?)
}

/// How far it is written; 0 of a file that a power failure cut short.
fn committed(file: &File) -> io::Result<u64> {
    let mut header = [0; HEADER as usize];
    match file.read_exact_at(&mut header, 0) {
        Ok(()) => Ok(u64::from_le_bytes(header)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
        Err(error) => Err(error),
    }
}

fn inode(file: &File) -> io::Result<(u64, u64)> {
    file.metadata().map(|found| (found.dev(), found.ino()))
}

/// Whether a file of this content was written here.
pub(crate) fn is_whole(content: &[u8]) -> bool {
    let Some((header, entries)) = content.split_first_chunk::<8>() else { return false };
    let counts = u64::from_le_bytes(*header).checked_sub(HEADER);
    let counts = counts.and_then(|len| usize::try_from(len).ok());
    let Some(mut rest) = counts.and_then(|len| entries.get(..len)).map(Reader) else {
        return false;
    };
    while !rest.0.is_empty() {
        if rest.bytes().is_err() {
            return false;
        }
    }
    true
}

/// A listener's place in the file.
pub(crate) struct Subscription {
    dir: Directory,
    /// Locked for as long as somebody listens.
    _listeners: File,
    file: File,
    inode: (u64, u64),
    at: u64,
}

impl Subscription {
    /// Listens from here on. The directory's lock is held.
    pub(crate) fn new(dir: &Directory) -> Result<Self, Failure> {
        let listeners = dir.open_file(LISTENERS, OFlags::RDWR | OFlags::CREATE)?;
        let listeners = listeners.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        // Who tells holds it only under the directory's lock, as we do.
        listeners.try_lock_shared().map_err(io::Error::from)?;
        let mut file = open(dir)?;
        if committed(&file)? < HEADER {
            replace(dir)?;
            file = open(dir)?;
        }
        let (inode, at) = (inode(&file)?, committed(&file)?);
        Ok(Self { dir: dir.reopen()?, _listeners: listeners, file, inode, at })
    }

    /// Hands over what was told since the last time. An error ends the subscription.
    pub(crate) fn poll(&mut self, mut released: impl FnMut(&[u8])) -> Result<(), Failure> {
        if !self.dir.is_current() {
            return Err(Failure::Replaced);
        }
        // Looked at before the file is read: nothing is appended to one that was replaced.
        let stands = self.dir.inode(RELEASED);
        self.read_on(&mut released)?;
        if stands != Some(self.inode) {
            let file = self.dir.open_file(RELEASED, OFlags::RDONLY)?;
            self.file = file.ok_or(Failure::Replaced)?;
            (self.inode, self.at) = (inode(&self.file)?, HEADER);
            self.read_on(&mut released)?;
        }
        Ok(())
    }

    fn read_on(&mut self, released: &mut impl FnMut(&[u8])) -> Result<(), Failure> {
        let garbled = || Failure::garbled(RELEASED, "must be as this crate writes it");
        let end = committed(&self.file)?;
        let len = end.checked_sub(self.at).filter(|len| *len <= LONGEST).ok_or_else(garbled)?;
        if len == 0 {
            return Ok(());
        }
        let mut entries = vec![0; len as usize];
        self.file.read_exact_at(&mut entries, self.at)?;
        self.at = end;
        let mut rest = Reader(&entries);
        while !rest.0.is_empty() {
            released(&rest.bytes().map_err(|_| garbled())?);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "bulletin_tests.rs"]
mod tests;
