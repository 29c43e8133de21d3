//! A lock that stays taken after its end: `LockOptions::at_least`.
//!
//! The first attempt wants nobody else to have the lock before its beginning and [`at_least`](Setting::at_least), and may end
//! at any moment before and after; the second is anybody. Time goes by in ticks. What was sent is executed at any time after
//! it, or never; the end of the first is sent once more, at any time. Whether an end is a keep, of how long a rest, and
//! what a node makes of that is asked in [`redlock_core::decisions::keep`].

mod cases;
mod model;
mod state;

pub use cases::{Case, big, broken, sound};

use crate::setting::Small;

/// Two never hold at a time.
pub const EXCLUSION: &str = "exclusion";
/// Nobody else gets the lock before the time of the first is over.
pub const NOT_SHORT: &str = "not too short";
/// What stands for the first never gets longer once its end was executed.
pub const NOT_LONG: &str = "not too long";
/// The second holds after the first was kept.
pub const AFTER: &str = "held after a keep";

/// The world of one case.
#[derive(Debug, Clone)]
pub struct Setting {
    /// What ends do.
    pub rule: Rule,
    /// How long a token lives.
    pub ttl: Small,
    /// For how long nobody else is to have the lock.
    pub at_least: Small,
    /// How often a node forgets everything.
    pub crashes: Small,
    /// How long a node must have run before it grants.
    pub guard: Small,
    /// Whether the keeper asks for more time, once.
    pub extends: bool,
    /// Whether its end is sent once more.
    pub resends: bool,
    /// When the case ends.
    pub horizon: Small,
}

/// The product's rule, and those that look as good and are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The product's: the lease ends, a mark takes the token's place.
    Final,
    /// The token stays, with less time.
    TokenStays,
    /// The lease goes on beside the marks.
    LeaseGoesOn,
    /// What is sent once more is a release.
    RetriedPlainly,
    /// The token is deleted, and the mark is set after that.
    DeleteAndSet,
    /// The mark has the rest, whatever the token had left.
    Lengthens,
}

impl Setting {
    /// The product's rule, a time to live of 3, one of 2 that is wanted at the least.
    pub fn new() -> Self {
        Self {
            rule: Rule::Final,
            ttl: 3,
            at_least: 2,
            crashes: 0,
            guard: 0,
            extends: true,
            resends: true,
            horizon: 6,
        }
    }
}

impl Default for Setting {
    fn default() -> Self {
        Self::new()
    }
}
