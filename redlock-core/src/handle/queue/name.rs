//! What a line is found by.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};

use crate::node::key::LockKey;

/// One resource of a key, by its position. Found by its bytes, whatever key it is of; no copy of them is made.
#[derive(Debug)]
pub(super) struct Name(pub(super) LockKey, pub(super) usize);

impl Name {
    fn bytes(&self) -> &[u8] {
        self.0.resources().nth(self.1).unwrap_or_default()
    }
}

impl Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        self.bytes()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}
