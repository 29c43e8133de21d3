//! What can go wrong with labels.

use redlock_core::Label;
use redlock_core::key::LockKey;
use redlock_core::node::Claim;

use crate::flaw::Flaw;
use crate::flawed::Flawed;

impl Flawed {
    /// The claim with the label that the flawed node understands.
    pub(crate) fn with_heard_label(&self, mut heard: Claim) -> Claim {
        if self.flaw == Flaw::DropsLabels {
            heard = heard.with_label(None);
        }
        if self.flaw == Flaw::ComparesTokensOnly {
            let standing = heard.key().resources().find_map(|name| self.store.value(name));
            let same = standing.filter(|value| value.starts_with(heard.token().as_bytes()));
            heard = same.map_or(heard.clone(), |value| heard.with_label(Label::of_value(&value)));
        }
        heard
    }
}

/// The same holder's claim on another key.
pub(crate) fn on(claim: &Claim, key: LockKey) -> Claim {
    let same = Claim::new(key, *claim.token()).with_label(claim.label().cloned());
    if claim.is_shared() { same.shared() } else { same }
}

/// What is left of any text when it is made to fit.
pub(crate) fn any_label(value: &[u8]) -> Option<Label> {
    let text = String::from_utf8_lossy(value.get(41..).unwrap_or(value));
    let text: String = text.chars().filter(char::is_ascii_graphic).take(100).collect();
    Label::new(text).ok()
}
