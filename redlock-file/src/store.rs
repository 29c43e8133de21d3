//! A directory's files, read and changed under its lock.
//!
//! A resource stands in one of 256 files by the hash of its name. A change writes the new files beside the old ones, and
//! then puts each in its place: whoever is killed in between leaves whole files, and of a claim that spans several of
//! them some that are held until they expire. Dead records go whenever their file is written, so files do not grow for
//! ever and there are never more than 256, with a spare each.

use std::io;
use std::time::Duration;

use redlock_core::key::LockKey;
use redlock_core::node::{
    Claim, Extension, Found, Holding, Identity, Page as Scanned, Placed, Removal, Terms, Vote,
};

use crate::bulletin;
use crate::clock::{Boot, Times};
use crate::directory::{Deadline, Directory};
use crate::error::{Failure, FileNodeError};
use crate::names::{RUN, file_name, spare_name, temporary};
use crate::page::{BUCKETS, Loaded, Page, bucket_of};
use crate::recognize;
use crate::record::{self, Bucket, Garbled};
use crate::run::Run;

const FOREIGN: &str = "must be empty or have been made for locks, and was left as it is";

const GARBLED: &str = "must hold files that are as this crate writes them";

/// The rule for a file's content.
const NOT_OURS: &str = "must be as this crate writes it";

/// Longest file that is read or written.
const MOST_BYTES: u64 = 16 << 20;

/// How many files are read for one page of what stands here: nobody else gets at the directory meanwhile.
const MOST_FILES: usize = 32;

/// How long opening waits for the lock of a directory.
const OPENING: Duration = Duration::from_secs(5);

pub(crate) struct Store {
    pub(crate) dir: Directory,
    boot: Boot,
}

impl Store {
    /// Makes the directory ready for this start of the machine.
    pub(crate) fn open(dir: Directory) -> Result<Self, FileNodeError> {
        let store = Self { dir, boot: Boot::read()? };
        store.begin()?;
        Ok(store)
    }

    /// Begins a run, or joins the one that lasts.
    fn begin(&self) -> Result<(), FileNodeError> {
        let refuse = |failure| match failure {
            Failure::NotApplied(cause) | Failure::Unknown(cause) => {
                self.dir.refuse("must be readable and writable", Some(cause))
            }
            Failure::Replaced => self.dir.refuse("must not be removed while it is opened", None),
            Failure::Timeout => self.dir.refuse("must not be locked for long", None),
            Failure::Garbled { file, .. } => self.dir.refuse(GARBLED, None).finding(&file),
            Failure::Full => self.dir.refuse("must not hold too many resources", None),
        };
        let _locked = self.dir.lock(Deadline::after(OPENING)).map_err(refuse)?;
        let now = Times::read();
        match self.run() {
            Ok(Some(run)) if run.lasts(&self.boot, now) => {
                return if run.boot == self.boot { Ok(()) } else { Err(self.other_clock()) };
            }
            // Of an earlier start.
            Ok(Some(_)) => {}
            Ok(None) | Err(Failure::Garbled { .. }) => {
                let entries = self.dir.entries(MOST_BYTES).map_err(refuse)?;
                if let Some(found) = recognize::stranger(&entries) {
                    return Err(self.dir.refuse(FOREIGN, None).finding(found));
                }
            }
            Err(failure) => return Err(refuse(failure)),
        }
        self.sweep().map_err(refuse)?;
        let mut id = [0; 16];
        getrandom::fill(&mut id)
            .map_err(|_| self.dir.refuse("needs the system's randomness for its id", None))?;
        let run = Run::new(u128::from_le_bytes(id), self.boot, now);
        self.dir.write(&temporary(0), &run.encode()).map_err(refuse)?;
        self.dir.rename(&temporary(0), RUN).map_err(|error| refuse(error.into()))
    }

    fn other_clock(&self) -> FileNodeError {
        self.dir.refuse("must be used from one time namespace only", None)
    }

