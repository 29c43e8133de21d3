//! What can go wrong with shares.

use std::sync::Arc;
use std::time::Duration;

use redlock_core::Token;
use redlock_core::key::LockKey;
use redlock_core::node::{
    Claim, Expiry, Extension, FenceTerms, Holding, LockNode, NodeError, Removal, Terms, Vote,
};

use crate::flaw::Flaw;
use crate::flawed::Flawed;
use crate::flawed_labels::on;

const FOR_EVER: Duration = Duration::from_secs(1_000_000);

/// The terms with another time to live.
fn lasting(mut terms: Terms, ttl: Duration) -> Terms {
    terms.ttl = ttl;
    terms
}

impl Flawed {
    /// The claims of all who share one of the claim's resources.
    fn sharers(&self, claim: &Claim) -> Vec<Claim> {
        let names = claim.key().resources();
        let shares =
            names.flat_map(|name| self.store.shares(name).into_iter().map(move |v| (name, v)));
        let claims = shares.filter_map(|(name, value)| {
            let token = Token::parse(std::str::from_utf8(value.get(..40)?).ok()?).ok()?;
            Some(Claim::new(LockKey::new(name).unwrap(), token).shared())
        });
        claims.collect()
    }

    fn is_whole(&self, claim: &Claim) -> bool {
        self.values(claim).iter().any(|(_, value)| value.as_deref() == Some(claim.value()))
    }

    fn first(claim: &Claim) -> Claim {
        on(claim, LockKey::new(claim.key().resources().next().unwrap()).unwrap())
    }

    fn whole(claim: &Claim) -> Claim {
        Claim::new(claim.key().clone(), *claim.token()).with_label(claim.label().cloned())
    }

    pub(crate) async fn flawed_share(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        limit: Duration,
    ) -> Result<Vote, NodeError> {
        let store = self.store.clone();
        let ask = |claim: &Claim, terms: Terms| store.clone().acquire(claim.clone(), terms, limit);
        match self.flaw {
            Flaw::SharesWhole => return ask(&Self::whole(&claim), terms).await,
            Flaw::ShareOverValue => self.remove(&claim, |_| true),
            Flaw::SharesTheFirstOnly => return ask(&Self::first(&claim), terms).await,
            Flaw::SharesTwiceAnew => {
                store.clone().extend(claim.clone(), Terms::new(terms.ttl), limit).await?;
            }
            Flaw::SharesForEver => return ask(&claim, lasting(terms, FOR_EVER)).await,
            Flaw::SharesHalfTheTime => {
                return ask(&claim, lasting(terms, terms.ttl / 2)).await;
            }
            Flaw::ShareOverlooksItsValue if self.is_whole(&claim) => {
                let expiry = Expiry::Unknown;
                return Ok(Vote::Held { expiry, fence: None, label: None, kept: false });
            }
            Flaw::ShareHeedsNoIntent => return ask(&claim, terms.heeding(false)).await,
            Flaw::ShareHeedsAnyIntent => return ask(&claim, terms.heeding(true)).await,
            Flaw::SharesUnguarded => return ask(&claim, terms.with_guard(None)).await,
            Flaw::ShareCountsAsWhole | Flaw::SharesCountUp if terms.fencing.is_some() => {
                let vote = ask(&claim, terms).await?;
                let Vote::Granted { fence: Some(number) } = vote else { return Ok(vote) };
                let step = if self.flaw == Flaw::SharesCountUp { 2 } else { 1 };
                let life = terms.fencing.map_or(limit, |fencing| fencing.life);
                store.clone().raise(claim, number + step, life, limit).await?;
                return Ok(Vote::Granted { fence: Some(number + step) });
            }
            Flaw::ShareIgnoresHints => {
                let fencing = terms.fencing.map(|f| FenceTerms { hint: 0, ..f });
                return ask(&claim, terms.with_fencing(fencing)).await;
            }
            Flaw::ShareLiftsBeforeItLooks => {
                let names: Vec<_> = claim.key().resources().map(<[u8]>::to_vec).collect();
                for name in names.iter().filter(|_| terms.fencing.is_some()) {
                    let probe = Claim::new(LockKey::new(name).unwrap(), *claim.token());
                    ask(&probe, terms).await?;
                    store.clone().release(probe, limit).await?;
                }
            }
            Flaw::ShareHidesCounters => {
                return Ok(match ask(&claim, terms).await? {
                    Vote::Held { expiry, label, kept, .. } => {
                        Vote::Held { expiry, fence: None, label, kept }
                    }
                    vote => vote,
                });
            }
            _ => {}
        }
        ask(&claim, terms).await
    }

