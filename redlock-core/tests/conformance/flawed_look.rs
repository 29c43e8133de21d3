//! What can go wrong with looking.

use std::time::Duration;

use redlock_core::key::LockKey;
use redlock_core::node::{Expiry, Fault, Holder, Holding, LockNode, NodeError};

use crate::flaw::Flaw;
use crate::flawed::{Flawed, LIST};
use crate::flawed_labels::any_label;

impl Flawed {
    pub(crate) async fn flawed_look(
        &self,
        key: LockKey,
        limit: Duration,
    ) -> Result<Vec<Option<Holding>>, NodeError> {
        let key = self.heard_key(&key);
        let values: Vec<_> = key.resources().map(|name| self.store.value(name)).collect();
        if values.iter().any(|value| value.as_deref() == Some(LIST)) {
            if self.flaw == Flaw::LookingRemovesOtherTypes {
                key.resources().for_each(|name| {
                    self.store.remove(name);
                });
            }
            return Err(Fault::WrongType.into());
        }
        let mut all = self.store.clone().inspect(key.clone(), limit).await?;
        if self.flaw == Flaw::ShowsInReverse {
            all.reverse();
        }
        for ((holding, value), name) in all.iter_mut().zip(values).zip(key.resources()) {
            match (self.flaw, holding.as_mut(), value) {
                (Flaw::SeesGhosts, None, _) => {
                    *holding = Some(Holding::of(b"", Expiry::Never));
                }
                (Flaw::TakesEmptyForFree, _, Some(value)) if value.is_empty() => *holding = None,
                (Flaw::ShowsNoTimes, Some(held), _) => held.expiry = Expiry::Unknown,
                (Flaw::TakesValuesForText, Some(held), Some(value)) => {
                    held.holder = Holder::of(String::from_utf8_lossy(&value).as_bytes());
                }
                (Flaw::HidesForEver, Some(held), _) if held.expiry == Expiry::Never => {
                    held.expiry = Expiry::In(Duration::ZERO);
                }
                (Flaw::LookingProlongs, Some(_), Some(value)) => {
                    self.store.put(name, value, Some(Duration::from_secs(600)));
                }
                (Flaw::HidesLabels, Some(held), _) => held.label = None,
                (Flaw::TakesAnyTextForALabel, Some(held), Some(value)) => {
                    held.label = any_label(&value);
                }
                _ => {}
            }
        }
        Ok(all)
    }
}
