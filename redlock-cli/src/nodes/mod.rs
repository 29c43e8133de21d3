//! The nodes of a configuration, and plain commands to their servers.

pub(crate) mod nodeset;
mod raw;
mod scratch;

pub(crate) use self::raw::{Raw, Trouble, TroubleKind, greeting, host};
pub(crate) use self::scratch::Scratch;