    /// A claim on whole resources, where shares may stand.
    pub(crate) async fn beside_shares(
        &self,
        claim: &Claim,
        terms: Terms,
        limit: Duration,
    ) -> Result<Option<Vote>, NodeError> {
        let store = self.store.clone();
        let sharers = self.sharers(claim);
        match self.flaw {
            Flaw::TakesOverShares => {
                for share in sharers {
                    store.clone().release(share, limit).await?;
                }
            }
            Flaw::SharesSayHeld => {
                return Ok(match store.acquire(claim.clone(), terms, limit).await? {
                    Vote::Shared { expiry, fence, label } => {
                        Some(Vote::Held { expiry, fence, label, kept: false })
                    }
                    vote => Some(vote),
                });
            }
            Flaw::IntentForEver => {
                let terms = terms.with_intent(terms.intent.map(|_| FOR_EVER));
                return store.acquire(claim.clone(), terms, limit).await.map(Some);
            }
            Flaw::IntentStays => {
                let terms = if sharers.is_empty() { terms.with_intent(None) } else { terms };
                return store.acquire(claim.clone(), terms, limit).await.map(Some);
            }
            Flaw::IntentAlways => {
                for share in sharers {
                    let other = Claim::new(share.key().clone(), *claim.token());
                    store.clone().acquire(other, terms, limit).await?;
                }
            }
            Flaw::ValueHidesShares => {
                let vote = store.clone().acquire(claim.clone(), terms, limit).await?;
                let ours = self.values(claim).into_iter().find(|(_, value)| value.is_some());
                return Ok(Some(match (vote, ours) {
                    (Vote::Held { fence, label, kept, .. }, Some((name, _))) => {
                        let key = LockKey::new(name).unwrap();
                        let holding = store.inspect(key, limit).await?.remove(0).unwrap();
                        Vote::Held { expiry: holding.expiry, fence, label, kept }
                    }
                    (vote, _) => vote,
                }));
            }
            _ => {}
        }
        Ok(None)
    }

    pub(crate) async fn flawed_share_extension(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        limit: Duration,
    ) -> Result<Extension, NodeError> {
        let store = self.store.clone();
        let ask = |claim: Claim, terms: Terms| store.clone().extend(claim, terms, limit);
        match self.flaw {
            Flaw::SharesExtendInWords => return Ok(Extension::Extended),
            Flaw::ShareExtendShortens => {
                let extended = ask(claim.clone(), Terms::new(Duration::ZERO)).await?;
                if extended != Extension::Extended {
                    return Ok(extended);
                }
                store.clone().release(claim.clone(), limit).await?;
                store.clone().acquire(claim, terms.heeding(false), limit).await?;
                return Ok(Extension::Extended);
            }
            Flaw::SharesExtendTogether => {
                for share in self.sharers(&claim) {
                    ask(share, Terms::new(terms.ttl)).await?;
                }
            }
            Flaw::ShareExtendBringsBack => {
                store.clone().acquire(claim.clone(), terms.heeding(false), limit).await?;
            }
            Flaw::SharesExtendWhatTheyCan => {
                for name in claim.key().resources() {
                    ask(on(&claim, LockKey::new(name).unwrap()), terms).await?;
                }
            }
            Flaw::SharesAnybodysValue => {
                let whole = self.values(&claim).into_iter().find(|(_, value)| value.is_some());
                if let Some((name, _)) = whole {
                    store.remove(name);
                    store.clone().acquire(claim.clone(), terms, limit).await?;
                }
            }
            Flaw::DowngradeReleases if self.is_whole(&claim) => {
                store.clone().release(claim, limit).await?;
                return Ok(Extension::Extended);
            }
            Flaw::ShareForgetsCounters => return ask(claim, terms.with_fencing(None)).await,
            Flaw::DowngradeUntold => return ask(claim, terms.telling(false)).await,
            Flaw::DowngradeAlwaysTold => return ask(claim, terms.telling(true)).await,
            Flaw::IntentHoldsUpExtensions
                if claim.key().resources().any(|name| store.is_wanted(name)) =>
            {
                return Ok(Extension::Gone);
            }
            _ => {}
        }
        ask(claim, terms).await
    }

    pub(crate) async fn flawed_share_release(
        self: Arc<Self>,
        claim: Claim,
        tell: bool,
        limit: Duration,
    ) -> Result<Removal, NodeError> {
        let store = self.store.clone();
        match self.flaw {
            Flaw::ShareReleaseFreesAll => {
                for share in self.sharers(&claim) {
                    store.clone().release(share, limit).await?;
                }
            }
            Flaw::SharesReleaseInWords => return Ok(Removal::Removed),
            Flaw::ShareReleaseSaysRemoved => {
                store.release(claim, limit).await?;
                return Ok(Removal::Removed);
            }
            Flaw::ShareReleaseLeavesValues if self.is_whole(&claim) => {
                return Ok(Removal::Foreign);
            }
            Flaw::ShareReleaseTellsAlways if tell => self.shout(&claim),
            Flaw::ShareReleaseTellsNobody => return store.release(claim, limit).await,
            _ => {}
        }
        if tell { self.flawed_tell(claim, limit).await } else { store.release(claim, limit).await }
    }

    /// What a whole claim may do to shares of the same holder.
    pub(crate) async fn whole_over_shares(&self, claim: &Claim, limit: Duration) {
        if self.flaw == Flaw::WholeReleasesShares {
            let shared = claim.clone().shared();
            let _ = self.store.clone().release(shared, limit).await;
        }
    }

    pub(crate) async fn flawed_share_raise(
        self: Arc<Self>,
        claim: Claim,
        number: u64,
        life: Duration,
        limit: Duration,
    ) -> Result<Extension, NodeError> {
        if self.flaw == Flaw::ShareRaisesInWords {
            return Ok(Extension::Extended);
        }
        self.store.clone().raise(claim, number, life, limit).await
    }

    pub(crate) fn flawed_shares(&self, mut holdings: Vec<Option<Holding>>) -> Vec<Option<Holding>> {
        for holding in holdings.iter_mut().flatten() {
            if let Some(shares) =
                holding.shares.as_mut().filter(|_| self.flaw == Flaw::ShowsOneShare)
            {
                (shares.count, _) = (1, shares.shown.truncate(1));
            }
        }
        holdings
    }
}
