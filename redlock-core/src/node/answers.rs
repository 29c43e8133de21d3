use std::fmt;
use std::time::Duration;

use crate::token::Token;

/// A node's answer to acquire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Vote {
    /// The resources are the claim's.
    Granted {
        /// The fencing number the node gave, where [`Terms::fencing`](super::Terms::fencing) asked for one.
        fence: Option<u64>,
    },
    /// The resources are the claim's, and one of them was before: an earlier request with this token was served.
    AlreadyOurs,
    /// Another token stands under one of the resources. The node is healthy.
    Held {
        /// When the last of the foreign resources frees itself.
        expiry: Expiry,
        /// The largest counter of the claim's resources, where [`Terms::fencing`](super::Terms::fencing) asked for a number.
        fence: Option<u64>,
    },
    /// The node restarted a short while ago and gives no grants yet.
    Warming {
        /// How long it has run.
        uptime: Duration,
        /// When it will give grants.
        remaining: Duration,
    },
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
    /// Every resource holds the token, for at least the asked time from now.
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
    /// Every resource held the token and is free now.
    Removed,
    /// A resource was gone, and none is somebody else's. Those that held the token are free now.
    Gone,
    /// A resource is somebody else's. Those that held the token are free now.
    Foreign,
}

/// Who holds a resource on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The holder.
    pub holder: Holder,
    /// When the resource frees itself.
    pub expiry: Expiry,
}

/// A holder's token, or whatever value another program stored, as a fingerprint.
///
/// The fingerprint (64-bit FNV-1a) tells holders apart in reports and gives no token away; it proves
/// nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Holder(u64);

impl Holder {
    /// The fingerprint of a stored value.
    pub fn of(value: &[u8]) -> Self {
        Self(value.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        }))
    }

    /// Whether this is the holder of `token`.
    pub fn is(&self, token: &Token) -> bool {
        *self == Self::of(token.as_bytes())
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Holder({self})")
    }
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
}
