//! What a node tells of all that stands on it.

use super::answers::{Expiry, Holding};
use super::fault::{Fault, NodeError};

/// A part of what stands on a node, and where the next one begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Page {
    /// What was found, in no particular order.
    pub found: Vec<Found>,
    /// Where the next page begins; `None` behind the last. Means something to the node that gave it alone.
    pub next: Option<u64>,
}

/// Something that stands on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// Under this name.
    pub resource: Box<[u8]>,
    /// Whose it is; or why that cannot be read, as where a value of another type stands.
    pub holding: Result<Holding, NodeError>,
}

impl Page {
    /// So many names a node should look at for one page. A server is through with them in 0.3 ms.
    pub const SIZE: usize = 100;

    /// The longest value that a node tells. No lock's is longer: a token, a blank and a label have 169 bytes.
    pub const LONGEST_VALUE: usize = 200;

    /// A page.
    pub fn new(found: Vec<Found>, next: Option<u64>) -> Self {
        Self { found, next }
    }
}

impl Found {
    /// Something that stands under `resource`.
    pub fn new(resource: impl Into<Box<[u8]>>, holding: Result<Holding, NodeError>) -> Self {
        Self { resource: resource.into(), holding }
    }

    /// A value as it stands, which is no lock's if it is longer than [`Page::LONGEST_VALUE`].
    pub fn of_value(resource: impl Into<Box<[u8]>>, value: &[u8], expiry: Expiry) -> Self {
        let holding = if value.len() > Page::LONGEST_VALUE {
            Err(NodeError::new(Fault::WrongType, "a longer value than a lock's"))
        } else {
            Ok(Holding::of(value, expiry))
        };
        Self::new(resource, holding)
    }
}
