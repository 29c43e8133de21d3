//! Who hears of releases on a node.

use std::sync::Arc;

use redlock_core::node::Listener;

use crate::known::Known;

/// A listener on a node, whose releases are told from when it listens.
pub(crate) struct Hearing {
    pub(crate) known: Arc<Known>,
    pub(crate) listener: Arc<dyn Listener>,
}

impl Listener for Hearing {
    fn listening(&self) {
        self.known.is_heard();
        self.listener.listening();
    }

    fn released(&self, resource: &[u8]) {
        self.listener.released(resource);
    }
}
