//! How the flawed node votes.

use std::time::Duration;

use redlock_core::key::LockKey;
use redlock_core::node::{Claim, Expiry, Fault, Holder, Holding, LockNode, NodeError, Terms, Vote};
use tokio::time::sleep;

use crate::flaw::Flaw;
use crate::flawed::{Flawed, LIST};
use crate::flawed_labels::{any_label, on};

impl Flawed {
    pub(crate) async fn vote(
        &self,
        claim: Claim,
        terms: Terms,
        limit: Duration,
    ) -> Result<Vote, NodeError> {
        if claim.former().is_some() {
            return self.flawed_swap(claim, terms, limit).await;
        }
        if terms != Terms::new(terms.ttl) || self.flaw == Flaw::AlwaysFences {
            return self.fenced_vote(claim, terms, limit).await;
        }
        let token = claim.value();
        let values = self.values(&claim);
        let is = |value: &Option<Vec<u8>>, what: &[u8]| value.as_deref() == Some(what);
        let free = |_: &[u8], value: Option<&[u8]>| value.is_none();
        let granted = Ok(Vote::Granted { fence: None });
        let typed = values.iter().any(|(_, value)| is(value, LIST));
        if self.flaw == Flaw::WritesAsItGoes {
            self.write(&claim, Some(terms.ttl), free);
        }
        if typed && self.flaw != Flaw::OverwritesOtherTypes {
            return Err(Fault::WrongType.into());
        }
        let ttl = match self.flaw {
            Flaw::ForgetsEarly => terms.ttl / 2,
            Flaw::WrapsTimes => Duration::from_millis(terms.ttl_millis() & 0xffff_ffff),
            Flaw::RefusesShortTimes if terms.ttl < Duration::from_millis(100) => {
                return Err(Fault::Unexpected.into());
            }
            _ => terms.ttl,
        };
        match self.flaw {
            Flaw::RefusesWhatIsSentTwice if values.iter().any(|(_, value)| is(value, token)) => {
                return Ok(Vote::Held {
                    expiry: Expiry::Unknown,
                    fence: None,
                    label: None,
                    kept: false,
                });
            }
            Flaw::ComparesBeginnings | Flaw::OverwritesOtherTypes | Flaw::TakesEmptyForFree => {
                let mine = |value: &[u8]| match self.flaw {
                    Flaw::ComparesBeginnings => value.starts_with(token),
                    Flaw::OverwritesOtherTypes => value == LIST,
                    _ => value.is_empty(),
                };
                self.remove(&claim, mine);
            }
            Flaw::TakesTheFirstResourceOnly => {
                let first = LockKey::new(&values[0].0).unwrap();
                return self.store.clone().acquire(on(&claim, first), terms, limit).await;
            }
            Flaw::LooksThenWrites if values.iter().all(|(_, value)| value.is_none()) => {
                tokio::task::yield_now().await;
                self.write(&claim, Some(ttl), |_, _| true);
                return granted;
            }
            Flaw::IgnoresTimeLimits if limit.is_zero() => sleep(Duration::MAX).await,
            _ => {}
        }
        let vote = self.store.clone().acquire(claim.clone(), Terms::new(ttl), limit).await?;
        match (self.flaw, &vote) {
            (Flaw::TakesMarksForHolders, Vote::Held { expiry, label, .. }) => {
                let label = label.clone();
                return Ok(Vote::Held { expiry: *expiry, fence: None, label, kept: false });
            }
            (Flaw::HidesLabels, Vote::Held { expiry, .. }) => {
                return Ok(Vote::Held { expiry: *expiry, fence: None, label: None, kept: false });
            }
            (Flaw::TakesAnyTextForALabel, Vote::Held { expiry, .. }) => {
                let label = values.iter().find_map(|(_, value)| any_label(value.as_deref()?));
                return Ok(Vote::Held { expiry: *expiry, fence: None, label, kept: false });
            }
            (Flaw::GivesNoHint, Vote::Held { .. }) => {
                return Ok(Vote::Held {
                    expiry: Expiry::Unknown,
                    fence: None,
                    label: None,
                    kept: false,
                });
            }
            (Flaw::HidesForEver, Vote::Held { expiry: Expiry::Never, .. }) => {
                return Ok(Vote::Held {
                    expiry: Expiry::In(Duration::ZERO),
                    fence: None,
                    label: None,
                    kept: false,
                });
            }
            (Flaw::ReportsTheFirstHolder, Vote::Held { .. }) => {
                let all = self.store.clone().inspect(claim.key().clone(), limit).await?;
                let own = Holder::of(claim.value());
                let mut foreign = all.into_iter().flatten().filter(|held| held.holder != own);
                let Holding { expiry, label, holder, .. } = foreign.next().unwrap();
                return Ok(Vote::Held { expiry, fence: None, label, kept: holder.is_kept() });
            }
            (Flaw::RefusalProlongs, Vote::Held { .. }) => {
                self.same_value_again(&claim, ttl, |_| true)
            }
            (Flaw::GivesUpItsOwnWhenRefused, Vote::Held { .. }) => {
                self.remove(&claim, |value| value == token)
            }
            (Flaw::SentTwiceSetsTheTime, Vote::AlreadyOurs) => {
                self.write(&claim, Some(ttl), |_, _| true)
            }
            (Flaw::CountsAgainWhatIsSentTwice, Vote::AlreadyOurs) => {
                return Ok(Vote::Granted { fence: None });
            }
            (Flaw::NeverForgets, Vote::Granted { .. }) => self.write(&claim, None, |_, _| true),
            _ => {}
        }
        Ok(vote)
    }
}
