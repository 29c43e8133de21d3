//! What a server answers to the scripts of fencing and the restart guard, and what the node makes of it.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "adapter/fenced.rs"]
mod cases;
mod common;
