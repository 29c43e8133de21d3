//! What is asked of a node.

use std::fmt;
use std::sync::Arc;

use super::answers::Holder;
use super::key::LockKey;
use super::label::Label;
use super::token::Token;

/// What a caller asks a node for: the resources, and the value that is to stand under each. That is the holder's token, or
/// token, blank, [label](Label).
///
/// Cloning is one reference count.
#[derive(Clone)]
pub struct Claim(Arc<Inner>);

struct Inner {
    key: LockKey,
    token: Token,
    /// With the value that holds it.
    label: Option<(Label, Box<[u8]>)>,
    /// The value that is swapped for the claim's.
    former: Option<Arc<[u8]>>,
    mode: Mode,
}

/// Who else a claim leaves room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Nobody. The claim's value stands under each resource alone, whole.
    #[default]
    Exclusive,
    /// Others who share. The claim has a share of each resource, with a time to live of its own.
    Shared,
}

impl Claim {
    /// A claim on `key` by the holder of `token`, without a label.
    pub fn new(key: LockKey, token: Token) -> Self {
        Self(Arc::new(Inner { key, token, label: None, former: None, mode: Mode::Exclusive }))
    }

    /// The same by a holder who calls itself so.
    #[must_use]
    pub fn with_label(self, label: impl Into<Option<Label>>) -> Self {
        let label = label.into();
        if label.as_ref() == self.label() {
            return self;
        }
        let label = label.map(|label| (label.clone(), label.value(&self.0.token)));
        Self(Arc::new(Inner { label, ..self.inner() }))
    }

    /// What is claimed.
    pub fn key(&self) -> &LockKey {
        &self.0.key
    }

    /// Who claims it.
    pub fn token(&self) -> &Token {
        &self.0.token
    }

    /// What the claimant calls itself.
    pub fn label(&self) -> Option<&Label> {
        self.0.label.as_ref().map(|(label, _)| label)
    }

    /// What a node stores under each resource, and compares as a whole with what stands there. It holds the token in clear.
    pub fn value(&self) -> &[u8] {
        self.0.label.as_ref().map_or(self.0.token.as_bytes(), |(_, value)| value)
    }

    /// The same claim, to which resources that hold `former` are free: the whole value that the claim of an earlier holder
    /// stored, who handed them over.
    #[must_use]
    pub fn succeeding(self, former: impl Into<Arc<[u8]>>) -> Self {
        Self(Arc::new(Inner { former: Some(former.into()), ..self.inner() }))
    }

    /// The same holder's claim on a share of each resource, beside others who share: rule 14 of the
    /// [contract](super::LockNode#contract). It swaps no former value.
    #[must_use]
    pub fn shared(self) -> Self {
        if self.is_shared() {
            return self;
        }
        Self(Arc::new(Inner { mode: Mode::Shared, former: None, ..self.inner() }))
    }

    /// The same holder's claim on other resources. It swaps no former value.
    #[must_use]
    pub fn on(&self, key: LockKey) -> Self {
        Self(Arc::new(Inner { key, former: None, ..self.inner() }))
    }

    /// Who else it leaves room for.
    pub fn mode(&self) -> Mode {
        self.0.mode
    }

    /// Whether it is on shares.
    pub fn is_shared(&self) -> bool {
        self.0.mode == Mode::Shared
    }

    fn inner(&self) -> Inner {
        let Inner { key, token, label, former, mode } = &*self.0;
        Inner {
            key: key.clone(),
            token: *token,
            label: label.clone(),
            former: former.clone(),
            mode: *mode,
        }
    }

    /// What takes the value's place when a resource is [kept](super::LockNode::keep): `kept:`, and the holder's fingerprint.
    pub fn mark(&self) -> Vec<u8> {
        Holder::of(self.value()).mark()
    }

    /// The value that [is swapped](Self::succeeding) for the claim's, if any.
    pub fn former(&self) -> Option<&[u8]> {
        self.0.former.as_deref()
    }
}

/// Shows nothing of the token, nor of the former value.
impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, token, label) = (self.key(), self.token(), self.label());
        let mut claim = f.debug_struct("Claim");
        claim.field("key", key).field("token", token).field("label", &label);
        claim.field("mode", &self.mode()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_a_claim_is_its_token_with_its_label_and_is_not_shown() {
        let token = Token::random().unwrap();
        let claim = Claim::new(LockKey::new("k").unwrap(), token);
        assert_eq!(claim.value(), token.as_bytes());
        let labelled = claim.clone().with_label(Label::new("me").unwrap());
        assert_eq!(labelled.value(), format!("{} me", token.expose()).as_bytes());
        assert_eq!((labelled.key(), labelled.token()), (claim.key(), &token));
        assert_eq!(Label::of_value(labelled.value()).as_ref(), labelled.label());
        assert_eq!(format!("{labelled:?}").find(token.expose()), None);
        assert_eq!(labelled.with_label(None).value(), token.as_bytes());
    }

    #[test]
    fn a_claim_on_shares_is_the_same_holders_and_swaps_nothing() {
        let token = Token::random().unwrap();
        let claim = Claim::new(LockKey::new("k").unwrap(), token).succeeding(*b"former");
        assert_eq!(claim.mode(), Mode::Exclusive);
        let shared = claim.with_label(Label::new("me").unwrap()).shared();
        assert_eq!((shared.mode(), shared.former()), (Mode::Shared, None));
        assert_eq!(shared.value(), format!("{} me", token.expose()).as_bytes());
        assert!(shared.clone().with_label(None).is_shared() && shared.shared().is_shared());
    }

    #[test]
    fn a_claim_on_other_resources_is_the_same_holders_and_swaps_nothing() {
        let token = Token::random().unwrap();
        let claim = Claim::new(LockKey::all(["a", "b"]).unwrap(), token);
        let claim = claim.with_label(Label::new("me").unwrap()).succeeding(*b"former");
        let other = claim.on(LockKey::new("b").unwrap());
        assert_eq!((other.value(), other.mode()), (claim.value(), claim.mode()));
        assert_eq!((other.key().single(), other.former()), (Some(&b"b"[..]), None));
    }

    #[test]
    fn a_claim_shows_neither_its_token_nor_the_former_value() {
        let token = Token::random().unwrap();
        let claim = Claim::new(LockKey::new("k").unwrap(), token);
        assert_eq!(claim.former(), None);
        let claim = claim.succeeding(*b"former");
        assert_eq!((claim.former(), claim.token()), (Some(&b"former"[..]), &token));
        let labelled = claim.with_label(Label::new("me").unwrap());
        assert_eq!(labelled.former(), Some(&b"former"[..]));
        let shown = format!("{labelled:?}");
        assert!(!shown.contains(token.expose()) && !shown.contains("\"former\""), "{shown}");
    }
}
