//! Every fault that a real server can be brought to, on every kind of server, through both clients.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod held;
mod labels;
mod lacking;
mod refusing;
mod setup;
mod shares;
mod silent;
mod wrong;
