//! What can go wrong with telling all that is there.

use std::sync::Arc;
use std::time::Duration;

use redlock_core::key::{COUNTER_PREFIX, INTENT_PREFIX, LockKey};
use redlock_core::node::{Claim, Expiry, Fault, Found, Holding, LockNode, NodeError, Page};
use redlock_core::token::Token;

use crate::flaw::Flaw;
use crate::flawed::{Flawed, LIST};

impl Flawed {
    pub(crate) async fn flawed_scan(
        &self,
        prefix: Arc<[u8]>,
        from: u64,
        limit: Duration,
    ) -> Result<Page, NodeError> {
        let asked = match self.flaw {
            Flaw::ScansAllNames => [].into(),
            Flaw::ScansPatterns => {
                let literal = prefix.iter().position(|byte| b"*?[".contains(byte));
                prefix[..literal.unwrap_or(prefix.len())].into()
            }
            _ => prefix.clone(),
        };
        let mut page = match self.flaw {
            Flaw::ScansNothing => return Ok(Page::default()),
            Flaw::ScansAllAtOnce => self.all(&asked, limit).await?,
            Flaw::ScansByPosition => self.at_position(&asked, from),
            _ => self.store.clone().scan(asked, from, limit).await?,
        };
        for found in &mut page.found {
            self.spoil(found);
        }
        page.found.retain(|found| match self.flaw {
            Flaw::ScansTokensOnly => {
                let value = self.store.value(&found.resource).unwrap_or_default();
                value.len() >= 40 && value.iter().all(u8::is_ascii_graphic)
            }
            Flaw::ScansOtherTypesAsFree => {
                self.store.value(&found.resource).as_deref() != Some(LIST)
            }
            Flaw::ScanHidesShares => !matches!(&found.holding, Ok(held) if held.shares.is_some()),
            _ => true,
        });
        match self.flaw {
            Flaw::ScansOnePage => page.next = None,
            Flaw::ScansWhatIsGone => {
                let met = self.met.lock().unwrap();
                let gone = met.iter().filter(|name| name.starts_with(&prefix));
                page.found.extend(gone.map(|name| Found::of_value(&**name, b"x", Expiry::Never)));
            }
            Flaw::ScansCounters | Flaw::ScansIntents => {
                let counters = self.flaw == Flaw::ScansCounters;
                let kind = if counters { COUNTER_PREFIX } else { INTENT_PREFIX };
                let of = prefix.strip_prefix(kind.as_bytes()).unwrap_or(b"none");
                let met = self.met.lock().unwrap();
                let names = met.iter().filter(|name| name.starts_with(of));
                let found = |name: &Vec<u8>| {
                    Found::of_value([kind.as_bytes(), name].concat(), b"7", Expiry::Never)
                };
                page.found.extend(names.map(found));
            }
            _ => {}
        }
        Ok(page)
    }

    fn spoil(&self, found: &mut Found) {
        let value = self.store.value(&found.resource).unwrap_or_default();
        match (self.flaw, &mut found.holding) {
            (Flaw::ScansNamesAsText, _) => {
                let text = String::from_utf8_lossy(&found.resource).into_owned();
                found.resource = text.into_bytes().into();
            }
            (Flaw::ScansAnyLength, Err(_)) => {
                found.holding = Ok(Holding::of(&value, Expiry::Never));
            }
            (Flaw::ScanHidesLabels, Ok(held)) => held.label = None,
            (Flaw::ScanCountsOneShare, Ok(held)) => held.shares = None,
            (Flaw::ScanShowsNoTimes, Ok(held)) => held.expiry = Expiry::Unknown,
            (Flaw::ScanProlongs, Ok(_)) => {
                self.store.put(&found.resource, value, Some(Duration::from_secs(600)));
            }
            (_, holding) if value == LIST => *holding = Err(Fault::WrongType.into()),
            _ => {}
        }
    }

    async fn all(&self, prefix: &Arc<[u8]>, limit: Duration) -> Result<Page, NodeError> {
        let mut all = self.store.clone().scan(prefix.clone(), 0, limit).await?;
        while let Some(from) = all.next {
            let more = self.store.clone().scan(prefix.clone(), from, limit).await?;
            all.found.extend(more.found);
            all.next = more.next;
        }
        Ok(all)
    }

    fn at_position(&self, prefix: &[u8], from: u64) -> Page {
        let named = self.store.keys().into_iter().filter(|name| name.starts_with(prefix));
        let rest: Vec<_> = named.skip(from as usize).collect();
        let more = (rest.len() > Page::SIZE).then_some(from + Page::SIZE as u64);
        let found = |name: Vec<u8>| {
            let value = self.store.value(&name).unwrap();
            Found::of_value(name, &value, Expiry::Never)
        };
        Page::new(rest.into_iter().take(Page::SIZE).map(found).collect(), more)
    }

    pub(crate) async fn flawed_counters(
        &self,
        key: LockKey,
        limit: Duration,
    ) -> Result<Vec<Option<u64>>, NodeError> {
        let key = self.heard_key(&key);
        let mut counters = self.store.clone().inspect_counters(key.clone(), limit).await?;
        match self.flaw {
            Flaw::TellsCountersInReverse => counters.reverse(),
            Flaw::LookingCounts => {
                for name in key.resources() {
                    let Some(value) = self.store.value(name) else { continue };
                    let token = Token::parse(str::from_utf8(&value).unwrap()).unwrap();
                    let claim = Claim::new(LockKey::new(name).unwrap(), token);
                    let number = self.store.counter(name).unwrap_or(0) + 1;
                    self.store.clone().raise(claim, number, limit, limit).await?;
                }
            }
            _ => {}
        }
        Ok(counters)
    }
}
