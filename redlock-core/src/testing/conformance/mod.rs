//! The acceptance suite that every [`LockNode`] must pass. Feature `testing`; **not covered by semver**: a new
//! version may add a check that a node used to fail unnoticed.
//!
//! A backend gives a [`Fixture`] and gets one named test per check:
//!
//! ```
//! # use std::{sync::Arc, time::Duration};
//! use redlock_core::InMemoryNode;
//! use redlock_core::conformance::Fixture;
//! use redlock_core::node::LockNode;
//!
//! struct Memory(Arc<InMemoryNode>);
//!
//! #[async_trait::async_trait]
//! impl Fixture for Memory {
//!     fn node(&self) -> Arc<dyn LockNode> {
//!         self.0.clone()
//!     }
//!     async fn put(&self, key: &[u8], value: &[u8], ttl: Option<Duration>) {
//!         self.0.put(key, value, ttl);
//!     }
//!     async fn value(&self, key: &[u8]) -> Option<Vec<u8>> {
//!         self.0.value(key)
//!     }
//! }
//!
//! mod conformance {
//!     # use super::*;
//!     redlock_core::conformance!(paused, async { Memory(Arc::new(InMemoryNode::new("a"))) });
//! }
//! ```
//!
//! See [`conformance!`](crate::conformance!) for what else it takes. The checks use names of their own and
//! may run at the same time against one server. They wait with tokio's clock: `paused` is for nodes that
//! go by it too, a real server needs real time. All they store frees itself, on a server that passes.

// It is a test suite: it fails by panicking, and it measures time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

#[macro_use]
mod list;
mod acquire;
mod counter_types;
mod expiry;
mod extend;
mod fencing;
mod identity;
mod inspect;
mod names;
mod order;
mod raise;
mod release;
mod restart_guard;
mod second_node;
mod trial;
mod types;
mod wake_ups;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::key::COUNTER_PREFIX;
use crate::node::LockNode;
use trial::Trial;

/// A node to be checked, and a way past it to what it stores.
///
/// The fixture lives as long as one check; whatever must be torn down belongs to it.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The node.
    fn node(&self) -> Arc<dyn LockNode>;

    /// Stores a value as a foreign program does, whatever was there; without `ttl` it stays for ever.
    async fn put(&self, key: &[u8], value: &[u8], ttl: Option<Duration>);

    /// The value that stands under the key, as a foreign program sees it.
    async fn value(&self, key: &[u8]) -> Option<Vec<u8>>;

    /// The resource's fencing counter, as a foreign program sees it. Only the checks of `fencing` and `counter_types`
    /// call it. Default: the number under `redlock:fence:<key>`.
    async fn counter(&self, key: &[u8]) -> Option<u64> {
        let text = self.value(&[COUNTER_PREFIX.as_bytes(), key].concat()).await?;
        Some(std::str::from_utf8(&text).unwrap().parse().unwrap())
    }

    /// A node over another server. Only the checks of `second_node` call it.
    fn second_node(&self) -> Arc<dyn LockNode> {
        panic!("this fixture has no second node");
    }

    /// The node that listens. Only the checks of `wake_ups` call it. Default: the node itself; for one that tells of
    /// releases and cannot listen, another one over the same server.
    fn listening_node(&self) -> Arc<dyn LockNode> {
        self.node()
    }

    /// Stores a value of a type that no lock has. Only the checks of `types` and `counter_types` call it.
    async fn put_list(&self, _key: &[u8], _ttl: Duration) {
        panic!("this fixture knows no other type");
    }

    /// Whether [`put_list`](Self::put_list)'s value is still there. Only the checks of `types` and `counter_types`
    /// call it.
    async fn is_list(&self, _key: &[u8]) -> bool {
        panic!("this fixture knows no other type");
    }
}

macro_rules! tables {
    ([$(#[$doc:meta])* $table:ident $run:ident] $($file:ident: $($check:ident)*;)*) => {
        $(#[$doc])*
        pub const $table: &[&str] = &[$($(stringify!($check),)*)*];

        async fn $run(check: &str, trial: &Trial<'_>) -> bool {
            match check {
                $($(stringify!($check) => $file::$check(trial).await,)*)*
                _ => return false,
            }
            true
        }
    };
}

__conformance_checks!(tables [/** The names of the checks for every node. */ CHECKS run_any] base);
__conformance_checks!(
    tables [/** The names of the checks for servers that store values of other types too. */ TYPE_CHECKS run_type] types
);
__conformance_checks!(
    tables [/** The names of the checks that take two servers. */ SECOND_NODE_CHECKS run_second] second_node
);
__conformance_checks!(
    tables [/** The names of the checks for nodes with fencing. */ FENCING_CHECKS run_fencing] fencing
);
__conformance_checks!(
    tables [/** The names of the checks for counters that others can spoil. */ COUNTER_TYPE_CHECKS run_counter_type]
        counter_types
);
__conformance_checks!(
    tables [/** The names of the checks for nodes with a restart guard. */ RESTART_GUARD_CHECKS run_guard] restart_guard
);
__conformance_checks!(
    tables [/** The names of the checks for nodes that tell of releases. */ WAKE_UP_CHECKS run_wake_up] wake_ups
);

/// Runs the check of this name.
///
/// # Panics
///
/// When the node fails it, or when there is no such check.
pub fn run<'a>(
    check: &'a str,
    fixture: &'a dyn Fixture,
) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
    Box::pin(async move {
        let trial = Trial::new(fixture);
        let known = run_any(check, &trial).await
            || run_type(check, &trial).await
            || run_second(check, &trial).await
            || run_fencing(check, &trial).await
            || run_counter_type(check, &trial).await
            || run_guard(check, &trial).await
            || run_wake_up(check, &trial).await;
        assert!(known, "there is no check {check}");
    })
}
