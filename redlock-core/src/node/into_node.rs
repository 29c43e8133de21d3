//! What a handle can be given for a node.

use std::sync::Arc;

use super::LockNode;

/// What [`node`](crate::RedlockBuilder::node) and [`nodes`](crate::RedlockBuilder::nodes) take: a [`LockNode`] of any
/// backend, or one that is shared (`Arc`) or boxed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no lock node",
    label = "not a node",
    note = "nodes are of a backend: `RedisNode::connect(url)?`, `FredNode::connect(url)?`, `FileNode::open(directory)?`, `InMemoryNode::new(name)`",
    note = "`connect` gives a `Result`: end it with `?`"
)]
pub trait IntoLockNode {
    /// The node, shared.
    fn into_lock_node(self) -> Arc<dyn LockNode>;
}

impl<N: LockNode> IntoLockNode for N {
    fn into_lock_node(self) -> Arc<dyn LockNode> {
        Arc::new(self)
    }
}

impl<N: LockNode> IntoLockNode for Arc<N> {
    fn into_lock_node(self) -> Arc<dyn LockNode> {
        self
    }
}

impl IntoLockNode for Arc<dyn LockNode> {
    fn into_lock_node(self) -> Arc<dyn LockNode> {
        self
    }
}

impl IntoLockNode for &Arc<dyn LockNode> {
    fn into_lock_node(self) -> Arc<dyn LockNode> {
        Arc::clone(self)
    }
}

impl<N: LockNode> IntoLockNode for &Arc<N> {
    fn into_lock_node(self) -> Arc<dyn LockNode> {
        Arc::clone(self) as _
    }
}

impl IntoLockNode for Box<dyn LockNode> {
    fn into_lock_node(self) -> Arc<dyn LockNode> {
        self.into()
    }
}
