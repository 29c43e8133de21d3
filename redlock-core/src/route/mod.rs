//! A lock per route: what a key is made of, what is done when the lock is not had, and how long it is held.
//!
//! The middlewares `redlock-tower` and `redlock-actix` are thin: they say what a request looks like ([`RouteContext`]),
//! and turn a [`Rejection`] into a response of their framework. Everything that is decided is decided here, so it is the
//! same in both. No type of any HTTP library appears.
//!
//! ```
//! use std::time::Duration;
//! use redlock_core::route::{KeyTemplate, LockPolicy, RouteLock};
//! # use redlock_core::{InMemoryNode, Redlock};
//! # fn main() -> Result<(), redlock_core::ConfigError> {
//! # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(Duration::from_secs(10)).build()?;
//! let key = KeyTemplate::parse("tenant:{header:x-tenant}:order:{int:id}")?;
//! let policy = LockPolicy::new().wait_up_to(Duration::from_secs(5));
//! let lock = RouteLock::new(&redlock, policy)?; // every rule between the settings is checked here
//! # let _ = (key, lock);
//! # Ok(())
//! # }
//! ```
//!
//! What each option does to a slow handler, a client that leaves, a lost lock and an outage is in
//! `docs/CHOOSING_A_POLICY.md`.

#[cfg(feature = "testing")]
pub mod cases;
mod context;
mod held;
mod key;
mod limits;
mod lock;
mod policy;
mod rejection;
mod spelling;
mod template;
mod tenure;

pub use context::{Header, RouteContext};
pub use held::HeldLocks;
pub use key::{IntoRouteKey, KeyError};
pub use lock::{Admission, RouteLock};
pub use policy::{ContendedStatus, HoldUntil, LockPolicy, MissingPart, NoQuorum, OnLost};
pub use rejection::{Rejection, RejectionKind};
pub use template::{KeyTemplate, MAX_PLAIN_KEY_BYTES};
pub use tenure::{LostDuringRequest, Tail, Tenure, Unlocked};
