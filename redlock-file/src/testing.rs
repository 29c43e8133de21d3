//! What the unit tests share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use redlock_core::key::LockKey;
use redlock_core::token::Token;

use crate::access::Access;
use crate::clock::nanos;
use crate::directory::{Deadline, Directory};
use crate::record::{Counter, Hold};
use crate::store::Store;

/// A directory that ends with the test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let unique = Token::random().unwrap();
        Self(std::env::temp_dir().join(format!("redlock-file-{}", unique.expose())))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(Directory::open(&self.0, Access::Owner).unwrap()).unwrap()
    }

    /// What stands there, as another program sees it.
    pub(crate) fn hold(&self, key: &[u8]) -> Option<Hold> {
        let store = self.store();
        let _locked = store.dir.lock(Deadline::after(Duration::from_secs(10))).unwrap();
        store.page(&LockKey::new(key).unwrap()).unwrap().hold(key).cloned()
    }

    pub(crate) fn counter(&self, key: &[u8]) -> Option<Counter> {
        let store = self.store();
        let _locked = store.dir.lock(Deadline::after(Duration::from_secs(10))).unwrap();
        store.page(&LockKey::new(key).unwrap()).unwrap().counter(key)
    }

    /// Stores a value whatever was there.
    pub(crate) fn put(&self, key: &[u8], value: &[u8], ttl: Option<Duration>) {
        let store = self.store();
        let _locked = store.dir.lock(Deadline::after(Duration::from_secs(10))).unwrap();
        let mut page = store.page(&LockKey::new(key).unwrap()).unwrap();
        let ends = ttl.map(|ttl| page.now.boot + nanos(ttl));
        page.change(key, |record| {
            record.shares.clear();
            record.hold = Some(Hold { value: value.into(), ends });
        });
        store.commit(&mut page).unwrap();
    }

    /// The names of the files.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }

    /// All that stands there: names with contents, or with `None` for what is no file.
    pub(crate) fn contents(&self) -> Vec<(String, Option<Vec<u8>>)> {
        let content = |name: String| {
            let path = self.0.join(&name);
            let is_file = std::fs::symlink_metadata(&path).unwrap().is_file();
            (name, is_file.then(|| std::fs::read(&path).unwrap()))
        };
        self.files().into_iter().map(content).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
