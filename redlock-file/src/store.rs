//! A directory's files, read and changed under its lock.
//!
//! A resource stands in one of 256 files by the hash of its name. A change writes the new files beside the old ones, and
//! then puts each in its place: whoever is killed in between leaves whole files, and of a claim that spans several of
//! them some that are held until they expire. Dead records go whenever their file is written, so files do not grow for
//! ever and there are never more than 256.

use std::time::Duration;

use redlock_core::key::LockKey;
use redlock_core::node::{Claim, Extension, Holding, Identity, Removal, Terms, Vote};

use crate::bulletin;
use crate::clock::{Boot, Times};
use crate::directory::{Deadline, Directory};
use crate::error::{Failure, FileNodeError};
use crate::page::{BUCKETS, Loaded, Page, bucket_of};
use crate::record::{Bucket, Garbled};
use crate::run::Run;

const RUN: &str = "run";

/// Longest file that is read or written.
const MOST_BYTES: u64 = 16 << 20;

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
            Failure::Garbled(rule) => self.dir.refuse(rule, None),
            Failure::Full => self.dir.refuse("must not hold too many resources", None),
        };
        let _locked = self.dir.lock(Deadline::after(OPENING)).map_err(refuse)?;
        let now = Times::read();
        match self.run() {
            Ok(Some(run)) if run.lasts(&self.boot, now) => {
                return if run.boot == self.boot { Ok(()) } else { Err(self.other_clock()) };
            }
            Ok(_) | Err(Failure::Garbled(_)) => {}
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

    /// Removes files that a power failure cut short, which only the first run after it may take for such.
    fn sweep(&self) -> Result<(), Failure> {
        for number in (0..BUCKETS).map(|number| number as u8) {
            if let Err(Failure::Garbled(_)) = self.load(number, Times::read()) {
                self.dir.remove(&file_name(number))?;
            }
        }
        Ok(())
    }

    fn run(&self) -> Result<Option<Run>, Failure> {
        let content = self.dir.read(RUN, MOST_BYTES)?;
        let decoded = content.map(|content| Run::decode(&content)).transpose();
        decoded.map_err(|Garbled| Failure::Garbled("the file of the run is not ours"))
    }

    /// The run that lasts. Without its file the directory was emptied, and has to be opened anew.
    fn this_run(&self) -> Result<Run, Failure> {
        self.run()?.ok_or(Failure::Replaced)
    }

    fn load(&self, number: u8, now: Times) -> Result<Bucket, Failure> {
        let Some(content) = self.dir.read(&file_name(number), MOST_BYTES)? else {
            return Ok(Bucket::default());
        };
        Bucket::load(&content, &self.boot, now)
            .map_err(|Garbled| Failure::Garbled("a file of resources is not ours"))
    }

    pub(crate) fn page(&self, key: &LockKey) -> Result<Page, Failure> {
        let now = Times::read();
        let mut files: Vec<Loaded> = Vec::with_capacity(1);
        for number in key.resources().map(bucket_of) {
            if !files.iter().any(|file| file.number == number) {
                let bucket = self.load(number, now)?;
                files.push(Loaded { number, bucket, changed: false });
            }
        }
        Ok(Page { files, now })
    }

    /// Writes what was changed. Everything that may well fail comes before the first file is put in its place.
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
        for (i, content) in contents.iter().enumerate() {
            if let Some(content) = content {
                self.dir.write(&temporary(i), content)?;
            }
        }
        for (i, (file, content)) in page.files.iter().zip(&contents).enumerate() {
            let name = file_name(file.number);
            match content {
                Some(_) => self.dir.rename(&temporary(i), &name),
                None => self.dir.remove(&name),
            }
            .map_err(Failure::Unknown)?;
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
        // Only the guard asks for the age.
        let run = terms.guard.map(|_| self.this_run()).transpose()?;
        self.change(claim.key(), |page| {
            let uptime = run.map_or(Duration::ZERO, |run| run.uptime(page.now));
            page.acquire(claim, terms, uptime)
        })
    }

    pub(crate) fn extend(&self, claim: &Claim, terms: &Terms) -> Result<Extension, Failure> {
        self.change(claim.key(), |page| page.extend(claim, terms))
    }

    pub(crate) fn release(&self, claim: &Claim, tell: bool) -> Result<Removal, Failure> {
        let (removal, freed) = self.change(claim.key(), |page| page.release(claim))?;
        if tell && !freed.is_empty() {
            // Telling must not make a release fail.
            let _ = bulletin::tell(&self.dir, &freed);
        }
        Ok(removal)
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
}

fn file_name(number: u8) -> String {
    format!("{number:02x}")
}

/// Names that only the holder of the directory's lock writes to; what a killed one left is overwritten.
pub(crate) fn temporary(number: usize) -> String {
    format!("new{number}")
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
