//! The command `redlock`, driven as a person or a script would, over real servers.
//!
//! Every command line is run outside of a terminal's foreground, wherever the tests run; `terminal.rs` makes a terminal of
//! its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod apart;
mod at_least;
mod codes;
mod contention;
mod environment;
mod lost;
mod permits;
mod picture;
mod readers;
mod screen;
mod setup;
mod signals;
mod terminal;
