//! The simulator: processes, each with a handle and connections of its own, contend on shared nodes.
//!
//! A run is decided by its seed alone: one generator per process, per connection and for the weather, tokio's paused
//! clock, one thread. Tokens are random, and nothing depends on them.

// Two test targets share this, and neither uses all of it.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

pub(crate) mod client;
pub(crate) mod contacts;
pub(crate) mod crowd;
pub(crate) mod hand;
pub(crate) mod held;
pub(crate) mod invariants;
pub(crate) mod leader;
pub(crate) mod ledger;
pub(crate) mod marks;
pub(crate) mod permit;
pub(crate) mod picture;
pub(crate) mod process;
pub(crate) mod profile;
pub(crate) mod read;
pub(crate) mod runner;
pub(crate) mod start;
// Where chaos has it from, whose history is drawn so too.
#[allow(unreachable_pub, unused_imports)]
#[path = "../../../integration-tests/src/timeline/mod.rs"]
pub(crate) mod timeline;
pub(crate) mod together;
pub(crate) mod weather;
pub(crate) mod world;
