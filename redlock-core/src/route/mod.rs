//! A lock per route: what a key is made of, what is done when the lock is not had, and how long it is held.
//!
//! The middlewares `redlock-tower` and `redlock-actix` are thin: they say what a request looks like,
//! and turn a [`Rejection`] into a response of their framework. Everything that is decided is decided here, so it is the
//! same in both. No type of any HTTP library appears.
//!
//! ```
//! use std::time::Duration;
//! use redlock_core::route::{KeyTemplate, LockPolicy};
//!
//! let order = KeyTemplate::parse("tenant:{header:x-tenant}:order:{int:id}")?;
//! let policy = LockPolicy::new().wait_up_to(Duration::from_secs(5));
//! // Both go to a layer: `LockLayer::new(&redlock, &order, policy)?`. A worker locks the same by
//! let key = order.render([("header:x-tenant", "acme"), ("id", "7")])?;
//! assert_eq!(key.to_string(), "tenant:acme:order:7");
//! # let _ = policy;
//! # Ok::<(), redlock_core::LockError>(())
//! ```
//!
//! What each option does to a slow handler, a client that leaves, a lost lock and an outage is in
//! [`guide::choosing_a_policy`](crate::guide::choosing_a_policy).

mod choices;
mod context;
mod grip;
mod held;
mod key;
mod limits;
mod lock;
mod methods;
mod piece;
mod policy;
mod rejection;
mod rules;
mod spelling;
mod template;
mod tenure;
mod values;
#[cfg(feature = "serde")]
mod written;

pub use choices::{ContendedStatus, HoldUntil, MissingPart, NoQuorum, OnLost};
pub use grip::HeldAs;
pub use held::HeldLocks;
pub use key::{IntoRouteKey, KeyError};
pub use piece::MAX_PLAIN_KEY_BYTES;
pub use policy::LockPolicy;
pub use rejection::{MAX_RETRY_AFTER, Rejection, RejectionKind};
pub use template::KeyTemplate;
pub use tenure::{LostDuringRequest, Unlocked};

/// What a middleware is made of, for those who write one for a further framework. Whoever uses `redlock-tower` or
/// `redlock-actix` needs nothing of it.
///
/// A middleware implements [`RouteContext`](middleware::RouteContext) over its framework's request and asks the template for
/// the [key](KeyTemplate::key_of). The [`RouteLock`](middleware::RouteLock) tells what that means
/// ([`key`](middleware::RouteLock::key)) and [admits](middleware::RouteLock::admit) the request; the handler
/// [runs](middleware::Tenure::run) under the [`Tenure`](middleware::Tenure), which a body that streams turns into its
/// [`Tail`](middleware::Tail). `redlock_core::route_cases` (feature `testing`) is what each is tested by.
pub mod middleware {
    pub use super::context::{Header, RouteContext};
    pub use super::lock::{Admission, RouteLock};
    pub use super::tenure::{Tail, Tenure, joined};
}
