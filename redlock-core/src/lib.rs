//! Redlock: a lock over N independent nodes, held while a majority of them holds it.
//!
//! This crate is the algorithm. It knows no Redis and no HTTP: nodes are whatever implements [`LockNode`], such as
//! those of `redlock-redis` and `redlock-fred`, or the [`InMemoryNode`] of this crate.
//!
//! ```
//! use std::time::Duration;
//! use redlock_core::{InMemoryNode, LockErrorKind, Redlock};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let redlock = Redlock::builder()
//!     .node(InMemoryNode::new("a"))
//!     .node(InMemoryNode::new("b"))
//!     .node(InMemoryNode::new("c"))
//!     .ttl(Duration::from_secs(10))
//!     .build()?;
//!
//! let guard = redlock.try_lock("orders:42").await?;
//! let refused = redlock.try_lock("orders:42").await.unwrap_err();
//! assert_eq!(refused.kind(), LockErrorKind::Contended);
//! println!("{refused}"); // held by another (0 of 3 granted): a held for 9.99s more; …
//! guard.release().await?;
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(run())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Working under a lock
//!
//! A lock has a deadline. [`Renewal::Auto`] moves it while the guard lives; [`Lease::run`] stops the work when it is lost all
//! the same, and [`Redlock::with_lock`] does all of it in one call:
//!
//! ```
//! # use std::time::Duration;
//! # use redlock_core::{InMemoryNode, LockOptions, Redlock, Renewal};
//! # async fn charge() {}
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(Duration::from_secs(10)).build()?;
//! let options = LockOptions::new()
//!     .wait_for(Duration::from_secs(3))
//!     .renewal(Renewal::Auto)
//!     .max_hold(Duration::from_secs(60));
//! let guard = redlock.lock_with(["orders:42", "stock:7"], &options).await?;
//! match guard.lease().run(charge()).await {
//!     Ok(()) => println!("{:?}", guard.release().await?),
//!     Err(lost) => eprintln!("{lost}"), // stopped: the lock was lost, it expired
//! }
//! redlock.close().await; // waits for what is released in the background
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(run())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # One leader
//!
//! [`Redlock::election`] makes a leader of one process at a time: [`Election::run`] leads whenever it can, stops the work when
//! the leadership is lost, and runs again.
//!
//! # A holder that is paused
//!
//! No lease can stop a process that is paused between looking at it and acting. A [`Fence`] lets the resource do it:
//!
//! ```
//! # use std::time::Duration;
//! # use redlock_core::{FenceGate, InMemoryNode, Redlock};
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let nodes = ["a", "b", "c"].map(InMemoryNode::new);
//! let redlock =
//!     Redlock::builder().nodes(nodes).ttl(Duration::from_secs(10)).fencing(true).build()?;
//! let gate = FenceGate::new(); // at the resource; in SQL `… WHERE fence <= $1`
//!
//! let paused = redlock.lock("account:7").await?.fence().ok_or("no fence")?; // and released here
//! let guard = redlock.lock("account:7").await?;
//! gate.admit(guard.fence().ok_or("no fence")?)?;
//! assert!(gate.admit(paused).is_err()); // its write comes too late
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(run())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A node that restarts may forget what it granted: [`restart_guard`](RedlockBuilder::restart_guard) keeps it out until
//! that does not matter.
//!
//! What is promised under which assumptions, and what no lock can promise, is in [`guide::safety`]; recipes are in
//! [`guide::cookbook`], and how to run the nodes is in [`guide::operations`].
//!
//! # Cancel safety
//!
//! Every future of this crate may be dropped at any time. Requests that were sent are completed in the background, and
//! whatever was taken by a call that nobody waits for is released.
//!
//! # Features
//!
//! - `tracing` (default): spans and events, with the target `redlock`.
//! - `metrics`: counters, gauges and histograms through the `metrics` facade, all of them in `telemetry::METRICS`. What
//!   both tell is in [`guide::telemetry`].
//! - `serde`: a [`Handover`] is serialized as its text, a [`Fence`] as its number; `route::LockPolicy` and times (module `duration`) are read from
//!   configurations, such as those of `redlock-config`.
//! - `route`: the [`route`] module, on which the HTTP middlewares stand.
//! - `testing`: misbehaving nodes, the suite every node must pass, a clock that tests move. It adds API and changes no
//!   behaviour. What semver covers of it is said in [`guide::stability`].
//! - `mutants`: internal, for this crate's own tests alone. It lets a thread break this crate on purpose.

