use std::fmt;
use std::time::Duration;

use crate::node::label::Label;
use crate::node::token::Token;

/// A node's answer to acquire.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Vote {
    /// The resources are the claim's.
    Granted {
        /// The fencing number the node gave, where [`Terms::fencing`](super::Terms::fencing) asked for one.
        fence: Option<u64>,
    },
    /// The resources are the claim's, and some of them held its [former value](super::Claim::succeeding) until now.
    Swapped {
        /// As of a grant.
        fence: Option<u64>,
        /// How many resources held the former value; at least one.
        resources: usize,
        /// The largest counter that the claim's resources had before, where [`Terms::fencing`](super::Terms::fencing) asked
        /// for a number. `None` where none had one.
        counter: Option<u64>,
    },
    /// The resources are the claim's, and one of them was before: an earlier request with this value was served.
    AlreadyOurs,
    /// Another value stands under one of the resources, or, where the claim is on shares, an [intent](super::Terms::intent)
    /// keeps new shares off. The node is healthy.
    Held {
        /// When the last of the foreign resources frees itself.
        expiry: Expiry,
        /// The largest counter of the claim's resources, where [`Terms::fencing`](super::Terms::fencing) asked for a number.
        fence: Option<u64>,
        /// What the holder of that resource calls itself; [`Label::of_value`] of what stands there.
        label: Option<Label>,
        /// Whether that resource is held by nobody any more and kept from everybody: [`Holder::is_mark`] of what stands there.
        kept: bool,
    },
    /// Nothing but others' shares is in the way of this claim, which is none on shares. The node is healthy.
    Shared {
        /// When the last of the foreign shares ends.
        expiry: Expiry,
        /// As of [`Held`](Self::Held).
        fence: Option<u64>,
        /// What the holder of the share that ends last calls itself.
        label: Option<Label>,
    },
    /// The node restarted a short while ago and gives no grants yet.
    Warming {
        /// How long it has run.
        uptime: Duration,
        /// When it will give grants.
        remaining: Duration,
    },
}

/// A node's answer to [`acquire_any`](super::LockNode::acquire_any).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// [`Granted`](Vote::Granted) and [`AlreadyOurs`](Vote::AlreadyOurs) as of a claim on [`slot`](Self::slot) alone.
    /// [`Held`](Vote::Held) where every slot is taken, until the first of them frees itself, and without a label.
    pub vote: Vote,
    /// Which of the claim's resources is the claim's, from 0; `None` where none is.
    pub slot: Option<usize>,
    /// Which of them were taken before, a bit for each from the lowest on; where one was the claim's, that too.
    pub taken: u64,
}

/// When a held resource frees itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// After this time, if its holder does nothing.
    In(Duration),
    /// Never: the resource has no time to live, somebody else's program made it.
    Never,
    /// The node did not say.
    Unknown,
}

/// A node's answer to extend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Extension {
    /// Every resource holds the value, for at least the asked time from now.
    Extended,
    /// A resource is gone, and none is somebody else's.
    Gone,
    /// A resource is somebody else's.
    Foreign,
}

/// A node's answer to release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Removal {
    /// Every resource held the value and is free now.
    Removed,
    /// A resource was gone, and none is somebody else's. Those that held the value are free now.
    Gone,
    /// A resource is somebody else's. Those that held the value are free now.
    Foreign,
}

/// Who holds a resource on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The holder; where it is shared, of the share that ends last.
    pub holder: Holder,
    /// What the holder calls itself.
    pub label: Option<Label>,
    /// When the resource frees itself.
    pub expiry: Expiry,
    /// Who share it; `None` where it is held whole.
    pub shares: Option<Shares>,
}

/// Who share a resource on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shares {
    /// How many.
    pub count: usize,
    /// Those of them that last longest, at most [`MAX_SHOWN`](Self::MAX_SHOWN), the longest first.
    pub shown: Vec<Share>,
}

/// One share of a resource on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Share {
    /// Whose it is.
    pub holder: Holder,
    /// What the holder calls itself.
    pub label: Option<Label>,
    /// When it ends.
    pub expiry: Expiry,
}

impl Vote {
    /// A refusal by whoever stored `value`: [`Held`](Self::Held), with what the value tells.
    pub fn held_by(value: &[u8], expiry: Expiry, fence: Option<u64>) -> Self {
        let (label, kept) = (Label::of_value(value), Holder::is_mark(value));
        Self::Held { expiry, fence, label, kept }
    }
}

impl Holding {
    /// By whoever stored `value`.
    pub fn of(value: &[u8], expiry: Expiry) -> Self {
        Self { holder: Holder::of(value), label: Label::of_value(value), expiry, shares: None }
    }

