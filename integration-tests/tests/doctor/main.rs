//! `redlock inspect`, `list`, `watch`, `release`, `doctor` and `bench`, driven as a user would, against real servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;
mod diagnosis;
mod hung;
mod kept;
mod labels;
mod list;
mod locks;
mod permits;
mod rights;
mod sent;
mod setup;
mod turned_down;
mod twice;
mod unsaid;
