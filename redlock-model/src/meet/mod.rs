//! A first contact that goes on with a majority of the nodes, where one server is listed twice.
//!
//! One client lists a server under two addresses and another one not at all; the other client lists each server once. So
//! exclusion rests on no server's vote being counted twice. A node says who it is at any time, or never, and a client asks
//! it for the lock after that; once more when it has failed, as another server may stand behind it then. Majorities are
//! counted by [`redlock_core::decisions::quorum`].

mod cases;
mod model;
mod state;

pub use cases::{Case, big, broken, sound};

use crate::setting::Small;

/// Two never hold at a time.
pub const EXCLUSION: &str = "exclusion";
/// The client that lists a server twice holds while one of its nodes has not said who it is.
pub const EARLY: &str = "held early";
/// The second holds after the first.
pub const AFTER: &str = "held after";

/// The world of one case.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Which votes count.
    pub rule: Rule,
    /// How often the first client lists each server. The second lists each once.
    pub listed: &'static [usize],
    /// How often a node fails a client, which then forgets who it is.
    pub failures: Small,
}

/// The product's rule, and those that look as good and are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The product's: a node is asked that has said who it is, and is not the server of another; what a server granted
    /// before is no further vote.
    Final,
    /// What a server granted before is a vote.
    OursCounts,
    /// The same, and nodes are asked before they have said who they are.
    Unmet,
}

impl Setting {
    /// The product's rule, and one of three servers that is listed twice.
    pub fn new() -> Self {
        Self { rule: Rule::Final, listed: &[2, 1, 0], failures: 1 }
    }

    /// How many nodes each client has.
    pub(crate) fn nodes(&self) -> usize {
        self.listed.len()
    }
}

impl Default for Setting {
    fn default() -> Self {
        Self::new()
    }
}
