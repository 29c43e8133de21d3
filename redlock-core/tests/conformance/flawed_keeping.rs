//! What can go wrong with keeping a resource after its hold.

use std::sync::Arc;
use std::time::Duration;

use redlock_core::key::LockKey;
use redlock_core::node::{Claim, LockNode, NodeError, Removal};

use crate::flaw::Flaw;
use crate::flawed::Flawed;

impl Flawed {
    /// Puts a value under each of the claim's resources that `which` picks.
    fn mark(
        &self,
        claim: &Claim,
        value: &[u8],
        ttl: Option<Duration>,
        which: impl Fn(Option<&[u8]>) -> bool,
    ) {
        for (name, standing) in self.values(claim) {
            if which(standing.as_deref()) {
                self.store.put(name, value, ttl);
            }
        }
    }

    pub(crate) async fn flawed_keep(
        self: Arc<Self>,
        claim: Claim,
        rest: Duration,
        limit: Duration,
    ) -> Result<Removal, NodeError> {
        let (store, mark) = (self.store.clone(), claim.mark());
        let token = *claim.token();
        let ours = |value: Option<&[u8]>| value == Some(token.as_bytes());
        match self.flaw {
            Flaw::KeepLeavesTheToken => {
                self.mark(&claim, token.as_bytes(), Some(rest), ours);
                return Ok(Removal::Removed);
            }
            Flaw::KeepReleases => return store.release(claim, limit).await,
            Flaw::KeepsInWordsOnly | Flaw::KeepsAllOrNone
                if self.flaw == Flaw::KeepsInWordsOnly
                    || !self.values(&claim).iter().all(|(_, value)| ours(value.as_deref())) =>
            {
                return Ok(Removal::Removed);
            }
            Flaw::KeepsForTheWholeRest => self.mark(&claim, &mark, Some(rest), ours),
            Flaw::KeepsHalfTheRest => return store.keep(claim, rest / 2, limit).await,
            Flaw::KeepsForEver => self.mark(&claim, &mark, None, ours),
            Flaw::KeepsAnew => {
                self.mark(&claim, &mark, Some(rest), |value| value == Some(mark.as_slice()));
            }
            Flaw::KeepsAnybodys => self.mark(&claim, &mark, Some(rest), |value| value.is_some()),
            Flaw::KeepTakes => self.mark(&claim, &mark, Some(rest), |value| value.is_none()),
            Flaw::KeepsTheFirstOnly => {
                let first = LockKey::new(claim.key().resources().next().unwrap()).unwrap();
                return store.keep(Claim::new(first, token), rest, limit).await;
            }
            Flaw::KeepSaysKept => {
                store.keep(claim, rest, limit).await?;
                return Ok(Removal::Removed);
            }
            Flaw::MarksWithoutFingerprint => self.mark(&claim, b"kept:", Some(rest), ours),
            _ => {}
        }
        store.keep(claim, rest, limit).await
    }
}
