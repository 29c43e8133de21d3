//! A Redlock lock per route, as a [tower](tower_layer) layer.
//!
//! One line on a route, and no two replicas of a service ever run it at the same time for the same key:
//!
//! ```
//! # #[cfg(feature = "axum")]
//! # fn main() -> Result<(), redlock_core::ConfigError> {
//! # use std::time::Duration;
//! use axum::{Router, extract::Path, routing::post};
//! use redlock_core::route::LockPolicy;
//! use redlock_core::{InMemoryNode, Redlock};
//! use redlock_tower::LockLayer;
//!
//! async fn pay(Path(id): Path<u64>) -> String {
//!     format!("paid {id}")
//! }
//!
//! let redlock = Redlock::builder()
//!     .node(InMemoryNode::new("a")) // or RedisNode::connect("redis://10.0.0.1")?
//!     .ttl(Duration::from_secs(10))
//!     .build()?;
//! let lock = LockLayer::new(&redlock, "order:{int:id}", LockPolicy::new())?;
//! let app: Router = Router::new().route("/orders/{id}/pay", post(pay).layer(lock));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "axum"))]
//! # fn main() {}
//! ```
//!
//! While somebody has the lock, others get 409 with `Retry-After`; without a majority of nodes, 503. The lock is renewed
//! while the handler runs, and released before the last piece of the response's body is sent.
//!
//! Everything may be different:
//!
//! ```
//! # fn main() -> Result<(), redlock_core::ConfigError> {
//! use std::time::Duration;
//! use bytes::Bytes;
//! use http::{Response, request::Parts};
//! use redlock_core::route::{ContendedStatus, KeyError, LockPolicy, Rejection};
//! # use redlock_core::{InMemoryNode, Redlock};
//! use redlock_tower::LockLayer;
//!
//! # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(Duration::from_secs(10)).build()?;
//! let policy = LockPolicy::new()
//!     .methods(["POST", "DELETE"])
//!     .wait_up_to(Duration::from_secs(5))
//!     .contended_status(ContendedStatus::Locked)
//!     .max_hold(Duration::from_secs(30))
//!     .run_to_completion(true);
//! let key = |parts: &Parts| {
//!     let tenant = parts.extensions.get::<String>().ok_or(KeyError::missing("tenant"))?;
//!     Ok::<_, KeyError>(format!("tenant:{tenant}"))
//! };
//! let lock = LockLayer::with_key(&redlock, key, policy)?.reject_with(|rejection: &Rejection| {
//!     let mut response = Response::new(Bytes::from_static(b"busy\n"));
//!     *response.status_mut() = rejection.status().try_into().unwrap_or_default();
//!     response
//! });
//! # Ok(())
//! # }
//! ```
//!
//! # Where the layer belongs
//!
//! **Inside authentication**: who can name a key can hold it. In axum a layer that is added later is further outside, so
//! add the lock first, or on the method router as above. **Inside panic catchers and timeouts** (`CatchPanicLayer`,
//! `TimeoutLayer`): the lock is released whichever way the handler ends. A client that is told of a time-out is told at
//! once, and the release is under way by then; a handler that runs to completion keeps its lock meanwhile. Layers outside of
//! it run without the lock; `CompressionLayer` outside is fine, the lock is held until the uncompressed body ends.
//!
//! In axum use `route_layer`, or `layer` on the method router. `Router::layer` also wraps the fallback, where no route is
//! known: a template with a path parameter answers 500 there instead of 404.
//!
//! Two layers with the same handle and key on one route do not wait for each other: the inner one finds the outer one's
//! lock and passes, and the outer one's policy counts. With different keys both are held.
//!
//! # What the handler can know
//!
//! The request's extensions have [`HeldLocks`](redlock_core::route::HeldLocks); in axum, `Locked` extracts the lease.
//! Every rejection has its [`Rejection`](redlock_core::route::Rejection) in the response's extensions, with what each
//! node said, for a layer outside that logs it.
//!
//! # What is not covered
//!
//! A connection that is upgraded (101) leaves HTTP: the lock is released with the response's head. A body that is still
//! sent by a task which the handler spawned is covered; whatever else such a task does is not.
//!
//! # Features
//!
//! - `axum`: path parameters, `{route}` and nested routers for key templates, and the extractor `Locked`. Without it
//!   templates know the method and headers only.
//! - `tonic`: rejections as gRPC statuses (`GrpcStatus`). Templates know `{route}`, which is `/package.Service/Method`.
//!
//! All default to off.

mod body;
mod future;
mod key;
mod layer;
#[cfg(feature = "axum")]
mod locked;
mod rejection;
mod service;

pub use body::{BoxError, LockedBody};
pub use future::ResponseFuture;
pub use key::KeyExtractor;
pub use layer::LockLayer;
#[cfg(feature = "axum")]
pub use locked::{Locked, NotLocked};
#[cfg(feature = "tonic")]
pub use rejection::GrpcStatus;
pub use rejection::{OnReject, ProblemJson};
pub use service::LockService;
