//! `redlock inspect`, `watch`, `release`, `doctor` and `bench`, driven as a user would, against real servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;
mod diagnosis;
mod locks;
mod rights;
mod setup;
