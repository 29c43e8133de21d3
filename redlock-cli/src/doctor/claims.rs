//! What a diagnosis takes, and how it is given up.

use std::sync::Arc;
use std::time::Duration;

use redlock_core::node::Claim;
use redlock_core::{ConfigError, LockKey, LockNode, NoEntropy, Token};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::{Address, Place};
use crate::exit::Failure;
use crate::label;
use crate::nodes::{Raw, Scratch};

/// What is left anywhere, such as on a server that went away meanwhile, is gone after this.
pub(super) const TTL: Duration = Duration::from_secs(10);

/// What stands for a semaphore of two permits.
const SLOTS: [&str; 2] = ["permit/0", "permit/1"];

/// One node's claims. Known beforehand, so that they can be given up whatever happens.
#[derive(Debug, Clone)]
pub(super) struct Claims {
    pub(super) plain: Claim,
    pub(super) fenced: Claim,
    pub(super) guarded: Claim,
    pub(super) shared: Claim,
    pub(super) slots: Claim,
    pub(super) told: Claim,
}

impl Claims {
    /// Those of the node at `index`. A server that is listed twice must not be in its own way.
    pub(super) fn new(scratch: &Scratch, index: usize) -> Result<Self, Failure> {
        let label = label::of_verb("doctor");
        let claim_on = |names: &[&str]| {
            let full = |name: &&str| scratch.full(&format!("{index}:{name}"));
            let key = LockKey::all(names.iter().map(full));
            let token = Token::random().map_err(|error: NoEntropy| Failure::new(error))?;
            let key = key.map_err(|error: ConfigError| Failure::new(error))?;
            Ok::<_, Failure>(Claim::new(key, token).with_label(label.clone()))
        };
        let claim = |name: &str| claim_on(&[name]);
        Ok(Self {
            plain: claim("lock")?,
            fenced: claim("fence")?,
            guarded: claim("guard")?,
            shared: claim("share")?.shared(),
            slots: claim_on(&SLOTS)?,
            told: claim("told")?,
        })
    }

    pub(super) fn all(&self) -> [&Claim; 6] {
        [&self.plain, &self.fenced, &self.guarded, &self.shared, &self.slots, &self.told]
    }
}

/// A node, where it is, and what is taken there.
pub(super) type Tried = (Option<Address>, Arc<dyn LockNode>, Claims);

/// Removes all that may stand on any node: first behind the node's own commands, which may be on their way still.
/// `limit` is for all of it, side by side.
pub(super) async fn clean_up(scratch: &Scratch, nodes: Vec<(usize, Tried)>, limit: Duration) {
    let mut cleaning = JoinSet::new();
    for (index, (address, node, claims)) in nodes {
        let scratch = scratch.clone();
        cleaning.spawn(timeout(limit, async move {
            let mut releases = JoinSet::new();
            for claim in claims.all() {
                releases.spawn(Arc::clone(&node).release(claim.clone(), limit));
            }
            releases.join_all().await;
            let Some(Place::Server(url)) = address.as_ref().map(Address::place) else { return };
            let Ok(raw) = Raw::connect(url, limit).await else { return };
            let mut names = vec!["round".to_owned()];
            let taken = ["lock", "fence", "guard", "share", "told"].into_iter().chain(SLOTS);
            names.extend(taken.map(|name| format!("{index}:{name}")));
            scratch.delete(&raw, &names).await;
        }));
    }
    cleaning.join_all().await;
}
