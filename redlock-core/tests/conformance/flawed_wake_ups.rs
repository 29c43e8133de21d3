//! What can go wrong with telling and hearing of releases.

use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use redlock_core::key::LockKey;
use redlock_core::node::{Claim, Listener, LockNode, NodeError, Removal};
use tokio::time::sleep;

use crate::flaw::Flaw;
use crate::flawed::{A_WHILE, Flawed};
use crate::flawed_labels::on;

/// Whether the first half of a value is that of the claim's token.
pub(crate) fn half_of(claim: &Claim) -> impl Fn(&[u8]) -> bool {
    let half = claim.value()[..20].to_vec();
    move |value| value.starts_with(&half)
}

/// Whether a value begins like the claim's token.
pub(crate) fn beginning_of(claim: &Claim) -> impl Fn(&[u8]) -> bool {
    let token = claim.value().to_vec();
    move |value| value.starts_with(&token)
}

impl Flawed {
    /// Tells all listeners of the claim's resources, whatever becomes of them.
    pub(crate) fn shout(&self, claim: &Claim) {
        let ears = self.ears.lock().unwrap().clone();
        for resource in claim.key().resources() {
            ears.iter().for_each(|ear| ear.released(resource));
        }
    }

    pub(crate) async fn flawed_tell(
        self: Arc<Self>,
        claim: Claim,
        limit: Duration,
    ) -> Result<Removal, NodeError> {
        let claim = self.heard(claim);
        let store = self.store.clone();
        match self.flaw {
            Flaw::TellingComparesHalf => self.remove(&claim, half_of(&claim)),
            Flaw::TellingComparesBeginnings => self.remove(&claim, beginning_of(&claim)),
            Flaw::TellsNobody => return store.release(claim, limit).await,
            Flaw::TellsInWordsOnly => {
                self.shout(&claim);
                return Ok(Removal::Removed);
            }
            Flaw::TellsWhatWasFree => {
                let removal = store.release(claim.clone(), limit).await?;
                if removal != Removal::Foreign {
                    self.shout(&claim);
                }
                return Ok(removal);
            }
            Flaw::TellsOfAnybodys => {
                let removal = store.release(claim.clone(), limit).await?;
                if removal != Removal::Gone {
                    self.shout(&claim);
                }
                return Ok(removal);
            }
            Flaw::TellsTheFirstOnly => {
                let first = claim.key().resources().next().unwrap();
                let first = on(&claim, LockKey::new(first).unwrap());
                let removal = store.clone().release(claim.clone(), limit).await?;
                if removal == Removal::Removed {
                    self.shout(&first);
                }
                return Ok(removal);
            }
            Flaw::TellsBeforeItFrees => {
                self.shout(&claim);
                sleep(A_WHILE).await;
                return store.release(claim, limit).await;
            }
            Flaw::TellingSaysRemoved => {
                store.release_and_tell(claim, limit).await?;
                return Ok(Removal::Removed);
            }
            _ => {}
        }
        store.release_and_tell(claim, limit).await
    }

    pub(crate) async fn flawed_listen(
        self: Arc<Self>,
        listener: Arc<dyn Listener>,
        limit: Duration,
    ) -> NodeError {
        let shouts = matches!(
            self.flaw,
            Flaw::AcquireTells
                | Flaw::PlainReleaseTells
                | Flaw::TellsInWordsOnly
                | Flaw::TellsWhatWasFree
                | Flaw::TellsOfAnybodys
                | Flaw::TellsTheFirstOnly
                | Flaw::TellsBeforeItFrees
                | Flaw::ShareReleaseTellsAlways
        );
        if shouts {
            self.ears.lock().unwrap().push(listener.clone());
        }
        let store = self.store.clone();
        match self.flaw {
            Flaw::OneListenerHears if store.listeners() > 0 => {
                listener.listening();
                pending().await
            }
            Flaw::KeepsListeners => {
                let kept = tokio::spawn(store.listen(listener, limit));
                kept.await.unwrap()
            }
            Flaw::ForgetsNoListener => {
                self.ears.lock().unwrap().push(listener.clone());
                store.listen(listener, limit).await
            }
            _ => store.listen(Arc::new(Muffled(listener, self.flaw)), limit).await,
        }
    }
}

/// A listener that hears badly.
struct Muffled(Arc<dyn Listener>, Flaw);

impl Listener for Muffled {
    fn listening(&self) {
        if self.1 != Flaw::NeverSaysThatItListens {
            self.0.listening();
        }
    }

    fn released(&self, resource: &[u8]) {
        match self.1 {
            Flaw::TellsText => self.0.released(String::from_utf8_lossy(resource).as_bytes()),
            Flaw::CutsWhatItTells => self.0.released(&resource[..resource.len().min(255)]),
            Flaw::HearsOfEachTwice => [(); 2].iter().for_each(|()| self.0.released(resource)),
            _ => self.0.released(resource),
        }
    }
}

/// Without the listeners.
impl fmt::Debug for Flawed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Flawed").field(&self.flaw).finish()
    }
}
