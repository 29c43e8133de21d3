//! What `redlock bench` is to do.

use std::time::Duration;

use crate::config::Flags;

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) duration: Duration,
    pub(crate) tasks: u16,
    /// All want the same lock, instead of one each.
    pub(crate) contended: bool,
    pub(crate) fencing: bool,
    pub(crate) ttl: Duration,
    pub(crate) json: bool,
    pub(crate) flags: Flags,
}
