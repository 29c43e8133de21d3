//! The acceptance suite that every [`LockNode`](crate::LockNode) must pass. Feature `testing`; **not covered by semver**: a new
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
mod counters;
mod expiry;
mod extend;
mod fencing;
mod fixture;
mod identity;
mod inspect;
mod keep;
mod label;
mod names;
mod order;
mod raise;
mod release;
mod restart_guard;
mod scan;
mod second_node;
mod shared;
mod shared_fenced;
mod shared_intent;
mod shared_types;
mod slots;
mod slots_fenced;
mod slots_types;
mod swap;
mod trial;
mod types;
mod wake_ups;

use std::future::Future;
use std::pin::Pin;

pub use fixture::Fixture;
use trial::Trial;

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
__conformance_checks!(
    tables [/** The names of the checks for nodes that swap a former value; they need fencing too. */ SWAP_CHECKS run_swap]
        swapping
);

__conformance_checks!(
    tables [/** The names of the checks for nodes that keep resources after their hold. */ KEEPING_CHECKS run_keeping] keeping
);
__conformance_checks!(
    tables [/** The names of the checks for nodes that tell all that stands on them. */ SCAN_CHECKS run_scan] scanning
);
__conformance_checks!(
    tables [/** The names of the checks for nodes that tell all that stands on them, on servers that store values of other types
too. */ SCAN_TYPE_CHECKS run_scan_type] scan_types
);

__conformance_checks!(
    tables [/** The names of the checks for nodes that share resources. */ SHARED_CHECKS run_shared] shared
);
__conformance_checks!(
    tables [/** The names of the checks for servers that share and store sorted sets of other programs too. */
        SHARED_TYPE_CHECKS run_shared_type] shared_types
);

__conformance_checks!(
    tables [/** The names of the checks for nodes that give one of several resources. */ SLOT_CHECKS run_slot] slots
);
__conformance_checks!(
    tables [/** The names of the checks for nodes that do so on servers that store values of other types too. */
        SLOT_TYPE_CHECKS run_slot_type] slots_types
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
            || run_wake_up(check, &trial).await
            || run_swap(check, &trial).await
            || run_keeping(check, &trial).await
            || run_shared(check, &trial).await
            || run_shared_type(check, &trial).await
            || run_slot(check, &trial).await
            || run_slot_type(check, &trial).await
            || run_scan(check, &trial).await
            || run_scan_type(check, &trial).await;
        assert!(known, "there is no check {check}");
    })
}