    /// Removes files that a power failure cut short, which only the first run after it may take for such. What cannot
    /// have begun as one of ours stays, and blocks its resources.
    fn sweep(&self) -> Result<(), Failure> {
        for name in (0..BUCKETS).map(|number| file_name(number as u8)) {
            let content = match self.dir.read(&name, MOST_BYTES) {
                Ok(Some(content)) => content,
                Ok(None) | Err(Failure::Garbled { .. }) => continue,
                Err(failure) => return Err(failure),
            };
            let loaded = Bucket::load(&content, &self.boot, Times::read());
            if loaded.is_err() && recognize::is_torn(&content, record::MAGIC) {
                self.dir.remove(&name)?;
            }
        }
        Ok(())
    }

    fn run(&self) -> Result<Option<Run>, Failure> {
        let content = self.dir.read(RUN, MOST_BYTES)?;
        let decoded = content.map(|content| Run::decode(&content)).transpose();
        decoded.map_err(|Garbled| Failure::garbled(RUN, NOT_OURS))
    }

    /// The run that lasts. Without its file the directory was emptied, and has to be opened anew.
    fn this_run(&self) -> Result<Run, Failure> {
        self.run()?.ok_or(Failure::Replaced)
    }

    fn load(&self, number: u8, now: Times) -> Result<Loaded, Failure> {
        let name = file_name(number);
        let content = self.dir.read(&name, MOST_BYTES)?;
        let loaded = content.as_ref().map(|content| Bucket::load(content, &self.boot, now));
        let bucket = loaded.transpose().map_err(|Garbled| Failure::garbled(&name, NOT_OURS))?;
        let len = content.map(|content| content.len());
        Ok(Loaded { number, bucket: bucket.unwrap_or_default(), len, changed: false })
    }

    pub(crate) fn page(&self, key: &LockKey) -> Result<Page, Failure> {
        let now = Times::read();
        let mut files: Vec<Loaded> = Vec::with_capacity(1);
        for number in key.resources().map(bucket_of) {
            if !files.iter().any(|file| file.number == number) {
                files.push(self.load(number, now)?);
            }
        }
        Ok(Page { files, now })
    }

    /// Writes what was changed. Everything that may well fail comes before the first file is put in its place.
    ///
    /// Each file has a spare beside it with room for as much. A change that makes nothing longer, as an extension or a
    /// release is, goes there and needs no more room, nor a new file, whatever became of the disk since the acquire.
    pub(crate) fn commit(&self, page: &mut Page) -> Result<(), Failure> {
        page.files.retain(|file| file.changed);
        let mut contents = Vec::with_capacity(page.files.len());
        for Loaded { bucket, .. } in &page.files {
            let content = (!bucket.is_empty()).then(|| bucket.encode(&self.boot, page.now));
            if content.as_ref().is_some_and(|content| content.len() as u64 > MOST_BYTES) {
                return Err(Failure::Full);
            }
            contents.push(content);
        }
        for (i, (file, content)) in page.files.iter().zip(&contents).enumerate() {
            let Some(content) = content else { continue };
            self.dir.write(&spare_name(file.number), content)?;
            match file.len {
                // It will be the spare.
                Some(len) if len < content.len() => {
                    self.dir.reserve(&file_name(file.number), content.len())?;
                }
                Some(_) => {}
                None => self.dir.write(&temporary(i), content)?,
            }
        }
        for (i, (file, content)) in page.files.iter().zip(&contents).enumerate() {
            let (name, spare) = (file_name(file.number), spare_name(file.number));
            match content {
                None => self.dir.remove(&name),
                Some(_) if file.len.is_none() => self.dir.rename(&temporary(i), &name),
                Some(content) => self.replace(&name, &spare, content),
            }
            .map_err(Failure::Unknown)?;
        }
        // What is not removed is written over.
        for (file, _) in page.files.iter().zip(&contents).filter(|(_, content)| content.is_none()) {
            let _ = self.dir.remove(&spare_name(file.number));
        }
        Ok(())
    }

    /// Puts the spare in the file's place, and the file in the spare's.
    fn replace(&self, name: &str, spare: &str, content: &[u8]) -> io::Result<()> {
        if !self.dir.exchange(spare, name)? {
            self.dir.rename(spare, name)?;
            // Without it the next change needs room.
            let _ = self.dir.write(spare, content);
        }
        Ok(())
    }

