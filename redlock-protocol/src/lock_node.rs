/// Makes an adapter's type a [`LockNode`](redlock_core::LockNode) that hands every verb to its server. The type has the
/// fields `name`, which reads as a `&str`, and `server`, an `Arc` of a [`ServerNode`](crate::ServerNode) or of any other
/// node. A type that needs no more than a `ServerNode` is one already, and needs no macro.
///
/// ```
/// use std::sync::Arc;
/// use redlock_protocol::redlock_core::LockNode;
///
/// /// A node as the users of an adapter see it: the client library does not show.
/// #[derive(Debug)]
/// pub struct MyNode {
///     name: Box<str>,
///     server: Arc<dyn LockNode>, // a `ServerNode<MyWire>`
/// }
///
/// redlock_protocol::lock_node_over_server!(MyNode);
/// ```
// Written out instead of `#[async_trait]`, which would box every future a second time.
#[macro_export]
macro_rules! lock_node_over_server {
    ($node:ty) => {
        $crate::lock_node_over_server! { $node =>
            identity() -> $crate::redlock_core::node::Identity;
            acquire(claim: $crate::redlock_core::node::Claim, terms: $crate::redlock_core::node::Terms) -> $crate::redlock_core::node::Vote;
            acquire_any(slots: $crate::redlock_core::node::Claim, terms: $crate::redlock_core::node::Terms, first: usize) -> $crate::redlock_core::node::Placed;
            extend(claim: $crate::redlock_core::node::Claim, terms: $crate::redlock_core::node::Terms) -> $crate::redlock_core::node::Extension;
            release(claim: $crate::redlock_core::node::Claim) -> $crate::redlock_core::node::Removal;
            release_and_tell(claim: $crate::redlock_core::node::Claim) -> $crate::redlock_core::node::Removal;
            keep(claim: $crate::redlock_core::node::Claim, rest: ::std::time::Duration) -> $crate::redlock_core::node::Removal;
            inspect(key: $crate::redlock_core::LockKey) -> Vec<Option<$crate::redlock_core::node::Holding>>;
            inspect_counters(key: $crate::redlock_core::LockKey) -> Vec<Option<u64>>;
            scan(prefix: ::std::sync::Arc<[u8]>, from: u64) -> $crate::redlock_core::node::Page;
            raise(claim: $crate::redlock_core::node::Claim, fence: u64, life: ::std::time::Duration) -> $crate::redlock_core::node::Extension;
        }
    };
    ($node:ty => $($verb:ident($($arg:ident: $ty:ty),*) -> $answer:ty;)*) => {
        #[deny(clippy::missing_trait_methods)]
        impl $crate::redlock_core::LockNode for $node {
            fn name(&self) -> &str {
                &self.name
            }

            $(fn $verb<'a>(
                self: ::std::sync::Arc<Self>,
                $($arg: $ty,)*
                timeout: ::std::time::Duration,
            ) -> ::std::pin::Pin<
                Box<dyn ::std::future::Future<Output = Result<$answer, $crate::redlock_core::node::NodeError>> + Send + 'a>,
            >
            where
                Self: 'a,
            {
                let server = ::std::sync::Arc::clone(&self.server);
                $crate::redlock_core::LockNode::$verb(server, $($arg,)* timeout)
            })*

            fn listen<'a>(
                self: ::std::sync::Arc<Self>,
                listener: ::std::sync::Arc<dyn $crate::redlock_core::node::Listener>,
                timeout: ::std::time::Duration,
            ) -> ::std::pin::Pin<Box<dyn ::std::future::Future<Output = $crate::redlock_core::node::NodeError> + Send + 'a>>
            where
                Self: 'a,
            {
                let server = ::std::sync::Arc::clone(&self.server);
                $crate::redlock_core::LockNode::listen(server, listener, timeout)
            }

            fn features(&self) -> $crate::redlock_core::node::Features {
                $crate::redlock_core::LockNode::features(&*self.server)
            }
        }
    };
}
