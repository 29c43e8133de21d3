//! The nodes of a configuration, and plain commands to their servers.

mod greeting;
pub(crate) mod nodeset;
mod raw;
mod scratch;

pub(crate) use self::greeting::greeting;
pub(crate) use self::raw::{Raw, Trouble, TroubleKind, host};
pub(crate) use self::scratch::Scratch;
