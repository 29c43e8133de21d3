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
//! A lock has a deadline. [`Renewal::Auto`] moves it while the guard lives; a [`Lease`] tells the work when it is lost
//! all the same:
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
//! let lease = guard.lease();
//! tokio::select! {
//!     reason = lease.lost() => eprintln!("stopped: {reason}"),
//!     () = charge() => { guard.release().await?; }
//! }
//! redlock.close().await; // waits for what is released in the background
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(run())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A holder that is paused
//!
//! No lease can stop a process that is paused between looking at it and acting. A [`Fence`] lets the resource do it:
//!
//! ```
//! # use std::time::Duration;
//! # use redlock_core::{FenceGate, InMemoryNode, Redlock};
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let nodes = ["a", "b", "c"].map(|name| std::sync::Arc::new(InMemoryNode::new(name)) as _);
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
//! What is promised under which assumptions, and what no lock can promise, is in `docs/SAFETY.md`.
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
//!   both tell is in `docs/TELEMETRY.md`.
//! - `route`: the [`route`] module, on which the HTTP middlewares stand.
//! - `testing`: misbehaving nodes, the suite every node must pass, a clock that tests move. Not covered by semver.
//!   It adds API and changes no behaviour.
//! - `mutants`: internal, for this crate's own tests alone. It lets a thread break this crate on purpose.

/// Whether a rule is deliberately left out, or what then stands in its place; see `mutants.rs`.
#[cfg(feature = "mutants")]
macro_rules! mutant {
    ($name:ident) => {
        crate::mutants::is_active(crate::mutants::Mutant::$name)
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

mod builder;
mod clock;
#[cfg(feature = "testing")]
pub mod conformance;
mod driver;
pub mod error;
#[cfg(feature = "testing")]
pub mod faults;
pub mod fence;
mod guard;
mod hold;
mod inspection;
pub mod key;
mod lease;
mod memory;
#[cfg(feature = "mutants")]
#[doc(hidden)]
pub mod mutants;
pub mod node;
pub mod options;
#[doc(hidden)]
pub mod protocol;
mod queue;
pub mod quorum;
mod redlock;
mod renewal;
mod retry;
#[cfg(feature = "route")]
pub mod route;
#[cfg(feature = "metrics")]
pub mod telemetry;
#[cfg(not(feature = "metrics"))]
mod telemetry;
#[cfg(feature = "testing")]
mod testing;
pub mod token;
mod waiting;

pub use builder::RedlockBuilder;
pub use error::{
    ConfigError, ExtendError, ExtendErrorKind, LockError, LockErrorKind, NodeOutcome, NodeReport,
};
pub use fence::{Fence, FenceGate, StaleFence};
pub use guard::{Lease, LockGuard, Release};
pub use inspection::{Inspection, LockState, NodeView};
pub use key::{IntoLockKey, LockKey, MAX_KEY_BYTES, MAX_RESOURCES};
pub use lease::LostReason;
pub use memory::InMemoryNode;
pub use node::LockNode;
pub use options::{LockOptions, Renewal};
pub use redlock::Redlock;
pub use retry::RetryPolicy;
pub use token::{NoEntropy, Token};

/// The README's example, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
