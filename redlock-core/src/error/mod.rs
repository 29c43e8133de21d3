//! Typed errors.

mod config;
mod extend;
mod lock;

pub use config::ConfigError;
pub use extend::{ExtendError, ExtendErrorKind};
pub use lock::{LockError, LockErrorKind, NodeOutcome, NodeReport};
