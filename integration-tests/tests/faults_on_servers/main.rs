//! Every fault that a real server can be brought to, on every kind of server, through both clients.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod held;
mod labels;
mod refusing;
mod setup;
mod silent;
mod wrong;