    fn change<T>(&self, key: &LockKey, change: impl FnOnce(&mut Page) -> T) -> Result<T, Failure> {
        let mut page = self.page(key)?;
        let answer = change(&mut page);
        self.commit(&mut page)?;
        Ok(answer)
    }

    pub(crate) fn identity(&self) -> Result<Identity, Failure> {
        let run = self.this_run()?;
        let mut identity = Identity::unknown();
        identity.run_id = Some(format!("{:032x}", run.id));
        identity.uptime = Some(run.uptime(Times::read()));
        Ok(identity)
    }

    pub(crate) fn acquire(&self, claim: &Claim, terms: &Terms) -> Result<Vote, Failure> {
        self.give(claim.key(), terms, |page, uptime| {
            if claim.is_shared() {
                page.acquire_shared(claim, terms, uptime)
            } else {
                page.acquire(claim, terms, uptime)
            }
        })
    }

    pub(crate) fn acquire_any(
        &self,
        slots: &Claim,
        terms: &Terms,
        first: usize,
    ) -> Result<Placed, Failure> {
        self.give(slots.key(), terms, |page, uptime| page.place(slots, terms, first, uptime))
    }

    /// Makes a change that wants to know how long this run lasts, where the terms have a guard.
    fn give<T>(
        &self,
        key: &LockKey,
        terms: &Terms,
        give: impl FnOnce(&mut Page, Duration) -> T,
    ) -> Result<T, Failure> {
        let run = terms.guard.map(|_| self.this_run()).transpose()?;
        self.change(key, |page| {
            let uptime = run.map_or(Duration::ZERO, |run| run.uptime(page.now));
            give(page, uptime)
        })
    }

    pub(crate) fn extend(&self, claim: &Claim, terms: &Terms) -> Result<Extension, Failure> {
        if !claim.is_shared() {
            return self.change(claim.key(), |page| page.extend(claim, terms));
        }
        let (extension, made) =
            self.change(claim.key(), |page| page.extend_shared(claim, terms))?;
        self.tell(terms.tells, &made);
        Ok(extension)
    }

    pub(crate) fn release(&self, claim: &Claim, tell: bool) -> Result<Removal, Failure> {
        let (removal, freed) = self.change(claim.key(), |page| {
            if claim.is_shared() { page.release_shared(claim) } else { page.release(claim) }
        })?;
        self.tell(tell, &freed);
        Ok(removal)
    }

    fn tell(&self, tell: bool, freed: &[Box<[u8]>]) {
        if tell && !freed.is_empty() {
            // Telling must not make a release fail.
            let _ = bulletin::tell(&self.dir, freed);
        }
    }

    pub(crate) fn keep(&self, claim: &Claim, rest: Duration) -> Result<Removal, Failure> {
        self.change(claim.key(), |page| page.keep(claim, rest))
    }

    pub(crate) fn raise(
        &self,
        claim: &Claim,
        fence: u64,
        life: Duration,
    ) -> Result<Extension, Failure> {
        self.change(claim.key(), |page| page.raise(claim, fence, life))
    }

    pub(crate) fn inspect(&self, key: &LockKey) -> Result<Vec<Option<Holding>>, Failure> {
        Ok(self.page(key)?.inspect(key))
    }

    pub(crate) fn counters(&self, key: &LockKey) -> Result<Vec<Option<u64>>, Failure> {
        let page = self.page(key)?;
        Ok(key.resources().map(|key| page.counter(key).map(|counter| counter.number)).collect())
    }

    /// What stands in the files from this number on, until there is enough for a page.
    pub(crate) fn scan(&self, prefix: &[u8], from: u64) -> Result<Scanned, Failure> {
        let now = Times::read();
        let mut found: Vec<Found> = Vec::new();
        let numbers = (0..BUCKETS).map(|number| number as u8).skip_while(|n| u64::from(*n) < from);
        for (read, number) in numbers.enumerate() {
            if found.len() >= Scanned::SIZE || read >= MOST_FILES {
                return Ok(Scanned::new(found, Some(number.into())));
            }
            found.extend(self.load(number, now)?.found(prefix, now));
        }
        Ok(Scanned::new(found, None))
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
