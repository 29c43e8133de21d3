//! Fences in a real database: a holder that comes too late changes no row, whatever else goes on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod child;
mod document;
mod fenced;
mod insert;
mod isolation;
mod paused;
mod row;
mod script;
mod server;
mod setup;
mod several;
