//! Decisions: pure functions of what was answered and when. No clock is read here and nothing is awaited.

pub mod fence;
pub(crate) mod gate;
pub mod handover;
pub(crate) mod inspection;
pub mod keep;
pub(crate) mod leadership;
pub(crate) mod lease;
pub(crate) mod listing;
pub(crate) mod node_set;
pub(crate) mod plan;
pub(crate) mod probe;
pub mod quorum;
pub(crate) mod release;
pub(crate) mod retry;
pub(crate) mod rivalry;
pub mod slots;
pub mod twins;
