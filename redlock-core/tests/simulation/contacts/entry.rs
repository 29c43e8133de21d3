//! A node of a handle, and a book of what each of its nodes was asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use redlock_core::faults::Faulty;
use redlock_core::node::{
    Claim, Extension, Fault, FaultClass, Features, Holding, Identity, Listener, NodeError, Removal,
    Terms, Vote,
};
use redlock_core::{InMemoryNode, LockKey, LockNode};

use super::super::invariants::Event;
use super::super::world::World;

/// What the nodes of a handle said and were asked.
pub(super) struct Book {
    world: Arc<World>,
    process: usize,
    /// The server of each.
    servers: Vec<usize>,
    pages: Mutex<Pages>,
}

struct Pages {
    /// Whether it ever said who it is.
    met: Vec<bool>,
    /// What it said, if nothing has failed since and it was not asked again.
    run_ids: Vec<Option<String>>,
    /// Which of them were asked for a lock, by its value.
    asked: HashMap<Vec<u8>, Vec<usize>>,
}

impl Book {
    pub(super) fn new(world: &Arc<World>, process: usize, servers: &[usize]) -> Arc<Self> {
        let nodes = servers.len();
        let pages =
            Pages { met: vec![false; nodes], run_ids: vec![None; nodes], asked: HashMap::new() };
        let (world, servers) = (Arc::clone(world), servers.to_vec());
        Arc::new(Self { world, process, servers, pages: Mutex::new(pages) })
    }

    /// A node is about to be asked for a lock.
    fn asks(&self, entry: usize, claim: &Claim) {
        let wrong = {
            let mut pages = self.pages.lock().unwrap();
            let pages = &mut *pages;
            let asked = pages.asked.entry(claim.value().to_vec()).or_default();
            let run_id = &pages.run_ids[entry];
            let twin = asked.iter().copied().find(|other| {
                let same = self.servers[*other] == self.servers[entry] && *other != entry;
                same && run_id.is_some() && pages.run_ids[*other] == *run_id
            });
            asked.push(entry);
            if pages.met[entry] { twin.map(Some) } else { Some(None) }
        };
        if let Some(twin) = wrong {
            self.world.tell(&Event::Asked { process: self.process, entry, twin });
        }
    }

    fn forget(&self, entry: usize) {
        self.pages.lock().unwrap().run_ids[entry] = None;
    }

    fn meets(&self, entry: usize, identity: &Identity) {
        let mut pages = self.pages.lock().unwrap();
        pages.met[entry] = true;
        pages.run_ids[entry].clone_from(&identity.run_id);
    }
}

/// A server under a name of its own.
pub(super) struct Entry {
    name: String,
    link: Arc<Faulty<InMemoryNode>>,
    at: usize,
    book: Arc<Book>,
}

impl Entry {
    pub(super) fn new(link: Arc<Faulty<InMemoryNode>>, at: usize, book: Arc<Book>) -> Self {
        Self { name: format!("{} as {at}", link.name()), link, at, book }
    }

    /// After such a failure another server may stand there.
    fn look<T>(&self, answer: Result<T, NodeError>) -> Result<T, NodeError> {
        let forgets = |error: &NodeError| {
            error.class() == FaultClass::Unknown
                || matches!(error.fault(), Fault::Refused | Fault::Replica)
        };
        if answer.as_ref().is_err_and(forgets) {
            self.book.forget(self.at);
        }
        answer
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Entry").field(&self.name).finish()
    }
}

macro_rules! forward {
    ($($verb:ident($($arg:ident: $ty:ty),*) -> $out:ty;)*) => {
        #[async_trait]
        impl LockNode for Entry {
            fn name(&self) -> &str {
                &self.name
            }

            async fn identity(self: Arc<Self>, limit: Duration) -> Result<Identity, NodeError> {
                self.book.forget(self.at);
                let answer = self.look(Arc::clone(&self.link).identity(limit).await);
                if let Ok(identity) = &answer {
                    self.book.meets(self.at, identity);
                }
                answer
            }

            async fn acquire(
                self: Arc<Self>,
                claim: Claim,
                terms: Terms,
                limit: Duration,
            ) -> Result<Vote, NodeError> {
                self.book.asks(self.at, &claim);
                self.look(Arc::clone(&self.link).acquire(claim, terms, limit).await)
            }

            async fn listen(self: Arc<Self>, listener: Arc<dyn Listener>, limit: Duration) -> NodeError {
                Arc::clone(&self.link).listen(listener, limit).await
            }

            fn features(&self) -> Features {
                self.link.features()
            }

            $(async fn $verb(self: Arc<Self>, $($arg: $ty),*) -> Result<$out, NodeError> {
                self.look(Arc::clone(&self.link).$verb($($arg),*).await)
            })*
        }
    };
}

forward! {
    extend(claim: Claim, terms: Terms, limit: Duration) -> Extension;
    release(claim: Claim, limit: Duration) -> Removal;
    release_and_tell(claim: Claim, limit: Duration) -> Removal;
    inspect(key: LockKey, limit: Duration) -> Vec<Option<Holding>>;
    raise(claim: Claim, fence: u64, life: Duration, limit: Duration) -> Extension;
}
