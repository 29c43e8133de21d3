//! [Redlock](redlock_core)'s nodes from the environment and a configuration file, in the words that the command `redlock`
//! reads too: what a service locks on, an operator sees with `redlock inspect` in the same surroundings.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let redlock = redlock_config::from_env().await?; // REDLOCK_NODES, REDLOCK_TTL, …, or redlock.toml
//! let guard = redlock.lock("orders:42").await?;
//! # drop(guard);
//! # Ok(())
//! # }
//! ```
//!
//! A time to live belongs to the work as often as to the place where it runs. It may be said in code, and so may all else that
//! a handle can be told:
//!
//! ```no_run
//! # use std::time::Duration;
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let builder = redlock_config::builder_from_env().await?;
//! let redlock = builder.ttl(Duration::from_secs(10)).label("orders@pod-7").build()?;
//! # drop(redlock);
//! # Ok(())
//! # }
//! ```
//!
//! [`Settings`] are what stands between: they come from code, before the environment, before a file, and can be a part of a
//! service's own configuration. Every variable and field, with rule, default and example, is in
//! [configuration](https://docs.rs/redlock-core/latest/redlock_core/guide/configuration/).
//!
//! # What is not said
//!
//! A service for which no node is named gets an error that says how to name some ([`SettingsErrorKind::Missing`]). Nothing
//! falls back to locks of this machine, as `redlock exec` does with a notice: whoever wants those says
//! `REDLOCK_NODES=file:/directory`, or builds over nodes in memory when [`Settings::nodes`] is empty.
//!
//! # What is wrong
//!
//! Whatever is set and cannot be used is an error, also where something else would do: [`SettingsError`].
//!
//! # Features
//!
//! - `redis` (default): servers over the `redis` crate. It is what `client` means where it is not set, so it is on.
//! - `fred`: servers over `fred`, for `client = "fred"`. Off: a second client library is a lot to compile.
//! - `file`: directories of this machine, `file:/directory`. Off: services have servers.
//! - `tls-rustls`: `rediss://`, with whichever client there is. Off, as with the clients.
//! - `tracing` (default), `metrics`: as in `redlock-core`.
//!
//! All that can be written is understood without them, and refused by name where it is opened.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod client;
mod connect;
mod error;
mod load;
mod places;
mod rules;
mod secret;
mod settings;
mod surroundings;
mod text;
pub mod variables;
mod written;

pub use address::{NodeAddress, Place};
pub use client::ClientKind;
pub use error::{SettingsError, SettingsErrorKind};
pub use redlock_core;
pub use redlock_core::duration;
pub use secret::Secret;
pub use settings::Settings;
pub use surroundings::Surroundings;

use redlock_core::{Redlock, RedlockBuilder};

/// A handle over the nodes and with the settings of the environment and the usual file: [`Settings::from_env`], then
/// [`Settings::connect`].
///
/// # Errors
///
/// When no nodes are named, no time to live is set, or anything that is set cannot be used.
///
/// # Cancel safety
///
/// When the future is dropped nothing is left but directories that may have been made.
pub async fn from_env() -> Result<Redlock, SettingsError> {
    Settings::from_env()?.connect().await
}

/// The same as a builder, for whatever else is to be set: [`Settings::from_env`], then [`Settings::builder`].
///
/// # Errors
///
/// When no nodes are named, or anything that is set cannot be used.
///
/// # Cancel safety
///
/// When the future is dropped nothing is left but directories that may have been made.
pub async fn builder_from_env() -> Result<RedlockBuilder, SettingsError> {
    Settings::from_env()?.builder().await
}

/// The README's example, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
