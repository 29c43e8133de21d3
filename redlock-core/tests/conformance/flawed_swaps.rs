//! What can go wrong with a swap.

use std::time::Duration;

use redlock_core::node::{Claim, LockNode, NodeError, Terms, Vote};

use crate::flaw::Flaw;
use crate::flawed::Flawed;

impl Flawed {
    /// An acquire of a claim with a former value.
    pub(crate) async fn flawed_swap(
        &self,
        claim: Claim,
        terms: Terms,
        limit: Duration,
    ) -> Result<Vote, NodeError> {
        let former = claim.former().unwrap().to_vec();
        let mut terms = terms;
        let before = self.values(&claim);
        match self.flaw {
            Flaw::SwapsNothing => {
                let plain = Claim::new(claim.key().clone(), *claim.token());
                return self.store.clone().acquire(plain, terms, limit).await;
            }
            Flaw::SwapsAnybody => self.remove(&claim, |_| true),
            Flaw::SwapComparesBeginnings => {
                self.remove(&claim, |value| value.starts_with(&former[..39]))
            }
            Flaw::SwapWritesAsItGoes => {
                self.write(&claim, Some(terms.ttl), |_, value| value == Some(&*former));
            }
            Flaw::SwapIgnoresTheGuard => terms.guard = None,
            _ => {}
        }
        let vote = self.store.clone().acquire(claim.clone(), terms, limit).await?;
        let Vote::Swapped { fence, resources, counter } = vote else { return Ok(vote) };
        Ok(match self.flaw {
            Flaw::SwapSaysGranted => Vote::Granted { fence },
            Flaw::SwapSaysFree => {
                Vote::Swapped { fence, resources: claim.key().resources().len(), counter }
            }
            Flaw::SwapTellsTheNewCounter => Vote::Swapped { fence, resources, counter: fence },
            Flaw::SwapKeepsTheTime => {
                self.write(&claim, Some(Duration::from_secs(30)), |_, _| true);
                vote
            }
            Flaw::SwapKeepsTheGiver => {
                for (name, _) in
                    before.iter().filter(|(_, value)| value.as_deref() == Some(&former))
                {
                    self.store.put(name, &former, Some(terms.ttl));
                }
                vote
            }
            _ => vote,
        })
    }
}
