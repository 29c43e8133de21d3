//! An exhaustive check of the lock: every interleaving of a few attempts, nodes, messages and crashes.
//!
//! Nothing is decided here that the product decides. Majorities are counted by [`redlock_core::decisions::quorum`], numbers are
//! made, compared and raised by [`redlock_core::decisions::fence`], and the restart guard is asked there as well; this crate only
//! lets the world do its worst between the calls. What it must not find is in [`properties`], what is tried in
//! [`cases`]. Locks that stay taken after their end have a [model](keep) of their own.
//!
//! Locks that are handed over have a world of their own, in [`hand`], readers beside writers two, in [`rw`] without clocks and
//! in [`timed`] with one, permits one in [`sem`], first contacts one in [`meet`], and commands that travel together one in
//! [`together`].
//!
//! ```sh
//! cargo run --release -p redlock-model            # seconds
//! cargo run --release -p redlock-model -- --big   # minutes, and some gigabytes
//! ```
//!
//! # The abstraction
//!
//! - Every attempt is a client of its own, which knows nothing of the others. Any number of attempts may be under way.
//! - A request is executed at any time after it was sent, in any order, also long after its attempt has ended, or never.
//!   A reply is read at any time after that, or never. A refusal changes nothing at the node, and its reader can do
//!   nothing that a client may not do anyway (give up); so refusals are left out, as lost requests.
//! - A client decides on any subset of the grants that makes a majority, and gives up or lets go whenever it likes.
//! - *Sound timing*: a lock may vanish from a node (expired or released) at any time after its attempt has ended, and is
//!   never forced to. *Broken timing*: at any time at all, as where a clock jumped.
//! - With a [clock](setting::Clock), time goes by in ticks. An attempt and what it held end a time to live after it
//!   began, at the latest; nodes' clocks are right, the clients' wall clocks are off by up to some ticks either way; a
//!   crash takes a node's locks and counters, and requests under way may reach the next process.
//! - Nodes are interchangeable and so kept sorted, which divides the number of states by up to N!.
//! - States are gone through in the order of their distance from the beginning, so a way that is told is a shortest one.
//!
//! # What it cannot tell
//!
//! At most three attempts (of permits four), five nodes, one crash, and a few ticks; that no larger example behaves
//! differently is argued in `docs/SAFETY.md` and not checked. Clocks of nodes are right, wherever there is a clock. Locks on
//! several resources, foreign clients, repairs, intents and the driver's own code are not here; the simulation has these. A
//! hint is made from the wall clock alone: what a client remembers can only raise it, which the cases with arbitrary hints
//! cover. Two states with one fingerprint of 64 bits would be taken for one.

pub mod cases;
mod client;
pub mod hand;
pub mod keep;
pub mod meet;
mod model;
mod node;
pub mod properties;
pub mod report;
pub mod rw;
mod search;
pub mod sem;
pub mod setting;
pub mod state;
pub mod talk;
mod ticks;
pub mod timed;
pub mod together;

pub use model::Step;
