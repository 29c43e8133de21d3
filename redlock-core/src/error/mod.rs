//! Typed errors.
//!
//! `Debug` of an error of this crate reads as its `Display`, so that a `main` which ends with one prints a line. `{:#?}`
//! shows all there is.

mod extend;
mod kind;
mod lock;
mod lost;
mod report;
mod tally;
mod unhealthy;

pub use extend::{ExtendError, ExtendErrorKind};
pub use kind::LockErrorKind;
pub use lock::LockError;
pub use lost::{Lost, LostReason};
pub use report::{NodeOutcome, NodeReport};
pub use tally::Tally;
pub use unhealthy::Unhealthy;

pub use crate::node::config_error::ConfigError;