    /// By `count` who share it, of whom the values and ends are given of those that last longest, the longest first.
    /// `None` where nobody does.
    pub fn of_shares(
        count: usize,
        shares: impl IntoIterator<Item = (Vec<u8>, Expiry)>,
    ) -> Option<Self> {
        let share = |(value, expiry): (Vec<u8>, Expiry)| Share {
            holder: Holder::of(&value),
            label: Label::of_value(&value),
            expiry,
        };
        let shown: Vec<_> = shares.into_iter().take(Shares::MAX_SHOWN).map(share).collect();
        let Share { holder, label, expiry } = shown.first()?.clone();
        Some(Self { holder, label, expiry, shares: Some(Shares { count, shown }) })
    }
}

impl Shares {
    /// Of so many shares a node tells the holders.
    pub const MAX_SHOWN: usize = 16;
}

/// The value under a resource, a holder's [token with its label](super::Claim::value) or whatever another program stored, as a
/// fingerprint.
///
/// The fingerprint (64-bit FNV-1a) tells holders apart in reports and gives no token away; it proves
/// nothing. The mark of a resource that is [kept](super::LockNode::keep) has the fingerprint of the holder that is done.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Holder {
    print: u64,
    kept: bool,
}

/// What a mark begins with.
const MARK: &[u8] = b"kept:";

/// 64-bit FNV-1a.
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl Holder {
    /// Whether a stored value is a mark: its holder is done, and the resource is [kept](super::LockNode::keep) from everybody
    /// for the rest of its time.
    pub fn is_mark(value: &[u8]) -> bool {
        marked(value).is_some()
    }

    /// The fingerprint of a stored value.
    pub fn of(value: &[u8]) -> Self {
        if let Some(print) = marked(value) {
            return Self { print, kept: true };
        }
        Self { print: fingerprint(value), kept: false }
    }

    /// Whether this holder is done, and a mark stands in the place of its token.
    pub fn is_kept(&self) -> bool {
        self.kept
    }

    /// The mark of what this holder keeps.
    pub(crate) fn mark(&self) -> Vec<u8> {
        [MARK, self.to_string().as_bytes()].concat()
    }

    /// The same holder, whether its token stands or its mark.
    #[must_use]
    pub fn holder(&self) -> Self {
        Self { kept: false, ..*self }
    }

    /// Whether this is the holder of `token`, without a label.
    pub fn is(&self, token: &Token) -> bool {
        *self == Self::of(token.as_bytes())
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.print)
    }
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Holder({}{self})", if self.kept { "kept:" } else { "" })
    }
}

/// Whose mark it is.
fn marked(value: &[u8]) -> Option<u64> {
    value.strip_prefix(MARK).and_then(parse_print)
}

/// A fingerprint as it is written.
fn parse_print(text: &[u8]) -> Option<u64> {
    let digits = text.len() == 16 && text.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    digits.then(|| u64::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()).flatten()
}

/// Who a server says it is. Whatever it does not say is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// An id of this run of the server, new with every start.
    pub run_id: Option<String>,
    /// How long this run lasts already.
    pub uptime: Option<Duration>,
    /// The server follows another one.
    pub replica: bool,
    /// The server is a member of a cluster.
    pub cluster: bool,
    /// The server throws keys away when its memory is full.
    pub evicts: bool,
}

impl Identity {
    /// A server of which nothing is known.
    pub fn unknown() -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_shows_a_fingerprint_and_not_the_token() {
        let token = Token::random().unwrap();
        let holder = Holder::of(token.as_bytes());
        assert!(holder.is(&token));
        assert!(!holder.is(&Token::random().unwrap()));
        assert!(!token.expose().contains(&holder.to_string()));
        // FNV-1a's published test vector for "a".
        assert_eq!(Holder::of(b"a").to_string(), "af63dc4c8601ec8c");
    }

    #[test]
    fn a_mark_shows_whose_token_it_took_the_place_of_and_is_nobodys() {
        let token = Token::random().unwrap();
        let holder = Holder::of(token.as_bytes());
        let mark = Holder::of(&holder.mark());
        assert!(mark.is_kept() && !holder.is_kept());
        assert_eq!(mark.to_string(), holder.to_string());
        assert!(!mark.is(&token));
        assert_eq!(mark.holder(), holder);
        assert_eq!(mark.mark(), holder.mark());
        for other in [&b"kept:"[..], b"kept:af63dc4c8601ec8", b"kept:AF63DC4C8601EC8C", b"kept"] {
            assert!(!Holder::of(other).is_kept() && !Holder::is_mark(other));
        }
    }
}
