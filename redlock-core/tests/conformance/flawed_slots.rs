//! What can go wrong with slots.

use std::sync::Arc;
use std::time::Duration;

use redlock_core::Token;
use redlock_core::key::LockKey;
use redlock_core::node::{
    Claim, Expiry, Fault, FenceTerms, LockNode, NodeError, Placed, Terms, Vote,
};
use tokio::time::sleep;

use crate::flaw::Flaw;
use crate::flawed::{A_WHILE, Flawed, LIST};
use crate::flawed_labels::any_label;

const AGES: Duration = Duration::from_secs(1_000_000);

/// The claim on one of its slots.
fn only(slots: &Claim, slot: usize) -> Claim {
    slots.on(slots.key().only(slot).unwrap())
}

/// The places of the slots, from the one at `first` on.
fn around(slots: &Claim, first: usize) -> impl Iterator<Item = usize> {
    let size = slots.key().resources().len();
    (0..size).map(move |step| (first + step) % size)
}

impl Flawed {
    fn is_free(&self, slots: &Claim, slot: usize) -> bool {
        let name = slots.key().resources().nth(slot).unwrap();
        self.store.value(name).is_none() && self.store.shares(name).is_empty()
    }

    fn taken(&self, slots: &Claim) -> u64 {
        let taken = around(slots, 0).filter(|slot| !self.is_free(slots, *slot));
        taken.fold(0, |taken, slot| taken | 1 << slot)
    }

    /// The slot whose value is the claim's, where `which` says so.
    fn own(&self, slots: &Claim, which: impl Fn(&[u8]) -> bool) -> Option<Placed> {
        let mut values = self.values(slots).into_iter();
        let slot = values.position(|(_, value)| value.is_some_and(|value| which(&value)))?;
        let taken = self.taken(slots);
        Some(Placed { vote: Vote::AlreadyOurs, slot: Some(slot), taken })
    }

    pub(crate) async fn flawed_place(
        self: Arc<Self>,
        slots: Claim,
        mut terms: Terms,
        mut first: usize,
        limit: Duration,
    ) -> Result<Placed, NodeError> {
        let mut asked = slots.clone();
        match self.flaw {
            Flaw::AcquireDawdles => sleep(A_WHILE).await,
            Flaw::SlotsFromTheLowest => first = 0,
            Flaw::SlotsInAPlaceOfTheirOwn => {
                let names = slots.key().resources().map(|name| [b"slot:", name].concat());
                asked = slots.on(LockKey::all(names).unwrap());
            }
            Flaw::SlotsEight => {
                asked = slots.on(LockKey::all(slots.key().resources().take(8)).unwrap());
            }
            Flaw::SlotHalfTheTime => terms.ttl /= 2,
            Flaw::SlotOverMarks => self.remove(&slots, |value| value.starts_with(b"kept:")),
            Flaw::SlotOverEmptyValues => self.remove(&slots, <[u8]>::is_empty),
            Flaw::SlotOverLists => self.remove(&slots, |value| value == LIST),
            Flaw::SlotOverShares => {
                let names = slots.key().resources();
                for name in names.filter(|name| !self.store.shares(name).is_empty()) {
                    self.store.remove(name);
                }
            }
            Flaw::SlotsFailAtLists
                if self.values(&slots).iter().any(|(_, value)| value.as_deref() == Some(LIST)) =>
            {
                return Err(Fault::WrongType.into());
            }
            Flaw::SlotComparesBeginnings | Flaw::SlotComparesTokens => {
                let beginning = match self.flaw {
                    Flaw::SlotComparesTokens => slots.token().as_bytes(),
                    _ => slots.value(),
                };
                if let Some(own) = self.own(&slots, |value| value.starts_with(beginning)) {
                    return Ok(own);
                }
            }
            Flaw::SlotIgnoresHints => {
                terms.fencing = terms.fencing.map(|f| FenceTerms { hint: 0, ..f });
            }
            Flaw::SlotsAlwaysFence => {
                let any = FenceTerms { hint: 0, life: AGES };
                terms.fencing = terms.fencing.or(Some(any));
            }
            Flaw::SlotForgetsItsCounter => {
                terms.fencing = terms.fencing.map(|f| FenceTerms { life: terms.ttl, ..f });
            }
            Flaw::SlotsUnguarded => terms.guard = None,
            Flaw::SlotsWarmBeforeTheyLook if terms.guard.is_some_and(|guard| guard > AGES) => {
                let vote = Vote::Warming { uptime: Duration::ZERO, remaining: AGES };
                return Ok(Placed { vote, slot: None, taken: self.taken(&slots) });
            }
            Flaw::SlotsLeaveIntents if terms.intent.is_some() => {
                self.store.clone().acquire(slots.clone(), terms, limit).await?;
            }
            Flaw::SlotsLookThenWrite => {
                let target = around(&slots, first).find(|slot| self.is_free(&slots, *slot));
                tokio::task::yield_now().await;
                if let Some(slot) = target {
                    self.write(&only(&slots, slot), Some(terms.ttl), |_, _| true);
                    let (vote, taken) = (Vote::Granted { fence: None }, self.taken(&slots));
                    return Ok(Placed { vote, slot: Some(slot), taken });
                }
            }
            _ => {}
        }
        let target = around(&slots, first).find(|slot| self.is_free(&slots, *slot));
        if terms.fencing.is_some()
            && self.own(&slots, |value| value == slots.value()).is_none()
            && target.is_some_and(|slot| self.spoilt(&only(&slots, slot)))
        {
            return Err(Fault::WrongType.into());
        }
        let placed = self.store.clone().acquire_any(asked, terms, first, limit).await?;
        self.flawed_placed(&slots, terms, first, placed, limit).await
    }

