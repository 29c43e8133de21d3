//! Typed errors.

mod config;

pub use config::ConfigError;
