//! A node with one thing wrong with it.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use redlock_core::InMemoryNode;
use redlock_core::key::LockKey;
use redlock_core::node::{
    Claim, Extension, Features, Holding, Identity, Listener, LockNode, NodeError, Page, Placed,
    Removal, Terms, Vote,
};
use tokio::time::sleep;

use crate::flaw::Flaw;
use crate::flawed_labels::on;
use crate::flawed_wake_ups::{beginning_of, half_of};

/// Stands for a value of a type that no lock has.
pub(crate) const LIST: &[u8] = b"\0a list";

/// Long enough that whatever should come in order has gone by.
pub(crate) const A_WHILE: Duration = Duration::from_millis(50);

pub(crate) struct Flawed {
    pub(crate) store: Arc<InMemoryNode>,
    pub(crate) flaw: Flaw,
    pub(crate) ears: Mutex<Vec<Arc<dyn Listener>>>,
    /// The names that somebody asked to acquire.
    pub(crate) met: Mutex<Vec<Vec<u8>>>,
    asked: AtomicBool,
}

impl Flawed {
    pub(crate) fn new(store: Arc<InMemoryNode>, flaw: Flaw) -> Self {
        let (ears, met) = (Mutex::default(), Mutex::default());
        Self { store, flaw, ears, met, asked: AtomicBool::new(false) }
    }

    /// The claim as the flawed node understands it.
    pub(crate) fn heard(&self, claim: Claim) -> Claim {
        let heard = self.with_heard_label(on(&claim, self.heard_key(claim.key())));
        match claim.former() {
            Some(former) => heard.succeeding(former),
            None => heard,
        }
    }

    pub(crate) fn heard_key(&self, key: &LockKey) -> LockKey {
        let mut names: Vec<_> = key.resources().map(|name| self.heard_name(name)).collect();
        names.sort_unstable();
        names.dedup();
        LockKey::all(names).unwrap()
    }

    fn heard_name(&self, name: &[u8]) -> Vec<u8> {
        match self.flaw {
            Flaw::PrefixesNames => [b"lock:", name].concat(),
            Flaw::TakesNamesForText => String::from_utf8_lossy(name).into_owned().into_bytes(),
            Flaw::CutsNames => name[..name.len().min(255)].to_vec(),
            Flaw::TrimsNames => name.trim_ascii().to_vec(),
            _ => name.to_vec(),
        }
    }

    pub(crate) fn values(&self, claim: &Claim) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        claim.key().resources().map(|name| (name.to_vec(), self.store.value(name))).collect()
    }

    /// Gives the token to each of the claim's resources that `which` picks, by name and value.
    pub(crate) fn write(
        &self,
        claim: &Claim,
        ttl: Option<Duration>,
        which: impl Fn(&[u8], Option<&[u8]>) -> bool,
    ) {
        for (name, value) in self.values(claim) {
            if which(&name, value.as_deref()) {
                self.store.put(name, claim.value(), ttl);
            }
        }
    }

    pub(crate) fn same_value_again(
        &self,
        claim: &Claim,
        ttl: Duration,
        which: impl Fn(&[u8]) -> bool,
    ) {
        for (name, value) in self.values(claim) {
            if let Some(value) = value.filter(|value| which(value)) {
                self.store.put(name, value, Some(ttl));
            }
        }
    }

    pub(crate) fn remove(&self, claim: &Claim, which: impl Fn(&[u8]) -> bool) {
        for (name, value) in self.values(claim) {
            if value.is_some_and(|value| which(&value)) {
                self.store.remove(name);
            }
        }
    }
}

type Future<T> = dyn std::future::Future<Output = Result<T, NodeError>> + Send;

#[async_trait]
impl LockNode for Flawed {
    fn name(&self) -> &str {
        match self.flaw {
            Flaw::ChangesItsName if self.asked.swap(true, Ordering::Relaxed) => "another",
            _ => self.store.name(),
        }
    }

    async fn identity(self: Arc<Self>, limit: Duration) -> Result<Identity, NodeError> {
        let mut identity = self.store.clone().identity(limit).await?;
        if self.flaw == Flaw::ChangesItsRun {
            self.store.restart();
        }
        identity.replica = self.flaw == Flaw::IsAReplica;
        Ok(identity)
    }

