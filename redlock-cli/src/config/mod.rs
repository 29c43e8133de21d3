//! Which nodes, and how to speak to them: flags, then what `redlock-config` finds, then what is built in.

mod fault;
mod flags;
mod resolved;

pub(crate) use redlock_config::variables::NODES;
pub(crate) use redlock_config::{ClientKind, NodeAddress as Address, Place, Secret};

pub(crate) use self::fault::ConfigFault;
pub(crate) use self::flags::Flags;
pub(crate) use self::resolved::{Config, Nodes};
