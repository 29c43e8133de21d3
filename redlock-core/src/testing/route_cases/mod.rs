//! One table of what a request meets, for every middleware to be tested against. Feature `testing`; not covered by
//! semver.
//!
//! A middleware's test goes through [`KEYS`] and [`policies`], builds a service of its framework for each case, sends the
//! one request, and has [`KeyCase::check`] or [`Stage::check`] look at what came back and at the nodes.

mod keys;
mod permits;
mod policies;
mod shares;
mod stage;

pub use keys::{KEYS, Key, KeyCase, key_of};
pub use policies::{Handler, PolicyCase, Situation, TEMPLATE};
pub use stage::Stage;

/// Answers by policy and situation.
pub fn policies() -> Vec<PolicyCase> {
    [policies::of_locks(), shares::of_shares(), permits::of_permits()].concat()
}
