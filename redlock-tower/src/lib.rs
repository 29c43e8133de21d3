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
//! use http::Response;
//! use redlock_core::route::{ContendedStatus, KeyError, LockPolicy};
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
//! let lock = LockLayer::with_key(
//!     &redlock,
//!     |parts| {
//!         let tenant = parts.extensions.get::<String>().ok_or(KeyError::missing("tenant"))?;
//!         Ok(format!("tenant:{tenant}"))
//!     },
//!     policy,
//! )?
//! .reject_with(|rejection| {
//!     let mut response = Response::new("busy\n".to_owned());
//!     *response.status_mut() = rejection.status().try_into().unwrap_or_default();
//!     response
//! });
//! # Ok(())
//! # }
//! ```
//!
//! # Readers beside readers, and limits
//!
//! With [`shared_methods`](redlock_core::route::LockPolicy::shared_methods) requests of some methods run beside one another,
//! and never beside those of the others, over all replicas:
//!
//! ```
//! # #[cfg(feature = "axum")]
//! # fn main() -> Result<(), redlock_core::ConfigError> {
//! # use axum::{Router, routing::{get, post}};
//! # use redlock_core::{InMemoryNode, Redlock, route::LockPolicy};
//! # use redlock_tower::LockLayer;
//! # async fn invoice() {}
//! # async fn pay() {}
//! # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(std::time::Duration::from_secs(10)).build()?;
//! let policy = LockPolicy::new().shared_methods(["GET"]); // and POST alone
//! let lock = LockLayer::new(&redlock, "order:{int:id}", policy)?;
//! let app: Router = Router::new()
//!     .route("/orders/{id}/invoice", get(invoice).layer(lock.clone()))
//!     .route("/orders/{id}/pay", post(pay).layer(lock));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "axum"))]
//! # fn main() {}
//! ```
//!
//! With [`permits`](redlock_core::route::LockPolicy::permits) so many requests of a key are served at once in place of one, which
//! is a limit for all replicas together.
//!
//! What each option does to a slow handler, a client that leaves, a lost lock and an outage:
//! [choosing a policy](https://docs.rs/redlock-core/latest/redlock_core/guide/choosing_a_policy/). Recipes: [cookbook](https://docs.rs/redlock-core/latest/redlock_core/guide/cookbook/).
//!
//! # Where the layer belongs
//!
//! **Inside authentication**: who can name a key can hold it. In axum a layer that is added later is further outside, so
//! add the lock first, or on the method router as above. With `ServiceBuilder` the first layer is the outermost one:
//!
//! ```text
//! ServiceBuilder::new()
//!     .layer(SetRequestIdLayer::new(x_request_id, MakeRequestUuid))
//!     .layer(TraceLayer::new_for_http())
//!     .layer(PropagateRequestIdLayer::new(x_request_id))
//!     .layer(CorsLayer::new().expose_headers([RETRY_AFTER]))
//!     .layer(CompressionLayer::new())
//!     .layer(CatchPanicLayer::new())
//!     .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, limit))
//!     .layer(lock)
//! ```
//!
//! Each of the layers of tower-http may also stand inside. The lock is released whichever way the handler ends:
//!
//! | layer | outside of the lock, as above | inside |
//! |---|---|---|
//! | `TimeoutLayer` | the wait for the lock counts; at the time-out the handler is dropped and the client told at once, while the release is under way; a handler that runs to completion goes on under its lock | the wait does not count; the handler is dropped, also one that runs to completion, and the client is told once the lock is free |
//! | `CorsLayer` | a preflight is answered without the lock; a script can read a refusal, and its `Retry-After` if that is exposed | a preflight is locked if the policy locks OPTIONS; a script cannot read a refusal |
//! | `CatchPanicLayer` | the panic drops the handler, the release goes on in the background | the panic is an answer like any other: the lock is free before it |
//! | `CompressionLayer` | held until the uncompressed body ends | held until the compressed body ends; the client sees no difference |
//! | `TraceLayer` | sees refusals, with their `Rejection`, and counts the wait; takes a 503 for a failure | sees what has its lock, or needs none |
//! | `SetRequestIdLayer`, `PropagateRequestIdLayer` | refusals have the request's id | they have none |
//!
//! Neither side of a `TimeoutLayer` limits the body, which streams under the lock after the head: `max_hold` does.
//!
//! On a method router axum cannot tell the errors of two chained calls of `layer` apart, whatever the layers: chain
//! `route_layer(lock)` before `layer(…)`, or take a `ServiceBuilder`.
//!
//! In axum use `route_layer`, or `layer` on the method router, which also wraps its answer to other methods (405).
//! `Router::layer` also wraps the fallback, where no route is known: a template with a path parameter answers 500 there
//! instead of 404. A parameter that nested routers name twice (`/a/{id}` around `/b/{id}`) is in no template: 500, and
//! found at start-up by [`for_route`](LockLayer::for_route).
//!
//! Two layers with the same handle and key on one route do not wait for each other: the inner one finds the outer one's
//! lock and passes, and the outer one's policy counts. With different keys both are held.
//!
//! # What the handler can know
//!
//! The request's extensions have [`HeldLocks`](redlock_core::route::HeldLocks); in axum, `Locked` extracts the lease,
//! and `Held` how it is held: alone, shared, or as one of so many.
//! Every rejection has its [`Rejection`](redlock_core::route::Rejection) in the response's extensions, with what each
//! node said, for a layer outside that logs it.
//!
//! # A key that only the handler knows
//!
//! What names the resource in the request's body no layer sees. The handler takes that lock itself, and `?` answers as the
//! layer does, by `LockRejection` (feature `axum`). A [template](redlock_core::route::KeyTemplate::render) gives the key
//! that a route with the same template has. `examples/accounts-axum.rs` is such a service.
//!
//! # What is not covered
//!
//! A connection that is upgraded (101) leaves HTTP: the lock is released with the response's head. A body that is still
//! sent by a task which the handler spawned is covered; whatever else such a task does is not.
//!
//! # Features
//!
//! - `axum`: path parameters, `{route}` and nested routers for key templates, the extractors `Locked` and `Held`, the error
//!   `LockRejection`, and `reject_with` takes what axum calls a response. Without it templates know the method and headers
//!   only.
//! - `tonic`: rejections as gRPC statuses (`GrpcStatus`). Templates know `{route}`, which is `/package.Service/Method`.
//! - `tracing`: spans and events of the locks. On by default.
//! - `metrics`: counters, gauges and histograms of the locks, for whatever recorder the application installs.
//! - `serde`: a fence is serialized as its number, a lock that is handed over as its text.
//!
//! All but `tracing` default to off. [`redlock_core`] is re-exported: a service needs to name no other crate for its locks,
//! besides that of its nodes.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod future;
#[cfg(feature = "axum")]
mod handler;
mod key;
mod layer;
#[cfg(feature = "axum")]
mod locked;
mod rejection;
mod service;

pub use body::LockedBody;
pub use future::ResponseFuture;
#[cfg(feature = "axum")]
pub use handler::LockRejection;
pub use key::KeyExtractor;
pub use layer::LockLayer;
#[cfg(feature = "axum")]
pub use locked::{Held, Locked, NotLocked};
pub use redlock_core;
#[cfg(feature = "tonic")]
pub use rejection::GrpcStatus;
pub use rejection::{BoxError, IntoRejected, OnReject, ProblemJson};
pub use service::LockService;

/// The README's example, compiled.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;