#![cfg_attr(docsrs, feature(doc_cfg))]

/// Whether a rule is deliberately left out, or what then stands in its place; see `testing/mutants.rs`.
#[cfg(feature = "mutants")]
macro_rules! mutant {
    ($name:ident) => {
        crate::testing::mutants::is_active(crate::testing::mutants::Mutant::$name)
    };
    ($name:ident, $instead:expr, $rule:expr) => {
        if mutant!($name) { $instead } else { $rule }
    };
}

/// Nothing is left out. The identity keeps clippy from taking `let t = mutant!(…, t)` for a slip.
#[cfg(not(feature = "mutants"))]
macro_rules! mutant {
    ($name:ident) => {
        false
    };
    ($name:ident, $instead:expr, $rule:expr) => {
        std::convert::identity($rule)
    };
}

#[macro_use]
#[path = "error/debug.rs"]
mod debug;

mod decide;
mod driver;
#[cfg(feature = "serde")]
pub mod duration;
pub mod error;
#[cfg(all(doc, not(doctest)))]
pub mod guide;
mod handle;
mod memory;
pub mod node;
#[cfg(feature = "route")]
pub mod route;
#[cfg(feature = "metrics")]
pub mod telemetry;
#[cfg(not(feature = "metrics"))]
mod telemetry;
#[cfg(any(feature = "testing", feature = "mutants"))]
mod testing;

pub use decide::fence::{Fence, FenceGate, StaleFence};
pub use decide::gate::RwFenceGate;
pub use decide::handover::Handover;
pub use decide::inspection::{Inspection, LockState, NodeView};
pub use decide::leadership::LeaderState;
pub use decide::listing::{Cut, Listed, Listing, NodeListing};
pub use decide::node_set::NodeSetFingerprint;
pub use decide::plan::Renewal;
pub use decide::probe::{NodeProbe, Probe, Standing};
pub use decide::release::Release;
pub use decide::retry::RetryPolicy;
pub use error::{
    ConfigError, ExtendError, ExtendErrorKind, LockError, LockErrorKind, Lost, LostReason,
    NodeOutcome, NodeReport, Unhealthy,
};
pub use handle::builder::RedlockBuilder;
pub use handle::election::Election;
pub use handle::guard::{Lease, LockGuard};
pub use handle::leader::{Leader, LeaderGuard};
pub use handle::looks::MAX_LISTED;
pub use handle::observer::Observer;
pub use handle::options;
pub use handle::options::LockOptions;
pub use handle::read::ReadGuard;
pub use handle::redlock::Redlock;
pub use handle::semaphore::{Permit, Semaphore};
pub use memory::InMemoryNode;
pub use node::key::{IntoLockKey, LockKey, MAX_KEY_BYTES, MAX_RESOURCES};
pub use node::label::{Label, MAX_LABEL_BYTES};
pub use node::token::{NoEntropy, Token};
pub use node::{IntoLockNode, LockNode, key, label, token};
#[cfg(feature = "mutants")]
#[doc(hidden)]
pub use testing::mutants;
#[cfg(all(feature = "testing", feature = "route"))]
pub use testing::route_cases;
#[cfg(feature = "testing")]
pub use testing::{conformance, faults};

/// What a backend decides by, for those who write one: a [`LockNode`] gives its numbers and marks by these. Whoever takes
/// locks needs nothing of it.
pub mod backend {
    pub use crate::decide::fence::{LARGEST, SHORTEST_LIFE, SLACK, next, next_shared, warming};
    pub use crate::decide::keep::stay;
}

/// The decisions themselves, for the model that checks them and for benchmarks. Not covered by semver.
#[doc(hidden)]
pub mod decisions {
    pub use crate::decide::{fence, handover, keep, quorum, slots, twins};
}

/// The README's example, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
