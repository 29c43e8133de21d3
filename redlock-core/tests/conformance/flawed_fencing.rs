//! What can go wrong with numbers and after a restart.

use std::time::Duration;

use redlock_core::key::{COUNTER_PREFIX, LockKey};
use redlock_core::node::{Claim, Extension, Fault, FenceTerms, LockNode, NodeError, Terms, Vote};
use redlock_core::token::Token;

use crate::flaw::Flaw;
use crate::flawed::Flawed;
use crate::flawed_labels::on;

const AGES: Duration = Duration::from_secs(1_000_000);

impl Flawed {
    pub(crate) async fn fenced_vote(
        &self,
        claim: Claim,
        terms: Terms,
        limit: Duration,
    ) -> Result<Vote, NodeError> {
        let warming = Vote::Warming { uptime: Duration::ZERO, remaining: AGES };
        let mut terms = terms;
        match self.flaw {
            Flaw::AlwaysFences => {
                terms.fencing = terms.fencing.or(Some(FenceTerms { hint: 0, life: AGES }));
            }
            Flaw::IgnoresTheGuard => terms.guard = None,
            Flaw::WarmsForEver if terms.guard.is_some() => return Ok(warming),
            Flaw::WarmsBeforeItLooks if terms.guard.is_some_and(|guard| guard > AGES) => {
                return Ok(warming);
            }
            _ => {}
        }
        let Some(fencing) = terms.fencing.as_mut() else {
            return self.store.clone().acquire(claim, terms, limit).await;
        };
        if self.spoilt(&claim) {
            return Err(Fault::WrongType.into());
        }
        let hint = fencing.hint;
        match self.flaw {
            Flaw::IgnoresHints => fencing.hint = 0,
            Flaw::ForgetsCountersEarly => fencing.life /= 2,
            Flaw::NeverForgetsCounters => fencing.life = AGES,
            _ => {}
        }
        match self.flaw {
            Flaw::LiftsBeforeItLooks => self.lift(&claim, terms, limit).await,
            Flaw::FencesTheFirstOnly => {
                let first = single(&claim).next().unwrap();
                let vote = self.store.clone().acquire(first, terms, limit).await?;
                let rest = Terms::new(terms.ttl);
                self.store.clone().acquire(claim, rest, limit).await?;
                return Ok(vote);
            }
            _ => {}
        }
        let vote = self.store.clone().acquire(claim.clone(), terms, limit).await?;
        Ok(match (self.flaw, vote) {
            (Flaw::GivesNoNumber, Vote::Granted { .. }) => Vote::Granted { fence: None },
            (Flaw::RepeatsNumbers, Vote::Granted { .. }) => Vote::Granted { fence: Some(1) },
            (Flaw::CountsAside, Vote::Granted { fence }) => {
                Vote::Granted { fence: fence.map(|number| number + 1) }
            }
            (Flaw::TakesAnyHint, Vote::Granted { .. }) => {
                self.store.clone().raise(claim, hint, AGES, limit).await?;
                Vote::Granted { fence: Some(hint) }
            }
            (Flaw::CountsAgainWhatIsSentTwice, Vote::AlreadyOurs) => {
                Vote::Granted { fence: Some(hint) }
            }
            (Flaw::HidesCounters, Vote::Held { expiry, label, kept, .. }) => {
                Vote::Held { expiry, fence: None, label, kept }
            }
            (_, vote) => vote,
        })
    }

    /// Gives a number to each free resource by itself.
    async fn lift(&self, claim: &Claim, terms: Terms, limit: Duration) {
        let unguarded = terms.with_guard(None);
        for one in single(claim) {
            let nobody = Claim::new(one.key().clone(), Token::random().unwrap());
            self.store.clone().acquire(nobody.clone(), unguarded, limit).await.unwrap();
            self.store.clone().release(nobody, limit).await.unwrap();
        }
    }

    /// Whether something else than a number stands where a counter should.
    pub(crate) fn spoilt(&self, claim: &Claim) -> bool {
        let number = |text: &[u8]| {
            text.len() <= 16
                && text.iter().all(u8::is_ascii_digit)
                && std::str::from_utf8(text)
                    .is_ok_and(|text| text.parse().is_ok_and(|n: u64| n < (1 << 53) - 1))
        };
        let mut names =
            claim.key().resources().map(|name| [COUNTER_PREFIX.as_bytes(), name].concat());
        self.flaw != Flaw::TakesAnyCounter
            && names.any(|name| self.store.value(name).is_some_and(|text| !number(&text)))
    }

    pub(crate) async fn fenced_extension(
        &self,
        claim: Claim,
        terms: Terms,
        limit: Duration,
    ) -> Result<Extension, NodeError> {
        let terms = match self.flaw {
            Flaw::GuardsEverything if terms.guard.is_some() => return Ok(Extension::Gone),
            Flaw::ExtendForgetsCounters => Terms::new(terms.ttl),
            _ => terms,
        };
        let extension = self.store.clone().extend(claim.clone(), terms, limit).await?;
        if let (Flaw::ExtendShortensCounters, Some(fencing)) = (self.flaw, terms.fencing) {
            self.shorten(&claim, fencing.life, limit).await?;
        }
        if self.flaw == Flaw::ExtendMakesCounters {
            return self.store.clone().raise(claim, 1, AGES, limit).await;
        }
        Ok(extension)
    }

    /// Has the claim's counters live for `life` and no longer.
    async fn shorten(
        &self,
        claim: &Claim,
        life: Duration,
        limit: Duration,
    ) -> Result<(), NodeError> {
        let values = self.values(claim);
        let counters: Vec<_> = values.iter().map(|(name, _)| self.store.counter(name)).collect();
        self.store.clear();
        for (name, value) in values {
            if let Some(value) = value {
                self.store.put(name, value, Some(AGES));
            }
        }
        for (one, counter) in single(claim).zip(counters) {
            if let Some(counter) = counter {
                self.store.clone().raise(one, counter, life, limit).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn flawed_raise(
        &self,
        claim: Claim,
        fence: u64,
        life: Duration,
        limit: Duration,
    ) -> Result<Extension, NodeError> {
        let mut life = life;
        match self.flaw {
            _ if self.spoilt(&claim) => return Err(Fault::WrongType.into()),
            Flaw::RaisesInWordsOnly => return Ok(Extension::Extended),
            Flaw::RaiseTakes => self.write(&claim, Some(AGES), |_, _| true),
            Flaw::RaiseForgets => {
                life = Duration::from_millis(1);
                self.shorten(&claim, life, limit).await?;
            }
            Flaw::RaisesWhatItCan => {
                for one in single(&claim) {
                    self.store.clone().raise(one, fence, life, limit).await?;
                }
            }
            Flaw::RaiseLowers => {
                let values = self.values(&claim);
                self.store.clear();
                for (name, value) in values {
                    if let Some(value) = value {
                        self.store.put(name, value, Some(AGES));
                    }
                }
            }
            _ => {}
        }
        self.store.clone().raise(claim, fence, life, limit).await
    }
}

/// The claim's resources one by one.
fn single(claim: &Claim) -> impl Iterator<Item = Claim> {
    claim.key().resources().map(|name| on(claim, LockKey::new(name).unwrap()))
}
