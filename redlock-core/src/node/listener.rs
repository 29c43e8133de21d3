/// Hears of releases on a node; see [`LockNode::listen`](super::LockNode::listen).
///
/// Hearing is no promise: a notification can be lost, come late, come twice, or be made up by any other client of the
/// server. Whoever hears of a release asks the node.
///
/// The methods are called from wherever the node's messages are read, and must not block.
pub trait Listener: Send + Sync + 'static {
    /// The node has been subscribed to: releases from now on are told.
    fn listening(&self);

    /// A resource was released on the node. The name is as in
    /// [`LockKey::resources`](crate::LockKey::resources), if a lock's release told it.
    fn released(&self, resource: &[u8]);
}
