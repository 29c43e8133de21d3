//! A claim, with what it takes to work on it.

use std::sync::Arc;
use std::time::Duration;

use super::background::Background;
use super::members::NodeSet;
use super::trace::Traced;

#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    pub(crate) set: Arc<NodeSet>,
    pub(crate) background: Background,
    pub(crate) traced: Traced,
    pub(crate) node_timeout: Duration,
}