    /// What the flawed node makes of the answer.
    async fn flawed_placed(
        &self,
        slots: &Claim,
        terms: Terms,
        first: usize,
        mut placed: Placed,
        limit: Duration,
    ) -> Result<Placed, NodeError> {
        let store = self.store.clone();
        let held = |expiry, label| Vote::Held { expiry, fence: None, label, kept: false };
        let raise = |slot, number| store.clone().raise(only(slots, slot), number, AGES, limit);
        let counters = slots.key().resources().filter_map(|name| self.store.counter(name));
        let above = counters.max().unwrap_or(0) + 2;
        match (self.flaw, placed.vote.clone(), placed.slot) {
            (Flaw::SlotsEndAtTheLast, _, Some(slot)) if slot < first => {
                store.release(only(slots, slot), limit).await?;
                (placed.vote, placed.slot) = (held(Expiry::Unknown, None), None);
            }
            (Flaw::SlotsTellTheLongest, Vote::Held { .. }, _) => {
                let all = store.inspect(slots.key().clone(), limit).await?;
                let lefts = all.into_iter().flatten().filter_map(|holding| match holding.expiry {
                    Expiry::In(left) => Some(left),
                    _ => None,
                });
                placed.vote = held(lefts.max().map_or(Expiry::Never, Expiry::In), None);
            }
            (Flaw::SlotsHideForEver, Vote::Held { expiry: Expiry::Never, .. }, _) => {
                placed.vote = held(Expiry::In(Duration::ZERO), None);
            }
            (Flaw::SlotsTellALabel, Vote::Held { expiry, .. }, _) => {
                let label = self.values(slots).iter().find_map(|(_, v)| any_label(v.as_deref()?));
                placed.vote = held(expiry, label);
            }
            (Flaw::SlotTwiceAnew, Vote::AlreadyOurs, _) => {
                for slot in around(slots, first) {
                    let claim = only(slots, slot);
                    let vote = store.clone().acquire(claim, terms, limit).await?;
                    if matches!(vote, Vote::Granted { .. }) {
                        return Ok(Placed { vote, slot: Some(slot), ..placed });
                    }
                }
            }
            (Flaw::SlotTwiceProlongs, Vote::AlreadyOurs, Some(slot)) => {
                store.extend(only(slots, slot), terms, limit).await?;
            }
            (Flaw::SlotTwiceSaysGranted, Vote::AlreadyOurs, _) => {
                placed.vote = Vote::Granted { fence: None };
            }
            (Flaw::SlotsAllTogether, Vote::Granted { .. }, _) => {
                for slot in around(slots, 0) {
                    store.clone().acquire(only(slots, slot), terms, limit).await?;
                }
            }
            (Flaw::SlotForEver, Vote::Granted { .. }, Some(slot)) => {
                self.write(&only(slots, slot), None, |_, _| true);
            }
            (Flaw::SlotsUntaken, ..) => placed.taken = 0,
            (Flaw::SlotsCountLists, ..) => {
                for (slot, (_, value)) in self.values(slots).iter().enumerate() {
                    if value.as_deref() == Some(LIST) {
                        placed.taken &= !(1 << slot);
                    }
                }
            }
            (Flaw::SlotGivesNoNumber | Flaw::SlotsAlwaysFence, Vote::Granted { .. }, _) => {
                placed.vote = Vote::Granted { fence: None };
            }
            (Flaw::SlotsCountTogether, Vote::Granted { fence: Some(_) }, Some(slot)) => {
                raise(slot, above).await?;
                placed.vote = Vote::Granted { fence: Some(above) };
            }
            (Flaw::SlotTwiceCounts, Vote::AlreadyOurs, Some(slot)) => {
                raise(slot, above).await?;
            }
            (Flaw::SlotsLiftBeforeTheyLook, Vote::Held { .. }, _) if terms.fencing.is_some() => {
                for (name, value) in self.values(slots) {
                    let token = value.and_then(|v| String::from_utf8(v[..40].to_vec()).ok());
                    let token = Token::parse(&token.unwrap()).unwrap();
                    let holder = Claim::new(LockKey::new(name).unwrap(), token);
                    store.clone().raise(holder, above, AGES, limit).await?;
                }
            }
            _ => {}
        }
        Ok(placed)
    }
}