    fn acquire<'async_trait>(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        limit: Duration,
    ) -> Pin<Box<Future<Vote>>>
    where
        Self: 'async_trait,
    {
        let claim = self.heard(claim);
        self.met.lock().unwrap().extend(claim.key().resources().map(<[u8]>::to_vec));
        if claim.is_shared() {
            return Box::pin(self.flawed_share(claim, terms, limit));
        }
        if self.flaw == Flaw::SendsUnpolled {
            self.write(&claim, Some(terms.ttl), |_, value| value.is_none());
        }
        Box::pin(async move {
            if self.flaw == Flaw::AcquireDawdles {
                // Goes its own way, as over a connection of its own.
                return tokio::spawn(async move {
                    sleep(A_WHILE).await;
                    self.vote(claim, terms, limit).await
                })
                .await
                .unwrap();
            }
            if let Some(vote) = self.beside_shares(&claim, terms, limit).await? {
                return Ok(vote);
            }
            if self.flaw == Flaw::AcquireTells {
                self.shout(&claim);
            }
            self.vote(claim, terms, limit).await
        })
    }

    async fn acquire_any(
        self: Arc<Self>,
        slots: Claim,
        terms: Terms,
        first: usize,
        limit: Duration,
    ) -> Result<Placed, NodeError> {
        self.flawed_place(slots, terms, first, limit).await
    }

    async fn extend(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        limit: Duration,
    ) -> Result<Extension, NodeError> {
        let claim = self.heard(claim);
        if claim.is_shared() {
            return self.flawed_share_extension(claim, terms, limit).await;
        }
        if terms != Terms::new(terms.ttl) {
            return self.fenced_extension(claim, terms, limit).await;
        }
        let ours = |value: &[u8]| value == claim.value();
        let ttl = match self.flaw {
            Flaw::WrapsTimes => Duration::from_millis(terms.ttl_millis() & 0xffff_ffff),
            _ => terms.ttl,
        };
        match self.flaw {
            Flaw::ExtendsInWordsOnly => return Ok(Extension::Extended),
            Flaw::ExtendShortens => self.same_value_again(&claim, ttl, ours),
            Flaw::ExtendBringsBack => self.write(&claim, Some(ttl), |_, value| value.is_none()),
            Flaw::ExtendsAnybody => {
                self.same_value_again(&claim, ttl, |_| true);
                return Ok(Extension::Extended);
            }
            Flaw::ExtendsMarks => self.same_value_again(&claim, ttl, |v| v == claim.mark()),
            Flaw::ExtendsWhatItCan => self.same_value_again(&claim, ttl, ours),
            Flaw::TakesTheFirstResourceOnly => {
                let first = LockKey::new(claim.key().resources().next().unwrap()).unwrap();
                let claim = on(&claim, first);
                return self.store.clone().extend(claim, terms, limit).await;
            }
            _ => {}
        }
        let extension = self.store.clone().extend(claim.clone(), Terms::new(ttl), limit).await?;
        let gone = self.values(&claim).iter().any(|(_, value)| value.is_none());
        if self.flaw == Flaw::SaysGoneBeforeForeign && gone {
            return Ok(Extension::Gone);
        }
        Ok(extension)
    }

    async fn release(self: Arc<Self>, claim: Claim, limit: Duration) -> Result<Removal, NodeError> {
        let claim = self.heard(claim);
        if claim.is_shared() {
            return self.flawed_share_release(claim, false, limit).await;
        }
        self.whole_over_shares(&claim, limit).await;
        let gone = self.values(&claim).iter().any(|(_, value)| value.is_none());
        let ours = |value: &Option<Vec<u8>>| value.as_deref() == Some(claim.value());
        match self.flaw {
            Flaw::PlainReleaseTells => self.shout(&claim),
            Flaw::ReleasesMarks => self.remove(&claim, |value| value == claim.mark()),
            Flaw::ReleasesAnybody => self.remove(&claim, |_| true),
            Flaw::ReleaseComparesHalf => self.remove(&claim, half_of(&claim)),
            Flaw::ReleaseComparesBeginnings => self.remove(&claim, beginning_of(&claim)),
            Flaw::ReleasesInWordsOnly => return Ok(Removal::Removed),
            Flaw::ReleasesAllOrNone
                if !self.values(&claim).iter().all(|(_, value)| ours(value)) =>
            {
                return Ok(if gone { Removal::Gone } else { Removal::Foreign });
            }
            Flaw::ReleaseDawdles => {
                let store = self.store.clone();
                return tokio::spawn(async move {
                    sleep(A_WHILE).await;
                    store.release(claim, limit).await
                })
                .await
                .unwrap();
            }
            _ => {}
        }
        let removal = self.store.clone().release(claim, limit).await?;
        Ok(match self.flaw {
            Flaw::AlwaysSaysRemoved => Removal::Removed,
            Flaw::SaysGoneBeforeForeign if gone => Removal::Gone,
            _ => removal,
        })
    }

    async fn inspect(
        self: Arc<Self>,
        key: LockKey,
        limit: Duration,
    ) -> Result<Vec<Option<Holding>>, NodeError> {
        self.flawed_look(key, limit).await.map(|holdings| self.flawed_shares(holdings))
    }

    async fn release_and_tell(
        self: Arc<Self>,
        claim: Claim,
        limit: Duration,
    ) -> Result<Removal, NodeError> {
        if claim.is_shared() {
            let claim = self.heard(claim);
            return self.flawed_share_release(claim, true, limit).await;
        }
        self.flawed_tell(claim, limit).await
    }

    async fn listen(self: Arc<Self>, listener: Arc<dyn Listener>, limit: Duration) -> NodeError {
        self.flawed_listen(listener, limit).await
    }

    async fn keep(
        self: Arc<Self>,
        claim: Claim,
        rest: Duration,
        limit: Duration,
    ) -> Result<Removal, NodeError> {
        let claim = self.heard(claim);
        self.flawed_keep(claim, rest, limit).await
    }

    async fn inspect_counters(
        self: Arc<Self>,
        key: LockKey,
        limit: Duration,
    ) -> Result<Vec<Option<u64>>, NodeError> {
        self.flawed_counters(key, limit).await
    }

    async fn scan(
        self: Arc<Self>,
        prefix: Arc<[u8]>,
        from: u64,
        limit: Duration,
    ) -> Result<Page, NodeError> {
        self.flawed_scan(prefix, from, limit).await
    }

    fn features(&self) -> Features {
        self.store.features()
    }

    async fn raise(
        self: Arc<Self>,
        claim: Claim,
        fence: u64,
        life: Duration,
        limit: Duration,
    ) -> Result<Extension, NodeError> {
        let claim = self.heard(claim);
        if claim.is_shared() {
            return self.flawed_share_raise(claim, fence, life, limit).await;
        }
        self.flawed_raise(claim, fence, life, limit).await
    }
}
