//! Commands of one process that travel to a node as one message, with what is refused together and sent again.
//!
//! Two clients of one process, each with a lock of its own, and one of another process that wants the first one's. Each makes
//! one attempt, and may leave it at any moment; then its releases are sent, behind its acquires. What waits for a node when it
//! is the process's turn is handed over as one message: releases first, which pass the acquires of other locks, then acquires,
//! then the rest, and what was refused before each by itself. A message is handed over at any time and done at once, but for
//! what is refused together; answers come in order, at any time.
//!
//! The driver's part is that it releases once more what was granted behind a release that found nothing, and, where the time
//! limit of an acquire has passed, until nothing stands. Majorities are counted by
//! [`redlock_core::decisions::quorum`]. Time does not go by, so nothing that is left behind ends by itself, and who
//! waits for a release waits for ever.

mod cases;
mod model;
mod parts;
mod state;

pub use cases::{Case, big, broken, sound};

use crate::setting::Small;

/// Two never hold one lock at a time.
pub const EXCLUSION: &str = "exclusion";
/// No node does an acquire behind its release.
pub const ORDER: &str = "order";
/// When all have ended and nothing is under way or tried again, nothing stands.
pub const NOTHING_LEFT: &str = "nothing left";
/// What was refused together is granted when it is sent again.
pub const AGAIN: &str = "granted again";
/// The other process has the lock after the first client.
pub const AFTER: &str = "held after";

/// The world of one case.
#[derive(Debug, Clone)]
pub struct Setting {
    /// How many nodes there are.
    pub nodes: usize,
    /// What is sent again, and in which order.
    pub rule: Rule,
    /// How often a node refuses what was sent together.
    pub refusals: Small,
    /// How often a caller's time limit passes before an acquire is answered.
    pub limits: Small,
    /// Whether somebody of another process wants the first lock.
    pub stranger: bool,
}

/// The rule, and those that look as good and are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// An acquire that was refused together is sent again where its caller waits and nothing was sent on its key since, a
    /// release always.
    Final,
    /// An acquire where its caller waits, whatever was sent since.
    WaitedFor,
    /// An acquire whether or not its caller waits.
    ForNobody,
    /// Releases are not.
    NoRelease,
    /// Releases pass acquires of their own lock.
    PassesOwn,
    /// Of what was sent together each is given the answer of the one before.
    Shifted,
}
