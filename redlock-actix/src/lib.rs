//! A Redlock lock per route, as an [actix-web](actix_web) middleware.
//!
//! One line on a route, and no two replicas of a service ever run it at the same time for the same key:
//!
//! ```no_run
//! use std::time::Duration;
//! use actix_web::{App, HttpServer, web};
//! use redlock_actix::LockMiddleware;
//! use redlock_core::route::LockPolicy;
//! use redlock_core::{InMemoryNode, Redlock};
//!
//! async fn pay(id: web::Path<u64>) -> String {
//!     format!("paid {id}")
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let redlock = Redlock::builder()
//!     .node(InMemoryNode::new("a")) // or RedisNode::connect("redis://10.0.0.1")?
//!     .ttl(Duration::from_secs(10))
//!     .build()?;
//! // Made once: what is wrong with it is found here, and all workers share its bounds.
//! let lock = LockMiddleware::new(&redlock, "order:{int:id}", LockPolicy::new())?;
//! HttpServer::new(move || {
//!     App::new().route("/orders/{id}/pay", web::post().to(pay).wrap(lock.clone()))
//! })
//! .bind(("127.0.0.1", 3000))?
//! .run()
//! .await?;
//! redlock.close().await;
//! # Ok(())
//! # }
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
//! use actix_web::http::StatusCode;
//! use actix_web::{HttpMessage, HttpResponse};
//! use redlock_actix::LockMiddleware;
//! use redlock_core::route::{ContendedStatus, KeyError, LockPolicy};
//! # use redlock_core::{InMemoryNode, Redlock};
//!
//! # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(Duration::from_secs(10)).build()?;
//! #[derive(Clone)]
//! struct Tenant(String); // put into the extensions by the authentication around it
//!
//! let policy = LockPolicy::new()
//!     .methods(["POST", "DELETE"])
//!     .wait_up_to(Duration::from_secs(5))
//!     .contended_status(ContendedStatus::Locked)
//!     .max_hold(Duration::from_secs(30))
//!     .run_to_completion(true);
//! let lock = LockMiddleware::with_key(
//!     &redlock,
//!     |request| {
//!         let extensions = request.extensions();
//!         let Tenant(tenant) = extensions.get().ok_or(KeyError::missing("tenant"))?;
//!         Ok(format!("tenant:{tenant}"))
//!     },
//!     policy,
//! )?
//! .reject_with(|rejection| {
//!     let status = StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::CONFLICT);
//!     HttpResponse::build(status).body("busy\n")
//! });
//! # let _ = lock;
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
//! # fn main() -> Result<(), redlock_core::ConfigError> {
//! # use actix_web::{App, web};
//! # use redlock_actix::LockMiddleware;
//! # use redlock_core::{InMemoryNode, Redlock, route::LockPolicy};
//! # async fn invoice() -> &'static str { "" }
//! # async fn pay() -> &'static str { "" }
//! # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(std::time::Duration::from_secs(10)).build()?;
//! let policy = LockPolicy::new().shared_methods(["GET"]); // and POST alone
//! let lock = LockMiddleware::new(&redlock, "order:{int:id}", policy)?;
//! let app = App::new()
//!     .route("/orders/{id}/invoice", web::get().to(invoice).wrap(lock.clone()))
//!     .route("/orders/{id}/pay", web::post().to(pay).wrap(lock.clone()));
//! # let _ = app;
//! # Ok(())
//! # }
//! ```
//!
//! With [`permits`](redlock_core::route::LockPolicy::permits) so many requests of a key are served at once in place of one, which
//! is a limit for all replicas together.
//!
//! What each option does to a slow handler, a client that leaves, a lost lock and an outage:
//! [choosing a policy](https://docs.rs/redlock-core/latest/redlock_core/guide/choosing_a_policy/). Recipes: [cookbook](https://docs.rs/redlock-core/latest/redlock_core/guide/cookbook/).
//!
//! # Where the middleware belongs
//!
//! **Inside authentication**: who can name a key can hold it. In actix-web the middleware that is wrapped last is outermost,
//! so wrap the lock first, or around the route as above. Around a route, call `.to(handler)` before `.wrap(…)`: actix-web
//! panics at start-up otherwise. Around a resource (`web::resource(…).wrap(…)`) it also locks requests that end in 405.
//! Around a scope or an application no route is known: a template with `{route}` or with a parameter of the route answers
//! 500 there. A parameter that nested scopes name twice (`/a/{id}` around `/b/{id}`) is in no template: 500, and found at
//! start-up by [`for_route`](LockMiddleware::for_route). A route of GET does not answer HEAD in actix-web; one that does
//! (`web::route()`) is locked by a policy for GET.
//!
//! Middlewares outside of it (`Logger`, `ErrorHandlers`, `DefaultHeaders`, …) see refusals as they see answers; inside they
//! see what has its lock, or needs none. A time limit outside drops the handler and counts the wait for the lock; inside it
//! does not count the wait.
//!
//! Two of them with the same handle and key on one route do not wait for each other: the inner one finds the outer one's
//! lock and passes, and the outer one's policy counts. With different keys both are held.
//!
//! # A client that leaves
//!
//! actix-web lets a handler run on when its client closes the connection before the response's head, since a client may
//! close its sending half only; the lock is held meanwhile and released at the end.
//! [`HttpServer::h1_allow_half_closed(false)`](actix_web::HttpServer::h1_allow_half_closed) drops the handler as most
//! frameworks do, and the lock is released then, unless the policy runs handlers to completion. A body that streams is
//! dropped in either case.
//!
//! # What the handler can know
//!
//! [`Locked`] extracts the lease, and [`Held`] how it is held: alone, shared, or as one of so many. The request's extensions
//! have [`HeldLocks`](redlock_core::route::HeldLocks). Every rejection has its
//! [`Rejection`](redlock_core::route::Rejection) in the response's extensions, with what each node said, for a middleware
//! outside that logs it.
//!
//! # A key that only the handler knows
//!
//! What names the resource in the request's body no middleware sees. The handler takes that lock itself, and `?` answers as
//! the middleware does, by [`LockRejection`]. A [template](redlock_core::route::KeyTemplate::render) gives the key that a
//! route with the same template has.
//!
//! # What is not covered
//!
//! A connection that is upgraded (101) leaves HTTP: the lock is released with the response's head, if it has no body. What
//! a handler spawns is covered only as far as it feeds the response's body.
//!
//! # Features
//!
//! - `tracing`: spans and events of the locks. On by default.
//! - `metrics`: counters, gauges and histograms of the locks, for whatever recorder the application installs. Off by
//!   default.
//! - `serde`: a fence is serialized as its number, a lock that is handed over as its text. Off by default.
//!
//! [`redlock_core`] is re-exported: a service needs to name no other crate for its locks, besides that of its nodes.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod key;
mod locked;
mod middleware;
mod rejection;
mod service;

pub use body::LockedBody;
pub use key::KeyExtractor;
pub use locked::{Held, Locked, NotLocked};
pub use middleware::LockMiddleware;
pub use redlock_core;
pub use rejection::LockRejection;
pub use service::{LockService, LockedResponse};

/// The README's example, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
