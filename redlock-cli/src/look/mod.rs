//! Who holds which lock, by what the nodes say.

mod handle;
mod looker;
pub(crate) mod slots;
pub(crate) mod view;

pub(crate) use self::handle::{LIMIT, handle};
pub(crate) use self::looker::{GRACE, Looker};
pub(crate) use self::view::{HoldJson, NodeJson, NodeState, State, View, ViewJson, remaining};
