//! Redlock over any set of independent lock nodes.

mod builder;
mod clock;
#[cfg(feature = "testing")]
pub mod conformance;
mod driver;
pub mod error;
#[cfg(feature = "testing")]
pub mod faults;
mod guard;
mod hold;
mod inspection;
pub mod key;
mod lease;
mod memory;
pub mod node;
pub mod options;
#[doc(hidden)]
pub mod protocol;
pub mod quorum;
mod redlock;
mod renewal;
mod retry;
#[cfg(feature = "testing")]
mod testing;
pub mod token;

pub use builder::RedlockBuilder;
pub use error::{
    ConfigError, ExtendError, ExtendErrorKind, LockError, LockErrorKind, NodeOutcome, NodeReport,
};
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
